"""Bundles on their way through a browser: written to a file first, so that a slow phone holds no thread, and few at a time."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack
from typing import IO, Final

from flask import Response, abort, send_file

from appliance.answers import Imported
from appliance.errors import CardFull
from webui import forms
from webui.languages import lazy_gettext
from webui.signin import node

SIZE_MAX: Final = 24 * 1024 * 1024  # bytes of one bundle; the next stop's own wish list makes the second one smaller
AT_ONCE: Final = threading.BoundedSemaphore(2)  # others are asked to come again in a moment
MEDIA_TYPE: Final = "application/vnd.hedgerow.bundle"


def hand_out(for_node: str | None) -> Response:
    """Write a bundle and send it. Raises StoreFault; answers 429 while others are being written."""
    if not AT_ONCE.acquire(blocking=False):
        abort(429, lazy_gettext("Two bundles are being packed just now. Please try again in a moment."))
    try:
        file = _written(for_node)
    finally:
        AT_ONCE.release()
    return send_file(file, mimetype=MEDIA_TYPE, as_attachment=True, download_name="hedgerow.hedge", max_age=0)


def take_in() -> Imported:
    """Read the bundle of this request's form. Refused(BUNDLE_UNREADABLE) where it is none."""
    content, _ = forms.file("file")
    return node().import_bundle(content)


def _written(for_node: str | None) -> IO[bytes]:
    """Return a nameless file that is gone when it was sent, or when it could not be written."""
    with ExitStack() as undo:
        try:
            file = undo.enter_context(tempfile.TemporaryFile())
            node().export_bundle(file, for_node, SIZE_MAX)
            file.seek(0)
        except OSError as fault:
            raise CardFull(
                "There is no room to write the bundle. Free some room on the card, then try again."
            ) from fault
        undo.pop_all()
        return file
