"""What was written before, so that it can be asked what came next after certain letters, and how often."""

from __future__ import annotations

from typing import Final

ORDERS: Final = 6  # so many letters back it looks
END: Final = 0xFF  # stands at the end of each text, and before it: no UTF-8 holds this byte
GAP: Final = bytes([END]) * ORDERS
RECENT: Final = 64  # of what came after three letters, only so many cases count
Followers = dict[int, int]  # a byte and how often it came next


class Letters:
    """Texts in the order in which they were learned. Learning is quick; asking reads the last few cases again."""

    def __init__(self) -> None:
        self._all = bytearray(GAP)
        self._after_one: dict[int, Followers] = {}
        self._after_two: dict[int, Followers] = {}
        self._after_three: dict[int, list[int]] = {}

    def learn(self, text: bytes) -> None:
        """Remember `text`, which holds no END, and that it ended."""
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

    def after(self, context: bytes) -> list[Followers]:
        """Return what followed the last 1, 2 … 6 bytes of `context`, which has at least six."""
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
