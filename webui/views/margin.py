"""Reading a zine on a phone, with what neighbours wrote into its margin; and writing there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort, make_response, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Objection, Refused
from appliance.library import Note, Zine
from webui import forms, reading
from webui.leaves import Leaves
from webui.refusals import page
from webui.signin import member, members_only, node, visitor

pages = Blueprint("margin", __name__)

MARGIN_SIZE: Final = 8_000  # bytes of notes beside one part; the others are on the zine's own page
NOTE_SIZE: Final = 300  # what stands around the words of a note
QUOTED: Final = 300  # letters of a paragraph that the form suggests


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside one part: notes by the number of their block; at its end those that stand nowhere, and how many more."""

    by_block: Mapping[int, list[Note]]
    nowhere: tuple[Note, ...] = ()
    others: int = 0


@pages.get("/archive/<zine_id>/read")
def read(zine_id: str) -> Response:
    """Show one part of a zine as a page, with its margin."""
    zine = node().zine(zine_id, visitor())
    if not zine.is_here:
        raise Refused(Objection.NOT_HERE_YET)
    leaves = _leaves(zine)
    if leaves is None:
        return page("reader.html", zine=zine, blocks=None)
    part = forms.count("part") or 1
    parts = leaves.parts or ((),)
    if part > len(parts):
        abort(404)
    beside = _beside(leaves, node().notes(zine_id, visitor()).rows, part)
    return page("reader.html", zine=zine, blocks=parts[part - 1], part=part, parts=len(parts), beside=beside)


@pages.get("/archive/<zine_id>/picture/<int:number>")
def picture(zine_id: str, number: int) -> Response:
    """Hand out a larger picture that stands within the text. It is shown inside of pages; by itself it may do nothing."""
    leaves = _leaves(node().zine(zine_id))
    if leaves is None or not 1 <= number <= len(leaves.pictures):
        abort(404)
    media_type, content = leaves.pictures[number - 1]
    response = make_response(content)
    response.mimetype = media_type
    return response


@pages.get("/archive/<zine_id>/note")
@members_only
def ask(zine_id: str) -> Response:
    """Show the form for a note, with the passage that was picked."""
    zine = node().zine(zine_id)
    at = forms.count("at")
    leaves = _leaves(zine)
    block = leaves.block(at) if leaves else None
    return _form(
        zine, leaves, forms.WrittenNote(quote=_shortened(block.words) if block else "", at=at, once=forms.once())
    )


@pages.post("/archive/<zine_id>/note")
@members_only
def write(zine_id: str) -> Response | Redirect:
    """Append a note."""
    zine, typed = node().zine(zine_id), forms.WrittenNote.read()
    leaves = _leaves(zine)
    around = leaves.around(typed.quote, typed.at) if leaves else ("", "")
    try:
        note = node().annotate(zine_id, typed.form(*around), member().account, typed.once)
    except Refused as refusal:
        return _form(zine, leaves, typed, refusal)
    block = leaves.find(note.quote, note.before, note.after) if leaves else None
    if leaves and block:
        return redirect(url_for(".read", zine_id=zine_id, part=leaves.part_of(block), _anchor=f"n-{note.id}"), 303)
    return redirect(url_for("archive.zine", zine_id=zine_id, _anchor=f"n-{note.id}"), 303)


@pages.post("/archive/<zine_id>/notes/<note_id>/withdraw")
@members_only
def withdraw(zine_id: str, note_id: str) -> Redirect:
    """Take a note back."""
    node().withdraw_note(note_id, member())
    return redirect(url_for("archive.zine", zine_id=zine_id, _anchor="notes"), 303)


def _form(zine: Zine, leaves: Leaves | None, typed: forms.WrittenNote, refusal: Refused | None = None) -> Response:
    return page("note.html", refusal, zine=zine, has_words=leaves is not None, typed=typed, name=member().account.name)


def _leaves(zine: Zine) -> Leaves | None:
    """Return a zine as leaves; None where it is not for reading here."""
    if not reading.is_readable(zine):
        return None
    file = node().zine_file(zine.id, visitor())
    return reading.leaves(file.path, file.media_type, zine.title, f"/archive/{zine.id}")


def _shortened(words: str) -> str:
    """Return the beginning of a paragraph, up to the end of a word."""
    if len(words) <= QUOTED:
        return words
    cut = words[:QUOTED].rpartition(" ")[0]
    return cut if len(cut) > QUOTED // 2 else words[:QUOTED]


def _beside(leaves: Leaves, notes: Iterable[Note], part: int) -> Beside:
    """Find the places of notes, newest first, as long as there is room in the margin of this part."""
    by_block: dict[int, list[Note]] = {}
    nowhere: list[Note] = []
    held = others = 0
    for note in notes:
        block = leaves.find(note.quote, note.before, note.after)
        if (leaves.part_of(block) if block else max(1, len(leaves.parts))) != part:
            continue
        held += len((note.text + note.quote).encode()) + NOTE_SIZE
        if held > MARGIN_SIZE:
            others += 1
        elif block:
            by_block.setdefault(block, []).insert(0, note)
        else:
            nowhere.insert(0, note)
    return Beside(by_block, tuple(nowhere), others)
