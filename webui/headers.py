"""What a page may load, keep and tell: nothing from outside, no script at all, and no cache of a member's pages."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request
from markupsafe import Markup

from webui.signin import visitor

# The stylesheet stands within the page: over a crowded access point one answer is faster than two. Its hash lets it in.
STYLESHEET: Final = Path(__file__).parent / "static" / "hedgerow.css"
FOR_FILES: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


def join(app: Flask) -> None:
    """Put the rules on every answer of `app`."""
    style = STYLESHEET.read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    app.jinja_env.globals["stylesheet"] = Markup(style)  # noqa: S704 (our own file)
    app.extensions["page policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; media-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    app.after_request(_guarded)


def _guarded(response: Response) -> Response:
    is_page = response.mimetype == "text/html"
    response.headers.setdefault(
        "Content-Security-Policy", current_app.extensions["page policy"] if is_page else FOR_FILES
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if _is_personal():
        response.headers["Cache-Control"] = "no-store"
    response.headers.setdefault("Cache-Control", "no-cache")
    if is_page:
        response.vary.update(("Cookie", "Accept-Language"))
    return response


def _is_personal() -> bool:
    return request.method not in {"GET", "HEAD"} or "Authorization" in request.headers or visitor() is not None
