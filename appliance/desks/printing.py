"""Fold and print: a zine as sheets of paper, made in a confined process and handed out once. Nothing of it stays on the card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Final

from appliance import confinement
from appliance.answers import Session
from appliance.archive.imposition import Layout, Turning
from appliance.archive.imprint import Imprint
from appliance.archive.paper import MARGIN_MM_MAX, PAPERS, PrintOrder
from appliance.archive.scripts import is_right_to_left
from appliance.desks.lending import Lending
from appliance.errors import Answer, Failure, JobFailed, Objection, Refused, StoreFault
from appliance.library import Zine

JOB: Final = "appliance.pressroom"
PRINTABLE: Final = ("text/markdown", "text/plain", "text/html", "application/epub+zip", "application/pdf")
NOTES_PRINTED: Final = 100
ASKED: Final = "zine.json"
MADE: Final = "sheets.pdf"
EAST_ASIAN: Final = Path("/usr/share/fonts/truetype")
MIB: Final = 1 << 20
LIMITS: Final = confinement.Limits(
    memory_bytes=320 * MIB, cpu_s=40, wall_s=80.0, file_bytes=96 * MIB, room_bytes=128 * MIB, patience_s=2.0
)
ANSWERS: Final = {Failure.BUSY: Objection.PRINTER_BUSY, Failure.CRASHED: Objection.PDF_UNPRINTABLE}

Say = Callable[[str], str]


class Printing(Lending):
    def may_print(self, zine: Zine) -> bool:
        """Whether a zine is here and of a kind that can be folded."""
        return zine.is_here and zine.media_type in PRINTABLE

    def print_zine(self, zine_id: str, order: PrintOrder, session: Session | None = None, say: Say = str) -> BinaryIO:
        """Return the sheets as an open PDF, which is gone when it is closed. Raises `Refused`, also while another one is made.

        `say` puts the few sentences that the node adds into a language. A book opens as the zine's language does.
        """
        zine = self.zine(zine_id, session)
        file = self.zine_file(zine_id, session)
        if zine.media_type not in PRINTABLE:
            raise Refused(Objection.NOT_PRINTABLE)
        order = replace(checked(order), from_the_right=is_right_to_left(zine.language))
        asked = _told(zine, say) | {"file": str(file.path), "media_type": zine.media_type}
        asked["imprint"] = list(_imprint(zine, self.settings.name, say))
        asked["notes"] = self._notes_for_paper(zine_id, session, say)
        return self._made(asked, order, [file.path])

    def print_trial(self, order: PrintOrder, say: Say = str) -> BinaryIO:
        """Return a small booklet that shows whether a printer was described rightly, as `print_zine` does."""
        words = {
            "first": say(Imprint.TEST_FIRST.value),
            "margin": say(Imprint.TEST_MARGIN.value),
            "back": say(Imprint.TEST_BACK.value),
        }
        return self._made(
            {"file": "", "words": words}, replace(checked(order), layout=Layout.BOOKLET, margin_mm=0.0), []
        )

    def _notes_for_paper(self, zine_id: str, session: Session | None, say: Say) -> list[dict[str, str]]:
        """Return what stands in the margin, oldest first."""
        notes = self.notes(zine_id, session, limit=NOTES_PRINTED).rows
        on_page = say(Imprint.NOTE_ON_PAGE.value)
        return [
            {
                "place": on_page.format(page=note.page) if note.page and not note.quote else note.place,
                "text": note.text,
                "by": note.by,
            }
            for note in reversed(notes)
        ]

    def _made(self, asked: dict[str, Any], order: PrintOrder, reads: list[Path]) -> BinaryIO:
        with confinement.room(self.settings.rooms) as room:
            try:
                whole = json.dumps(asked | {"order": _plain(order)}, ensure_ascii=False)
                (room / ASKED).write_text(whole, encoding="utf-8")
                confinement.run(JOB, {}, room, LIMITS, reads=[*reads, EAST_ASIAN])
                return (room / MADE).open("rb")
            except JobFailed as failure:
                raise _refusal(failure) from failure
            except OSError as fault:
                raise StoreFault(f"{room} cannot be used: {fault.strerror}. Check the card.") from fault


def checked(order: PrintOrder) -> PrintOrder:
    """Return an order that can be filled. Raises `Refused`."""
    if order.paper not in PAPERS or not isfinite(order.margin_mm) or not 0 <= order.margin_mm <= MARGIN_MM_MAX:
        raise Refused(Objection.PAPER_UNKNOWN, limit=MARGIN_MM_MAX)
    return order


def read_order(layout: str, paper: str, turning: str, margin_mm: float) -> PrintOrder:
    """Return an order as people choose it, by the names of its parts. Raises `Refused`."""
    try:
        return checked(PrintOrder(Layout(layout), paper, Turning(turning), margin_mm))
    except ValueError as fault:
        raise Refused(Objection.PAPER_UNKNOWN, limit=MARGIN_MM_MAX) from fault


def _plain(order: PrintOrder) -> dict[str, Any]:
    return {
        "layout": order.layout.value,
        "paper": order.paper,
        "turning": order.turning.value,
        "margin_mm": order.margin_mm,
        "from_the_right": order.from_the_right,
    }


def _told(zine: Zine, say: Say) -> dict[str, Any]:
    """Return what stands on the cover, and the node's own words."""
    return {
        "title": zine.title,
        "kicker": " \u00b7 ".join(filter(None, (zine.series, zine.issue))),
        "maker": zine.creator,
        "summary": zine.description,
        "words": {"notes": say(Imprint.NOTES.value), "unprinted": say(Imprint.UNPRINTED.value)},
    }


def _imprint(zine: Zine, node: str, say: Say) -> list[str]:
    """Return the lines of the last page."""

    def said(sentence: Imprint, **details: str) -> str:
        return say(sentence.value).format(**details)

    made = said(Imprint.MADE_BY, maker=zine.creator) if zine.creator else said(Imprint.UNSIGNED)
    may = [said(Imprint.MAY, licence=zine.licence)] if zine.licence else []
    return [zine.title, made, *may, said(Imprint.PRINTED_AT, node=node)]


def _refusal(failure: JobFailed) -> Refused:
    """Say why no sheets came. What the job says was refused is believed only as far as it is one of our sentences."""
    answer: Answer = ANSWERS.get(failure.reason, Objection.PRINT_TOO_MUCH)
    if failure.reason is Failure.REFUSED:
        answer = Objection.__members__.get(failure.sentence, Objection.PDF_UNPRINTABLE)
    try:
        return Refused(answer, **failure.details)
    except (KeyError, IndexError, TypeError, AttributeError):
        return Refused(Objection.PDF_UNPRINTABLE)
