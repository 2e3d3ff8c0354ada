"""An answer in texts that every phone app shows whole: at most 200 characters, and 200 bytes, each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SIZE_MAX: Final = 200
TEXTS_MAX: Final = 3
MORE: Final = " …"


def cut(lines: Sequence[str]) -> list[str]:
    """Return `lines` in at most three texts; lines stay whole where they can, and what is beyond ends in an ellipsis."""
    texts: list[str] = []
    for line in lines:
        for piece in _pieces(line):
            if texts and _fits(f"{texts[-1]}\n{piece}"):
                texts[-1] += f"\n{piece}"
            else:
                texts.append(piece)
    if len(texts) > TEXTS_MAX:
        texts = [*texts[: TEXTS_MAX - 1], _shortened(texts[TEXTS_MAX - 1])]
    return texts


def clip(text: str, size_max: int) -> str:
    """Return the beginning of `text` that has at most `size_max` bytes, and no half letter."""
    return text.encode()[:size_max].decode(errors="ignore")


def _fits(text: str) -> bool:
    return len(text) <= SIZE_MAX and len(text.encode()) <= SIZE_MAX


def _pieces(line: str) -> list[str]:
    """Cut one line at its spaces, and a word that is too long anywhere."""
    pieces = [""]
    for word in line.split():
        for part in _parts(word):
            joined = f"{pieces[-1]} {part}".lstrip()
            if _fits(joined):
                pieces[-1] = joined
            else:
                pieces.append(part)
    return pieces


def _parts(word: str) -> list[str]:
    parts = []
    while not _fits(word):
        part = clip(word, SIZE_MAX)
        parts.append(part)
        word = word[len(part) :]
    return [*parts, word]


def _shortened(text: str) -> str:
    return clip(text, SIZE_MAX - len(MORE.encode())).rstrip() + MORE
