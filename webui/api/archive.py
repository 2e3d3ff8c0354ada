"""Zines: found, taken along, published."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from appliance.library import Rack, ZineForm
from webui import forms
from webui.api import shapes
from webui.api.bearer import session
from webui.api.bodies import Field, checked, idempotency_key
from webui.signin import node
from webui.views.archive import send_zine

routes = Blueprint("archive", __name__)

NEW_ZINE: Final = (
    Field("title", "string", "The zine's title."),
    Field("creator", "string", "Who made it.", required=False),
    Field("language", "string", "A language code such as en.", required=False),
    Field("description", "string", "What it is about.", required=False),
    Field("series", "string", "The series it belongs to.", required=False),
    Field("issue", "string", "Its number in the series.", required=False),
    Field("licence", "string", "What others may do with it.", required=False),
    Field("tags", "string", "Words to find it by, with commas between them.", required=False),
)
FILE: Final = Field("file", "file", "The file itself.")


@routes.get("/zines")
def zines() -> shapes.Shape:
    """List the zines, or those that speak of `q`; also those that arrived and do not stand on the shelf."""
    found = node().zines(forms.query(), older=forms.cursor(), rack=Rack.OPEN)
    return {"zines": [shapes.zine(zine) for zine in found.rows], "older": found.older}


@routes.post("/zines")
def publish() -> tuple[shapes.Shape, int, dict[str, str]]:
    """Publish a zine."""
    publisher = session().account
    if request.mimetype != "multipart/form-data":
        abort(415, "Send the zine as multipart/form-data, its file under the name file.")
    typed = checked(request.form.to_dict(), NEW_ZINE)
    if set(request.files) != {"file"}:
        abort(422, "Send one file, under the name file.")
    content, name = forms.file("file")
    tags = tuple(tag.strip() for tag in typed.pop("tags", "").split(",") if tag.strip())
    zine = node().publish(ZineForm(**typed, tags=tags), content, name, publisher, idempotency_key())
    return shapes.zine(zine), 201, {"Location": url_for(".zine", zine_id=zine.id)}


@routes.get("/zines/<zine_id>")
def zine(zine_id: str) -> shapes.Shape:
    """Tell what is known about one zine."""
    return shapes.zine(node().zine(zine_id))


@routes.get("/zines/<zine_id>/file")
def file(zine_id: str) -> Response:
    """Hand out its file, whole or in parts (RFC 9110 section 14)."""
    return send_zine(node().zine(zine_id))
