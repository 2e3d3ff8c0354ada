"""From what was typed to typed values. Whether a value is allowed is for the node to say; here it is only made readable."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, cast

from flask import request

from appliance.answers import Board
from appliance.errors import Objection, Refused
from appliance.library import NoteForm, ZineForm

ONCE_SIZE: Final = 16
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
CURSOR: Final = re.compile(r"[\w.:=-]{1,120}", re.ASCII)
MOMENT_LENGTH_MAX: Final = 40
BEYOND: Final = 10**9
LOCAL: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")


def once() -> str:
    """Return a mark for a form that must act only once, however often its button is pressed."""
    return secrets.token_urlsafe(ONCE_SIZE)


def once_typed() -> str:
    """Return the mark of the form that was sent, or a new one for a form to be shown."""
    return line("once") or once()


def line(name: str) -> str:
    """Return a typed line without what cannot be printed and without spaces around it."""
    return " ".join(paragraphs(name).split())


def paragraphs(name: str) -> str:
    """Return a typed text of several lines."""
    typed = request.form.get(name, "").replace("\r\n", "\n").replace("\r", "\n")
    return UNPRINTABLE.sub("", typed).strip()


def moment(name: str) -> int:
    """Return a typed day and time of this place in seconds since 1970. Raises `Refused`."""
    try:
        return int(datetime.fromisoformat(line(name)[:MOMENT_LENGTH_MAX]).astimezone().timestamp())
    except (ValueError, OverflowError, OSError) as fault:
        raise Refused(Objection.TIME_UNREADABLE) from fault


def asked(name: str) -> str:
    """Return a short word of the page's address."""
    return UNPRINTABLE.sub("", request.args.get(name, ""))[:200].strip()


def count(name: str) -> int:
    """Return a number from 1 of the page's address or its form; 0 where there is none."""
    typed = line(name) or asked(name)
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def query() -> str:
    """Return what is searched for."""
    return asked("q")


def cursor(name: str = "older") -> str:
    """Return where a long list goes on; what cannot be such a mark begins at the top."""
    older = request.args.get(name, "")
    return older if CURSOR.fullmatch(older) else ""


def way_back() -> str:
    """Return the page of this portal to go to after signing in, the ledger where the address names none of ours."""
    wanted = request.values.get("next", "")
    return wanted if LOCAL.fullmatch(wanted) else "/ledger"


def file(name: str) -> tuple[BinaryIO, str]:
    """Return an uploaded file and its name; Refused(TEXT_EMPTY) where none was chosen."""
    upload = request.files.get(name)
    if upload is None or not upload.filename:
        raise Refused(Objection.TEXT_EMPTY)
    return cast(BinaryIO, upload.stream), UNPRINTABLE.sub("", upload.filename)[-200:]


@dataclass(frozen=True, slots=True)
class PayForm:
    """A payment as typed."""

    to: str
    amount: str
    currency: str
    memo: str
    once: str

    @classmethod
    def read(cls) -> PayForm:
        return cls(line("to"), line("amount"), line("currency"), line("memo"), once_typed())


@dataclass(frozen=True, slots=True)
class PostForm:
    """An offer, a want or a notice as typed."""

    board: Board
    title: str
    body: str
    once: str

    @classmethod
    def read(cls, boards: tuple[Board, ...]) -> PostForm:
        typed = line("board")
        board = next((board for board in boards if board.value == typed), boards[0])
        return cls(board, line("title"), paragraphs("body"), once_typed())


@dataclass(frozen=True, slots=True)
class CallForm:
    """A call for help as typed."""

    level: str
    minutes: int
    words: str

    @classmethod
    def read(cls) -> CallForm:
        return cls(line("level"), count("minutes"), line("words"))


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note as typed. `at` is the number of the paragraph it was begun at, 0 where it was none."""

    text: str = ""
    quote: str = ""
    page: str = ""
    is_signed: bool = True
    at: int = 0
    once: str = ""

    @classmethod
    def read(cls) -> WrittenNote:
        signed = line("signed") == "yes"
        return cls(paragraphs("text"), line("quote"), line("page"), signed, count("at"), once_typed())

    def form(self, before: str, after: str) -> NoteForm:
        """Return the note for the node. A page that is no number is beyond every zine's last one."""
        page = (count("page") or BEYOND) if self.page else 0
        return NoteForm(self.text, self.quote, before, after, page, self.is_signed)


def read_zine() -> ZineForm:
    """Return what a maker tells about a zine."""
    tags = tuple(dict.fromkeys(tag for part in line("tags").split(",") if (tag := part.strip())))
    return ZineForm(
        title=line("title"),
        creator=line("creator"),
        language=line("language") or "en",
        description=paragraphs("description"),
        series=line("series"),
        issue=line("issue"),
        licence=line("licence"),
        tags=tags,
    )
