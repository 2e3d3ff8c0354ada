"""What was written before, so that it can be asked what came next after certain letters, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple

ORDERS: Final = 6  # so many letters back it looks
END: Final = 0xFF  # stands at the end of each text, and before it: no UTF-8 holds this byte
GAP: Final = bytes([END]) * ORDERS
HELD: Final = 4  # how much it counts in the ranking what followed in texts both ends hold
SHIPPED: Final = 1  # and in those the project ships
RECENT: Final = 64  # of what came after three letters, only so many cases count
NEAR: Final = 3  # what followed so many letters is not looked up again and again …
KEPT_MAX: Final = 256  # … for so many of them
ASKED_MAX: Final = 1024
PLACE: Final = Struct("=H")
Followers = dict[int, int]  # a byte and how often it came next


class Chapter:
    """Some texts in the order in which they were said, and what came after each letter and each two letters in them."""

    __slots__ = ("_after_two", "after_one", "text")

    def __init__(self, texts: Iterable[bytes] = ()) -> None:
        self.text = GAP
        self.after_one: dict[int, Followers] = {}
        self._after_two: dict[
            int, bytes
        ] = {}  # places, two bytes each: an array for each would take three times as much
        for text in texts:
            self.learn(text)

    def learn(self, text: bytes) -> None:
        """Remember `text`, which holds no END, and that it ended. All texts and their gaps take 64 KiB at most."""
        start = len(self.text)
        self.text += text + GAP
        ones, twos = self.after_one, self._after_two
        two, one = END, END
        for place, byte in enumerate((*text, END), start):
            followers = ones.get(one)
            if followers is None:
                followers = ones[one] = {}
            followers[byte] = followers.get(byte, 0) + 1
            pair = two << 8 | one
            twos[pair] = twos.get(pair, b"") + PLACE.pack(place)
            two, one = one, byte

    def followers(self, two: int, one: int) -> list[int]:
        """Return what followed two letters, each time that they stood here."""
        text = self.text
        return [text[place] for place in self._places(two, one)]

    def cases(self, three: int, two: int, one: int) -> list[bytes]:
        """Return where three letters stand here: six letters, and what followed these."""
        text = self.text
        return [text[place - ORDERS : place + 1] for place in self._places(two, one) if text[place - NEAR] == three]

    def _places(self, two: int, one: int) -> Sequence[int]:
        return memoryview(self._after_two.get(two << 8 | one, b"")).cast("H")


class Told(NamedTuple):
    """What followed 1, 2 … letters, as far back as any were found, with how many cases there were; and each letter's score."""

    after: list[tuple[Followers, int]]
    scores: dict[int, int]


class Letters:
    """Chapters in their order, and a last one that goes on. Learning is quick; asking adds up what all chapters tell.

    `esteem` is how much what followed in them counts.
    """

    def __init__(self, esteem: int, chapters: Sequence[Chapter] = ()) -> None:
        self._esteem = esteem
        self._last = Chapter()
        self._chapters = (*chapters, self._last)
        # What was asked for since, so that it need not be added up again; learning keeps it true.
        self._after_one: dict[int, Followers] = {}
        self._after_two: dict[int, Followers] = {}
        self._after_three: dict[int, list[bytes]] = {}
        self._kept: dict[bytes, tuple[Told, list[bytes]]] = {}

    def learn(self, text: bytes) -> None:
        """Remember `text`, which holds no END, and that it ended."""
        self._kept.clear()
        self._last.learn(text)
        said = GAP + text + GAP
        for place in range(ORDERS, ORDERS + len(text) + 1):
            three, two, one, byte = said[place - NEAR : place + 1]
            for followers in (self._after_one.get(one), self._after_two.get(two << 8 | one)):
                if followers is not None:
                    followers[byte] = followers.get(byte, 0) + 1
            cases = self._after_three.get(three << 16 | two << 8 | one)
            if cases is not None:
                cases.append(said[place - ORDERS : place + 1])
                del cases[:-RECENT]

    def told(self, context: bytes) -> Told:
        """Return what followed the last letters of `context`, which are six. A score is the greater the more letters fit."""
        told, cases = self._nearby(context[-NEAR:])
        if len(told.after) == NEAR:
            told = Told(told.after.copy(), told.scores.copy())
            for order in range(NEAR + 1, ORDERS + 1):
                byte = context[-order]
                cases = [case for case in cases if case[-1 - order] == byte]
                if not cases:
                    break
                self._weigh(told, _counted([case[-1] for case in cases]))
        return told

    def _nearby(self, context: bytes) -> tuple[Told, list[bytes]]:
        """Return what followed the last 1, 2 and 3 bytes, and the cases of three: of some, it is kept."""
        kept = self._kept.get(context)
        if kept is None:
            self._forget()
            three, two, one = context
            cases = self._three(three, two, one)
            told = Told([], {})
            for followers in (self._one(one), self._two(two, one), _counted([case[-1] for case in cases])):
                if followers:
                    self._weigh(told, followers)
            kept = self._kept[context] = told, cases
        return kept

    def _forget(self) -> None:
        """Make room: what is asked for again is looked up again."""
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        if len(self._after_three) >= ASKED_MAX:
            self._after_three.clear()
            self._after_two.clear()

    def _one(self, one: int) -> Followers:
        """Return what followed a letter."""
        followers = self._after_one.get(one)
        if followers is None:
            followers = self._after_one[one] = {}
            for chapter in self._chapters:
                for byte, many in chapter.after_one.get(one, {}).items():
                    followers[byte] = followers.get(byte, 0) + many
        return followers

    def _two(self, two: int, one: int) -> Followers:
        """Return what followed two letters."""
        followers = self._after_two.get(two << 8 | one)
        if followers is None:
            found = [byte for chapter in self._chapters for byte in chapter.followers(two, one)]
            followers = self._after_two[two << 8 | one] = _counted(found)
        return followers

    def _three(self, three: int, two: int, one: int) -> list[bytes]:
        """Return the last cases of three letters, in order."""
        cases = self._after_three.get(three << 16 | two << 8 | one)
        if cases is None:
            cases = []
            for chapter in reversed(self._chapters):
                if len(cases) >= RECENT:
                    break
                cases = chapter.cases(three, two, one) + cases
            cases = self._after_three[three << 16 | two << 8 | one] = cases[-RECENT:]
        return cases

    def _weigh(self, told: Told, followers: Followers) -> None:
        """Add what followed one letter more."""
        total = sum(followers.values())
        share = (self._esteem << 2 * len(told.after) + 10) // (total + 1)
        told.after.append((followers, total))
        scores = told.scores
        for byte, count in followers.items():
            scores[byte] = scores.get(byte, 0) + share * count


def _counted(found: Iterable[int]) -> Followers:
    followers: Followers = {}
    for byte in found:
        followers[byte] = followers.get(byte, 0) + 1
    return followers
