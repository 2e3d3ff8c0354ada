"""Forms of ours only. Each form carries a token that another site can neither read nor guess.

A member's token comes from the session that the node keeps, so an open form outlives a restart. A passer-by who signs in gets
a random cookie and a token made from it. The captive sheet of a phone keeps no cookies, so its one button is bound to the
phone's address in the WiFi. A token is masked anew in every answer, so that compression tells nothing about it (BREACH).
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import Final, cast

from flask import Flask, Response, abort, current_app, g, request

from webui.languages import lazy_gettext
from webui.refusals import API
from webui.signin import cookie_name, visitor

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "form_token"
SECRET_SIZE: Final = 32
GUEST_SIZE: Final = 43  # of 32 random bytes in URL-safe base64
WITHOUT_COOKIES: Final = frozenset({"poster.stay", "poster.stayed", "poster.leave"})


def join(app: Flask) -> None:
    """Guard every form of `app`; the API has no cookies and needs no guard."""
    app.extensions["form key"] = secrets.token_bytes(SECRET_SIZE)
    app.before_request(_guard)
    app.after_request(_greet)
    app.jinja_env.globals["form_token"] = form_token


def form_token() -> str:
    """Return a fresh writing of this visitor's token, for a hidden field."""
    mask = secrets.token_bytes(SECRET_SIZE)
    return urlsafe_b64encode(mask + _mixed(mask, _secret())).decode().rstrip("=")


def _guard() -> None:
    if request.method in SAFE or request.path.startswith(API) or request.endpoint is None:
        return
    if not hmac.compare_digest(_unmasked(request.form.get(FIELD, "")), _secret()):
        abort(400, lazy_gettext("This form was open for too long, or it is not from this node. Load its page again."))


def _greet(response: Response) -> Response:
    """Give a passer-by the cookie that the form just shown belongs to."""
    if "new_guest" in g:
        response.set_cookie(cookie_name("guest"), g.new_guest, httponly=True, samesite="Lax")
    return response


def _secret() -> bytes:
    session = visitor()
    if session is not None:
        return sha256(session.csrf.encode()).digest()
    key = cast("bytes", current_app.extensions["form key"])
    whose = request.remote_addr or "" if request.endpoint in WITHOUT_COOKIES else _guest()
    return hmac.digest(key, f"{request.endpoint in WITHOUT_COOKIES} {whose}".encode(), "sha256")


def _guest() -> str:
    known = request.cookies.get(cookie_name("guest"), "")
    if len(known) == GUEST_SIZE:
        return known
    if "new_guest" not in g:
        g.new_guest = secrets.token_urlsafe(SECRET_SIZE)
    return cast("str", g.new_guest)


def _unmasked(token: str) -> bytes:
    try:
        whole = urlsafe_b64decode(token + "==")
    except (NotBase64, ValueError):
        return b""
    return _mixed(whole[:SECRET_SIZE], whole[SECRET_SIZE:]) if len(whole) == 2 * SECRET_SIZE else b""


def _mixed(mask: bytes, value: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(mask, value, strict=True))
