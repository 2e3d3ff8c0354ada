"""How much a request may bring along: little, but for the few routes that take a file."""

from __future__ import annotations

from typing import Final

from flask import Flask, request

from webui.signin import node

FORM_SIZE_MAX: Final = 256 * 1024  # bytes of a form without a file
BESIDES_FILE: Final = 64 * 1024  # bytes that a form with a file may need for its other fields
PARTS_MAX: Final = 64
TAKE_FILES: Final = frozenset(
    {"archive.publish", "carry.hand_in", "steward.add_peer", "api.archive.publish", "api.carrying.hand_in"}
)


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
