"""What a phone shows by itself after joining the WiFi: a poster with the address to open. No sign-in, no file, one button."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from webui.captive import own_address, staying
from webui.qr import drawing

pages = Blueprint("poster", __name__)


@pages.get("/poster")
def show() -> str:
    """Show the address, large and as a square to scan."""
    address = own_address()
    return render_template("poster.html", address=address, square=drawing(address, address))


@pages.get("/stay")
def stay() -> str:
    """Show the button, or that it was pressed."""
    return render_template("stay.html", stays=staying().stays(request.remote_addr or ""), address=own_address())


@pages.post("/stay")
def stayed() -> Redirect:
    """Keep this phone on the WiFi. A full page follows, because an iPhone looks again only after one."""
    staying().stay(request.remote_addr or "")
    return redirect(url_for("poster.stay"), 303)


@pages.post("/stay/leave")
def leave() -> Redirect:
    """Take it back."""
    staying().leave(request.remote_addr or "")
    return redirect(url_for("poster.stay"), 303)
