"""How zines are found: texts and questions are folded alike, and cut into words alike.

    Café, CAFE     cafe                     accents, case and the shapes of letters do not matter (Unicode TR15, NFKD)
    كِتَاب, كـتاب   كتاب                     nor do Arabic vowel signs, stretched letters, and the forms of alef, yeh and heh
    面包很好        面包 包很 很好 好         Chinese, Japanese and Korean are cut into pairs, so that any two signs are found

A question finds the zines that hold all its words, each as the beginning of one. Only where there is no such zine, it finds
those that hold its parts anywhere within words (a second index, of threes of letters).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from appliance.library import Passage

WORDS: Final = re.compile(r"\w+")
WORDS_MAX: Final = 8
THREE: Final = 3
SIGNS: Final = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
RUN: Final = re.compile(f"[{SIGNS}]+")
RUN_OR_WORD: Final = re.compile(f"[{SIGNS}]+|[^{SIGNS}]+")
# Marks that stand on letters: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels; and the stretched line.
DROPPED: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08d3-\u08ff]+"
)
# Letters that people write for one another: forms of alef, yeh, heh and kaf; and Latin ones that come apart in no other way.
SAME: Final = (
    *zip("\u0671\u0649\u06cc\u0629\u06a9", "\u0627\u064a\u064a\u0647\u0643", strict=True),
    *(("\u00f8", "o"), ("\u0142", "l"), ("\u0111", "d"), ("\u0131", "i"), ("\u0153", "oe"), ("\u00e6", "ae")),
)
LINK: Final = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,400}\)")
MARKS: Final = re.compile(r"[*`#>|~]+|\b_+|_+\b|^[ \t]*[-+] ")
LOOKED_THROUGH: Final = 200_000  # letters of a text in which a sentence is looked for
AROUND: Final = 80  # letters on either side that are shown of a long sentence
SENTENCE: Final = re.compile(r"[^.!?\n\u3002\uff01\uff1f\u061f\u06d4]+[.!?\u3002\uff01\uff1f\u061f\u06d4]*")


def folded(text: str) -> str:
    """Return a text as it is compared."""
    if text.isascii():
        return text.lower()
    loose = DROPPED.sub("", unicodedata.normalize("NFKD", text).casefold())
    for letter, plain in SAME:
        loose = loose.replace(letter, plain)
    return unicodedata.normalize("NFC", loose)


def indexed(text: str) -> str:
    """Return a folded text as the index of words takes it in: where nothing stands between words, its signs in pairs."""
    return RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def all_words(query: str) -> str:
    """Return an FTS5 expression for zines that hold all words; nothing a person types is an operator."""
    words = WORDS.findall(folded(query))[:WORDS_MAX]
    return " ".join(_asked(piece[0]) for word in words for piece in RUN_OR_WORD.finditer(word)) or '""'


def all_letters(query: str) -> str:
    """Return an FTS5 expression for zines that hold all parts anywhere; "" where a part is too short to be looked up."""
    parts = folded(query).split()[:WORDS_MAX]
    if any(len(part) < THREE for part in parts):
        return ""
    return " ".join('"' + part.replace('"', '""') + '"' for part in parts)


def _asked(piece: str) -> str:
    """Return what finds a word by its beginning, or two and more signs wherever they stand."""
    if len(piece) == 1 or not RUN.match(piece):
        return f'"{piece}"*'
    return f'"{" ".join(list(_pairs(piece))[:-1])}"'


def _pairs(run: str) -> Iterator[str]:
    """Yield the signs two by two, and the last one by itself: so a single sign is the beginning of something everywhere."""
    return (run[at : at + 2] for at in range(len(run)))


def unmarked(line: str) -> str:
    """Return a line of Markdown without its marks, near enough to show a sentence of it."""
    return MARKS.sub("", LINK.sub(r"\1", line))


def passage(text: str, query: str, is_markdown: bool = False) -> Passage | None:
    """Return the first sentence in which a word of the query stands; None where none does. It reads no further than there."""
    words = WORDS.findall(folded(query))[:WORDS_MAX]
    for line in text[:LOOKED_THROUGH].split("\n"):
        loose = folded(line)
        if any(word in loose for word in words):
            shown = _first_sentence(unmarked(line) if is_markdown else line, words)
            if shown:
                return shown
    return None


def _first_sentence(line: str, words: list[str]) -> Passage | None:
    for sentence in SENTENCE.finditer(line):
        loose = folded(sentence[0])
        places = [(place, len(word)) for word in words if (place := loose.find(word)) >= 0]
        if places:
            return _shown(sentence[0], *min(places))
    return None


def _letters_to(sentence: str, place: int) -> int:
    """Return how many letters of a sentence come to at most `place` folded ones; marks that vanish stay with their letter."""
    if len(folded(sentence[: place + 1])) == place + 1 and len(folded(sentence[:place])) == place:
        return place  # as nearly everywhere: a letter is a letter
    return bisect_right(range(len(sentence)), place, key=lambda letters: len(folded(sentence[: letters + 1])))


def _shown(sentence: str, place: int, length: int) -> Passage:
    """Return the sentence around letters that are counted in its folded form."""
    begin, end = _letters_to(sentence, place), _letters_to(sentence, place + length)
    if len(folded(sentence[:end])) < place + length:  # the last letter stands for several
        end = _letters_to(sentence, len(folded(sentence[: end + 1])))
    before, after = sentence[:begin].lstrip(), sentence[end:].rstrip()
    if len(before) > AROUND:
        before = "\u2026" + before[-AROUND:]
    return Passage(before, sentence[begin:end], after if len(after) <= AROUND else after[:AROUND] + "\u2026")
