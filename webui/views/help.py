"""How to get help: with the node, with a mistake in a payment, and quietly."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.answers import Standing

pages = Blueprint("help", __name__)


@pages.get("/help")
def show() -> str:
    """Show the help page. It looks the same to everybody, so that nobody can tell why it was opened."""
    return render_template("help.html", standings=tuple(Standing))
