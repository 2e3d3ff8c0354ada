"""What was written before, so that it can be asked what came next after certain letters, and how often."""

from __future__ import annotations

from typing import Final, NamedTuple

ORDERS: Final = 6  # so many letters back it looks
END: Final = 0xFF  # stands at the end of each text, and before it: no UTF-8 holds this byte
GAP: Final = bytes([END]) * ORDERS
HELD: Final = 4  # how much it counts in the ranking what followed in texts both ends hold
SHIPPED: Final = 1  # and in those the project ships
RECENT: Final = 64  # of what came after three letters, only so many cases count
KEPT_MAX: Final = 256  # answers: a text that is packed is often packed again, or read, soon
Followers = dict[int, int]  # a byte and how often it came next


class Told(NamedTuple):
    """What followed 1, 2 … letters, as far back as any were found, with how many cases there were; and each letter's score."""

    after: list[tuple[Followers, int]]
    scores: dict[int, int]


class Letters:
    """Texts in the order in which they were learned. Learning is quick; asking reads the last few cases again.

    `esteem` is how much what followed in them counts.
    """

    def __init__(self, esteem: int) -> None:
        self._esteem = esteem
        self._told: dict[bytes, Told] = {}
        self._all = bytearray(GAP)
        self._after_one: dict[int, Followers] = {}
        self._after_two: dict[int, Followers] = {}
        self._after_three: dict[int, list[int]] = {}

    def learn(self, text: bytes) -> None:
        """Remember `text`, which holds no END, and that it ended."""
        self._told.clear()
        start = len(self._all)
        self._all += text + GAP
        one, two, three = END, END, END
        for place, byte in enumerate((*text, END), start):
            followers = self._after_one.setdefault(one, {})
            followers[byte] = followers.get(byte, 0) + 1
            followers = self._after_two.setdefault(two << 8 | one, {})
            followers[byte] = followers.get(byte, 0) + 1
            self._after_three.setdefault(three << 16 | two << 8 | one, []).append(place)
            one, two, three = byte, one, two

    def told(self, context: bytes) -> Told:
        """Return what followed the last letters of `context`, which are six. A score is the greater the more letters fit."""
        told = self._told.get(context)
        if told is None:
            if len(self._told) >= KEPT_MAX:
                self._told.clear()
            told = self._told[context] = self._tell(context)
        return told

    def _tell(self, context: bytes) -> Told:
        found: list[tuple[Followers, int]] = []
        scores: dict[int, int] = {}
        for order, followers in enumerate(self._after(context)):
            total = sum(followers.values())
            if not total:
                break
            found.append((followers, total))
            share = (self._esteem << 2 * order + 10) // (total + 1)
            for byte, count in followers.items():
                scores[byte] = scores.get(byte, 0) + share * count
        return Told(found, scores)

    def _after(self, context: bytes) -> list[Followers]:
        """Return what followed the last 1, 2 … 6 bytes."""
        three, two, one = context[-3:]
        found = [self._after_one.get(one, {}), self._after_two.get(two << 8 | one, {})]
        places = self._after_three.get(three << 16 | two << 8 | one, ())[-RECENT:]
        for order in range(3, ORDERS + 1):
            if order > 3:
                byte = context[-order]
                places = [place for place in places if self._all[place - order] == byte]
            followers: Followers = {}
            for place in places:
                byte = self._all[place]
                followers[byte] = followers.get(byte, 0) + 1
            found.append(followers)
        return found
