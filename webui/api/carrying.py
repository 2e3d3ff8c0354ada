"""Bundles: the post that people carry."""

from __future__ import annotations

from dataclasses import asdict
from typing import BinaryIO, Final, cast

from flask import Blueprint, Response, abort, request

from webui import bundles, forms
from webui.api import shapes
from webui.signin import node

routes = Blueprint("carrying", __name__)

RAW: Final = (bundles.MEDIA_TYPE, "application/octet-stream")


@routes.get("/bundle")
def take() -> Response:
    """Hand out a bundle for the node named by `for`, or for whoever is met."""
    return bundles.hand_out(forms.asked("for") or None)


@routes.post("/bundle")
def hand_in() -> shapes.Shape:
    """Take in a bundle, sent as it is. Sending it again does nothing."""
    if request.mimetype not in RAW:
        abort(415, f"Send the bundle as {' or '.join(RAW)}.")
    return asdict(node().import_bundle(cast(BinaryIO, request.stream)))
