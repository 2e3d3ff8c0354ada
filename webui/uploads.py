"""How much a request may bring along: little, but for the few routes that take a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from flask import Flask, request
from werkzeug.http import parse_cookie

from appliance.errors import Objection, Refused
from webui.signin import TOKEN_SIZE_MAX, cookie_of, node

if TYPE_CHECKING:
    from appliance.node import Node

FORM_SIZE_MAX: Final = 256 * 1024  # bytes of a form without a file
BESIDES_FILE: Final = 64 * 1024  # bytes that a form with a file may need for its other fields
PARTS_MAX: Final = 64
TAKE_FILES: Final = frozenset(
    {"archive.publish", "carry.hand_in", "steward.add_peer", "api.archive.publish", "api.carrying.hand_in"}
)

TO_THE_SHELF: Final = frozenset({"/archive", "/api/v1/zines"})


def check_may_begin(node: Node, path: str, headers: Mapping[str, str]) -> None:
    """Raises `Refused` where a file for the shelf would be refused after it was read, whatever is in it.

    `headers` are those of the request, under CGI's names. Asked before the body has arrived, it keeps a small card from taking
    megabytes in for nothing; the page that reads the body asks again.
    """
    if path not in TO_THE_SHELF:
        return
    scheme, _, token = headers.get("AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        token = parse_cookie(headers.get("COOKIE", "")).get(cookie_of(node.id, "session"), "")
    session = node.session(token) if 0 < len(token) <= TOKEN_SIZE_MAX else None
    if session is None:
        raise Refused(Objection.SIGN_IN_FIRST)
    node.check_may_bring(session.account)


def join(app: Flask) -> None:
    """Limit every request of `app`. What is longer is refused (413) before it is read."""
    app.config["MAX_CONTENT_LENGTH"] = FORM_SIZE_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_SIZE_MAX
    app.config["MAX_FORM_PARTS"] = PARTS_MAX
    app.before_request(_make_room)
    app.teardown_request(_rest)


def _make_room() -> None:
    if request.endpoint in TAKE_FILES:
        request.max_content_length = node().settings.portal.upload_max_bytes + BESIDES_FILE


def _rest(_: BaseException | None) -> None:
    """Each thread has its own way into the store; what it kept in memory for a long file is of no use to the next page."""
    if request.endpoint in TAKE_FILES:
        node().close()
