"""The archive for e-reader apps (OPDS 1.2) and the board for feed readers (Atom, RFC 4287)."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from flask import Blueprint, Response, make_response, render_template

from webui import forms
from webui.captive import own_address
from webui.signin import node
from webui.words import rfc3339

pages = Blueprint("feeds", __name__)

LISTED: Final = 30
OURS: Final = UUID("6b1f6a42-5a0b-4d6c-9d5e-1d1f0e7a2c11")
CATALOG: Final = "application/atom+xml;profile=opds-catalog;kind=acquisition"


@pages.get("/opds")
def catalog() -> Response:
    """List the zines whose files are here, newest first, as an acquisition feed."""
    found = node().zines(forms.query(), older=forms.cursor(), limit=LISTED)
    return _feed("opds.xml", CATALOG, found=found, newest=max((zine.at for zine in found.rows), default=0))


@pages.get("/feed.atom")
def feed() -> Response:
    """List what is new on the board."""
    found = node().posts(limit=LISTED)
    return _feed(
        "feed.xml", "application/atom+xml", found=found, newest=max((post.at for post in found.rows), default=0)
    )


def _feed(template: str, media_type: str, **facts: object) -> Response:
    written = render_template(template, address=own_address(), urn=_urn, rfc3339=rfc3339, **facts)
    response = make_response(forms.UNPRINTABLE.sub("", written))
    response.headers["Content-Type"] = f"{media_type};charset=utf-8" if ";" not in media_type else media_type
    return response


def _urn(name: str) -> str:
    """Return a lasting id: the same thing has the same one at every node."""
    return f"urn:uuid:{uuid5(OURS, name)}"
