"""Scripts that run from right to left, for printers of letters that know only left to right.

Order: the implicit part of the Unicode Bidirectional Algorithm (UAX 9, rules P2, P3, W1 to W7, N0 to N2, I1, I2, L1, L2, L4)
on one line at a time; marks for embedding are left out. Joining: Arabic letters become the presentation forms that Unicode keeps
for machines such as this (blocks FB50 and FE70), found by their decompositions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from unicodedata import bidirectional, category, decomposition

RIGHT_TO_LEFT: Final = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"))
PAIRS: Final = ("()", "[]", "{}", "<>", "\u00ab\u00bb", "\u2039\u203a", "\u2264\u2265", "\u27e8\u27e9")
MIRRORED: Final = str.maketrans("".join(PAIRS), "".join(pair[::-1] for pair in PAIRS))
BRACKETS: Final = {pair[0]: pair[1] for pair in ("()", "[]", "{}", "\u27e8\u27e9")}
JOINER: Final = "\u0640"
LAM: Final = "\u0644"
NUMBERS: Final = frozenset(("EN", "AN"))
NEUTRAL: Final = frozenset(("B", "S", "WS", "ON", "BN", "ET", "ES", "CS", "LRE", "RLE", "LRO", "RLO", "PDF"))
INVISIBLE: Final = dict.fromkeys(
    map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad")
)


def is_right_to_left(language: str) -> bool:
    """Whether a language (RFC 5646) is written from right to left, as far as its first word tells."""
    return language.partition("-")[0].casefold() in RIGHT_TO_LEFT


def direction(text: str, otherwise: bool) -> bool:
    """Whether a paragraph runs from right to left: its first strong letter decides (P2, P3)."""
    for letter in text:
        kind = bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return otherwise


def has_right_to_left(text: str) -> bool:
    """Whether any letter asks for more than left to right."""
    return not text.isascii() and any(bidirectional(letter) in ("R", "AL", "AN") for letter in text)


def visual_order(line: str, from_the_right: bool) -> list[int]:
    """Return the places of a line's letters from left to right as they are drawn.

    Marks stay before their letter in a turned run: in fonts, Hebrew and Arabic marks are drawn to the right of the pen, over it.
    """
    found = levels(line, from_the_right)
    order = list(range(len(line)))
    for level in range(max(found, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and found[order[end]] >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = max(end, start + 1)
    return order


def mirrored(letter: str) -> str:
    """Return a bracket as it stands in a run from right to left (L4)."""
    return letter.translate(MIRRORED)


def levels(line: str, from_the_right: bool) -> list[int]:
    """Return the embedding level of each letter of a line; odd ones run from right to left."""
    base = int(from_the_right)
    edge = "R" if base else "L"
    kinds = _strengthened([bidirectional(letter) or "L" for letter in line], edge)
    _settle_brackets(line, kinds, edge)
    _settle_neutrals(kinds, edge)
    found = [base + _raise_by(kind, base) for kind in kinds]
    for place in range(len(line) - 1, -1, -1):  # L1: spaces at the end of a line
        if not line[place].isspace():
            break
        found[place] = base
    return found


def _raise_by(kind: str, base: int) -> int:
    """I1 and I2."""
    if base == 0:
        return {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
    return 1 if kind in ("L", "EN", "AN") else 0


def _strengthened(kinds: list[str], edge: str) -> list[str]:
    """W1 to W7."""
    before, strong = edge, edge
    for place, given in enumerate(kinds):
        kinds[place] = kind = before if given == "NSM" else given
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[place] = "AN"
        before = kinds[place]
    kinds = ["R" if kind == "AL" else kind for kind in kinds]
    _join_numbers(kinds)
    strong = edge
    for place, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"
    return kinds


def _join_numbers(kinds: list[str]) -> None:
    """W4 and W5: a point within a number, a sign beside it."""
    for place in range(1, len(kinds) - 1):
        before, kind, after = kinds[place - 1 : place + 2]
        if before == after and ((kind == "ES" and before == "EN") or (kind == "CS" and before in NUMBERS)):
            kinds[place] = before
    for places in (range(1, len(kinds)), range(len(kinds) - 2, -1, -1)):
        step = places.step
        for place in places:
            if kinds[place] == "ET" and kinds[place - step] == "EN":
                kinds[place] = "EN"


def _settle_brackets(line: str, kinds: list[str], edge: str) -> None:
    """N0: both brackets of a pair go one way, with what they hold and what stands before them."""
    other = "L" if edge == "R" else "R"
    for first, last in sorted(_pairs(line, kinds)):
        inside = {_side(kind) for kind in kinds[first + 1 : last]}
        if edge in inside:
            kinds[first] = kinds[last] = edge
        elif other in inside:
            before = next((_side(kind) for kind in reversed(kinds[:first]) if _side(kind) in ("L", "R")), edge)
            kinds[first] = kinds[last] = before


def _pairs(line: str, kinds: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of brackets that belong together (BD16)."""
    opened: list[tuple[str, int]] = []
    for place, letter in enumerate(line):
        if kinds[place] != "ON":
            continue
        if letter in BRACKETS:
            opened.append((BRACKETS[letter], place))
        elif any(letter == closing for closing, _ in opened):
            while opened:
                closing, first = opened.pop()
                if closing == letter:
                    yield first, place
                    break


def _settle_neutrals(kinds: list[str], edge: str) -> None:
    """N1 and N2; numbers count as running from right to left."""
    place = 0
    while place < len(kinds):
        end = place
        while end < len(kinds) and kinds[end] in NEUTRAL:
            end += 1
        if end > place:
            before = _side(kinds[place - 1]) if place else edge
            after = _side(kinds[end]) if end < len(kinds) else edge
            kinds[place:end] = [before if before == after else edge] * (end - place)
        place = max(end, place + 1)


def _side(kind: str) -> str:
    return "R" if kind in NUMBERS else kind


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """Return for each Arabic letter, and for lam with an alef, its forms by name: isolated, final, initial, medial."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE80, 0xFEFD)):
        kind, *letters = decomposition(chr(code)).split() or [""]
        if kind in ("<isolated>", "<final>", "<initial>", "<medial>"):
            written = "".join(chr(int(letter, 16)) for letter in letters)
            if len(written) == 1 or (len(written) == 2 and written[0] == LAM):
                forms.setdefault(written, {})[kind[1:-1]] = chr(code)
    return forms


def joined(text: str) -> str:
    """Return a text with its Arabic letters joined, in the order in which it is read. Lam and alef become one letter."""
    if not any("\u0600" <= letter <= "\u06ff" for letter in text):
        return text
    forms = _forms()
    out: list[str] = []
    previous = -1  # place in `out` of the last letter that may join to the next one
    before = ""
    for letter in text:
        if category(letter) == "Mn":
            out.append(letter)
            continue
        if before == LAM and previous >= 0 and LAM + letter in forms:
            pair = forms[LAM + letter]
            is_joined = out[previous] in (forms[LAM]["final"], forms[LAM]["medial"])
            out[previous] = pair["final" if is_joined else "isolated"]
            previous, before = -1, ""
            continue
        previous = _append(out, letter, previous, before, forms)
        before = letter if previous >= 0 else ""
    return "".join(out)


def _append(out: list[str], letter: str, previous: int, before: str, forms: dict[str, dict[str, str]]) -> int:
    """Set a letter behind the one before it; return its place if it may join to the next one, else -1."""
    own = forms.get(letter, {})
    joins_before = previous >= 0 and (letter == JOINER or "final" in own)
    if joins_before and before != JOINER:
        earlier = forms[before]
        was_joined = out[previous] in (earlier.get("final"), earlier.get("medial"))
        out[previous] = earlier["medial" if was_joined else "initial"]
    out.append(own.get("final" if joins_before else "isolated", letter))
    return len(out) - 1 if letter == JOINER or "initial" in own else -1
