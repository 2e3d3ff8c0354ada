"""Notes in the margin as W3C Web Annotations in JSON-LD (https://www.w3.org/TR/annotation-model/ and annotation-protocol)."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Blueprint, Response, abort, make_response, url_for

from appliance.errors import Objection, Refused
from appliance.library import Note, NoteForm
from webui import forms
from webui.api.bearer import session
from webui.api.bodies import JSON, Field, idempotency_key, read
from webui.api.shapes import Shape
from webui.captive import own_address
from webui.signin import node
from webui.words import rfc3339

routes = Blueprint("notes", __name__)

CONTEXT: Final = "http://www.w3.org/ns/anno.jsonld"
JSON_LD: Final = "application/ld+json"
LISTED: Final = 50
PAGE: Final = "page="  # RFC 8118, section 3: where a PDF is opened; here the pages of anything that has some

QUOTE: Final = (
    Field("type", "string", "", only="TextQuoteSelector"),
    Field("exact", "string", "The words it is about, letter for letter."),
    Field("prefix", "string", "What stands before them.", required=False),
    Field("suffix", "string", "What stands after them.", required=False),
)
FRAGMENT: Final = (
    Field("type", "string", "", only="FragmentSelector"),
    Field("value", "string", "The page, counted from 1.", pattern="page=[1-9][0-9]{0,3}"),
    Field("conformsTo", "string", "What says so.", required=False),
)
BODY: Final = (
    Field("type", "string", "", only="TextualBody"),
    Field("value", "string", "The note."),
    Field("format", "string", "", required=False, only="text/plain"),
)
TARGET: Final = (
    Field("type", "string", "", required=False, only="SpecificResource"),
    Field("source", "string", "The zine's address at any node: it ends with the zine's id."),
    Field("selector", "object", "The place in it; left out, it is about the whole.", False, of=(QUOTE, FRAGMENT)),
)
CREATOR: Final = (
    Field("type", "string", "", required=False, only="Person"),
    Field("name", "string", "The writer's own name."),
)
NEW_NOTE: Final = (
    Field("@context", "string", "", only=CONTEXT),
    Field("type", "string", "", only="Annotation"),
    Field("motivation", "string", "", required=False, only="commenting"),
    Field("body", "object", "What is said.", of=(BODY,)),
    Field("target", "object", "What it is about.", of=(TARGET,)),
    Field("creator", "object", "Whose name stands under it; left out, nobody's.", False, of=(CREATOR,)),
)


@routes.get("/zines/<zine_id>/notes")
def notes(zine_id: str) -> Response:
    """List the notes in the margin of a zine, newest first."""
    found = node().notes(zine_id, older=forms.cursor(), limit=LISTED)
    whole, here = _address(zine_id), forms.cursor()
    page: Shape = {
        "@context": CONTEXT,
        "id": f"{whole}?older={here}" if here else whole,
        "type": "AnnotationPage",
        "partOf": {"id": f"{whole}#all", "type": "AnnotationCollection"},
        "items": [_annotation(note) for note in found.rows],
    }
    return _json_ld(page | ({"next": f"{whole}?older={found.older}"} if found.older else {}))


@routes.post("/zines/<zine_id>/notes")
def write(zine_id: str) -> Response:
    """Write a note into the margin. The same key and body again give the first answer again."""
    author, key = session().account, idempotency_key()
    body = read(NEW_NOTE, (JSON, JSON_LD))
    if body["target"]["source"].rpartition("/")[2] != zine_id:
        abort(409, "The note's target is another zine than its address.")
    if "creator" in body and body["creator"]["name"] != author.name:
        abort(403, "A note is signed with the writer's own name, or with none.")
    note = node().annotate(zine_id, _form(body), author, key)
    response = _json_ld({"@context": CONTEXT} | _annotation(note), 201)
    response.headers["Location"] = url_for(".note", zine_id=zine_id, note_id=note.id)
    return response


@routes.get("/zines/<zine_id>/notes/<note_id>")
def note(zine_id: str, note_id: str) -> Response:
    """Give one note."""
    return _json_ld({"@context": CONTEXT} | _annotation(_own(zine_id, note_id)))


@routes.delete("/zines/<zine_id>/notes/<note_id>")
def withdraw(zine_id: str, note_id: str) -> tuple[str, int]:
    """Take a note back."""
    writer = session()
    node().withdraw_note(_own(zine_id, note_id).id, writer)
    return "", 204


def _own(zine_id: str, note_id: str) -> Note:
    """Return a note of this very zine."""
    node().zine(zine_id)
    found = node().note(note_id)
    if found.zine_id != zine_id:
        raise Refused(Objection.NOT_FOUND)
    return found


def _form(body: dict[str, Any]) -> NoteForm:
    place = body["target"].get("selector", {})
    return NoteForm(
        text=body["body"]["value"],
        quote=place.get("exact", ""),
        before=place.get("prefix", ""),
        after=place.get("suffix", ""),
        page=int(place.get("value", f"{PAGE}0").removeprefix(PAGE)),
        is_signed="creator" in body,
    )


def _annotation(note: Note) -> Shape:
    shape: Shape = {
        "id": f"{_address(note.zine_id)}/{note.id}",
        "type": "Annotation",
        "motivation": "commenting",
        "body": {"type": "TextualBody", "value": note.text, "format": "text/plain"},
        "target": _target(note),
    }
    if note.by:
        shape["creator"] = {"type": "Person", "name": note.by}
    return shape | ({"created": rfc3339(note.at)} if note.at > 0 else {})


def _target(note: Note) -> str | Shape:
    source = f"{own_address()}/archive/{note.zine_id}"
    if note.quote:
        around = {name: words for name, words in (("prefix", note.before), ("suffix", note.after)) if words}
        selector = {"type": "TextQuoteSelector", "exact": note.quote} | around
    elif note.page:
        selector = {"type": "FragmentSelector", "value": f"{PAGE}{note.page}"}
    else:
        return source
    return {"type": "SpecificResource", "source": source, "selector": selector}


def _address(zine_id: str) -> str:
    return own_address() + url_for("api.notes.notes", zine_id=zine_id)


def _json_ld(shape: Shape, status: int = 200) -> Response:
    response = make_response(json.dumps(shape, ensure_ascii=False), status)
    response.headers["Content-Type"] = f'{JSON_LD}; profile="{CONTEXT}"'
    return response
