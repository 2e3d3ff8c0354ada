"""Words into lines: as many as fit, ragged at the end, broken at spaces, behind hyphens and between East Asian letters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from appliance.archive.blocks import Span
from appliance.archive.scripts import direction
from appliance.pdf.letters import Letters, Piece

EAST_ASIAN: Final = "\u2e80-\u2fff\u3040-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
CLOSING: Final = "\u3001\u3002\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\u30fc\u3005"
SPACES: Final = " \t\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u3000"  # where a line may end
LETTER: Final = rf"[^\n{SPACES}{EAST_ASIAN}]"
# What stays together: an East Asian letter with the sign that closes behind it; letters up to a hyphen; any other run.
CHUNK: Final = re.compile(
    rf"[{EAST_ASIAN}][{CLOSING}]*|{LETTER}+?[-\u2010\u2013\u2014/]+(?=\w)|{LETTER}+|\n|[{SPACES}]+"
)


class Word(NamedTuple):
    """What is not broken, with its width; `spaced` where a space stands before it, `ends` where a line ends behind it."""

    pieces: tuple[Piece, ...]
    width: float
    spaced: bool
    ends: bool = False


class Line(NamedTuple):
    pieces: tuple[Piece, ...]
    width: float
    from_the_right: bool


def broken(spans: Sequence[Span], room: float, size: float, letters: Letters, from_the_right: bool) -> list[Line]:
    """Return the lines of a paragraph that has `room` points. Its first strong letter decides where it begins."""
    from_the_right = direction("".join(span.text for span in spans), from_the_right)
    lines: list[Line] = []
    pieces: list[Piece] = []
    used = 0.0
    for word in _fitting(_words(spans, size, letters), room, size, letters):
        space = [Piece(" ", _common(pieces[-1], word.pieces[0]))] if word.spaced and pieces else []
        gap = sum(letters.width(piece, size) for piece in space)
        if pieces and used + gap + word.width > room + 0.01:
            lines.append(Line(tuple(pieces), used, from_the_right))
            pieces, used, gap, space = [], 0.0, 0.0, []
        pieces += [*space, *word.pieces]
        used += gap + word.width
        if word.ends:
            lines.append(Line(tuple(pieces), used, from_the_right))
            pieces, used = [], 0.0
    if pieces or not lines:
        lines.append(Line(tuple(pieces), used, from_the_right))
    return lines


def _common(before: Piece, after: Piece) -> str:
    """Return the role of the space between two pieces."""
    return before.role if before.role == after.role else "plain"


def natural_width(spans: Sequence[Span], size: float, letters: Letters) -> tuple[float, float]:
    """Return how wide a text is on one line, and its widest word."""
    words = list(_words(spans, size, letters))
    space = letters.width(Piece(" "), size)
    return sum(word.width + space * word.spaced for word in words), max((word.width for word in words), default=0.0)


def _words(spans: Sequence[Span], size: float, letters: Letters) -> Iterator[Word]:
    pending: list[Piece] = []
    spaced = False

    def taken(ends: bool = False) -> Word:
        word = Word(tuple(pending), sum(letters.width(piece, size) for piece in pending), spaced, ends)
        pending.clear()
        return word

    may_break = True
    for span in spans:
        role = "code" if span.code else "strong" if span.strong else "emphasis" if span.emphasis else "plain"
        for chunk in _chunks(span, letters):
            if chunk == "\n":
                pending = pending or [Piece("", role)]
                yield taken(ends=True)
                spaced, may_break = False, True
            elif chunk[0] in SPACES:
                if pending:
                    yield taken()
                spaced, may_break = True, True
            else:
                if pending and may_break:
                    yield taken()
                    spaced = False
                pending.append(Piece(chunk, role, span.struck))
                may_break = _breaks_behind(chunk)
    if pending:
        yield taken()


def _chunks(span: Span, letters: Letters) -> Iterator[str]:
    for number, part in enumerate(span.text.split("\n")):
        if number:
            yield "\n"
        yield from CHUNK.findall(letters.printable(part))


def _breaks_behind(chunk: str) -> bool:
    return chunk[-1] in "-\u2010\u2013\u2014/" or bool(re.match(f"[{EAST_ASIAN}]", chunk))


def _fitting(words: Iterator[Word], room: float, size: float, letters: Letters) -> Iterator[Word]:
    """Cut words that are wider than a line, such as addresses."""
    for word in words:
        if word.width <= room:
            yield word
            continue
        cut = list(_cut(word, room, size, letters))
        yield from cut[:-1]
        yield cut[-1]._replace(ends=word.ends)


def _cut(word: Word, room: float, size: float, letters: Letters) -> Iterator[Word]:
    spaced = word.spaced
    for piece in word.pieces:
        part, used = "", 0.0
        for letter in piece.text:
            width = letters.width(piece._replace(text=letter), size)
            if part and used + width > room:
                yield Word((piece._replace(text=part),), used, spaced)
                part, used, spaced = "", 0.0, False
            part, used = part + letter, used + width
        yield Word((piece._replace(text=part),), used, spaced)
        spaced = False
