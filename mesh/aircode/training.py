"""What the project ships so that even the first words between two nodes are short: texts, and practice in foreseeing them.

training.txt holds short notes as neighbours write them, in several languages, one a line; an empty line ends one street. The
last lines of each street are foreseen from those before and from the streets before: that is the practice.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from mesh.aircode.letters import HELD, SHIPPED, Chapter, Letters
from mesh.aircode.text import Skill, TextModel

SAID: Final = 14  # lines of each street are practised


@cache
def shipped() -> tuple[Letters, Skill]:
    """Return the texts the project ships, learned, and the skill from practice. Takes some tenths of a second, once."""
    texts, skill = Letters(SHIPPED), Skill.none()
    for street in _training().strip().split("\n\n"):
        lines = [line.encode() for line in street.split("\n")]
        _practise(skill, texts, lines)
        for line in lines:
            texts.learn(line)
    return texts, skill


def _practise(skill: Skill, texts: Letters, lines: list[bytes]) -> None:
    """Foresee the last lines of a street from those before, and from the streets before."""
    model = TextModel(skill, texts, Letters(HELD, [Chapter(lines[:-SAID])]))
    for line in lines[-SAID:]:
        model.text(None, line, len(line))


def _training() -> str:
    return (files(__package__) / "training.txt").read_text(encoding="utf-8")
