"""What was written before, so that it can be asked what came next after certain letters, and how often."""

from __future__ import annotations

from typing import Final, NamedTuple

ORDERS: Final = 6  # so many letters back it looks
END: Final = 0xFF  # stands at the end of each text, and before it: no UTF-8 holds this byte
GAP: Final = bytes([END]) * ORDERS
HELD: Final = 4  # how much it counts in the ranking what followed in texts both ends hold
SHIPPED: Final = 1  # and in those the project ships
RECENT: Final = 64  # of what came after three letters, only so many cases count
NEAR: Final = 3  # what followed so many letters is not looked up again and again …
KEPT_MAX: Final = 256  # … for so many of them
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
        self._kept: dict[bytes, tuple[Told, list[int]]] = {}
        self._all = bytearray(GAP)
        self._after_one: dict[int, Followers] = {}
        self._after_two: dict[int, Followers] = {}
        self._after_three: dict[int, list[int]] = {}

    def learn(self, text: bytes) -> None:
        """Remember `text`, which holds no END, and that it ended."""
        self._kept.clear()
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
        told, places = self._nearby(context[-NEAR:])
        if len(told.after) == NEAR:
            told = Told(told.after.copy(), told.scores.copy())
            for order in range(NEAR + 1, ORDERS + 1):
                byte = context[-order]
                places = [place for place in places if self._all[place - order] == byte]
                if not places:
                    break
                self._weigh(told, self._followers(places), len(places))
        return told

    def _nearby(self, context: bytes) -> tuple[Told, list[int]]:
        """Return what followed the last 1, 2 and 3 bytes, and where the cases of three are: of some, it is kept."""
        kept = self._kept.get(context)
        if kept is None:
            three, two, one = context
            places = self._after_three.get(three << 16 | two << 8 | one, [])[-RECENT:]
            near = self._after_one.get(one, {}), self._after_two.get(two << 8 | one, {}), self._followers(places)
            told = Told([], {})
            for followers in near:
                if followers:
                    self._weigh(told, followers, sum(followers.values()))
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            kept = self._kept[context] = told, places
        return kept

    def _weigh(self, told: Told, followers: Followers, total: int) -> None:
        """Add what followed one letter more."""
        share = (self._esteem << 2 * len(told.after) + 10) // (total + 1)
        told.after.append((followers, total))
        scores = told.scores
        for byte, count in followers.items():
            scores[byte] = scores.get(byte, 0) + share * count

    def _followers(self, places: list[int]) -> Followers:
        followers: Followers = {}
        for place in places:
            byte = self._all[place]
            followers[byte] = followers.get(byte, 0) + 1
        return followers
