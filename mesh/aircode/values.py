"""Values of records by their places: what stood at the same place in earlier records of one kind foretells what stands there now.

Nothing here knows what a kind means. A place is a path: kind, index in the core, index within that … Numbers are told by their
size, by the number beside them (the same, or its opposite), or by what stood there last (one more); byte strings by when they
were first seen; times by how long after the last.
"""

from __future__ import annotations

from typing import Any, Final

from mesh.aircode.arithmetic import ONE, Bits, Chances, Listener
from mesh.aircode.text import TextModel
from mesh.canonical import DEPTH_MAX, INT_MAX, Value
from mesh.errors import Malformed
from mesh.record import TEXT_SIZE_MAX

NUMBER, BYTES, TEXT, ARRAY, MAP, *SIMPLE = range(8)
SIMPLES: Final = (False, True, None)
EXACT_BITS: Final = 4  # of a number, so many bits after the first are learned; the others cost what they are
NAMES_MAX: Final = 4096
RECORD_COST: Final = 4
GAPS: Final = 3
FRESH: Final = GAPS + 1
UNLIKELY: Final = ONE >> 6
Path = tuple[Any, ...]


class _Unknown:
    """Stands for a value that is still to be read."""


UNKNOWN: Final = _Unknown()


class Work:
    """How much may still be unpacked: a value or a byte costs one, a letter three."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, cost: int) -> None:
        """Raises `Malformed` when nothing is left."""
        self.left -= cost
        if self.left < 0:
            raise Malformed("this packet unpacks to more than one may hold")


class Values:
    """The model of all values. It is taken through what both ends hold first, and goes on learning."""

    def __init__(self, text: TextModel, work: Work) -> None:
        self._text = text
        self.work = work
        self._chances = Chances()
        self._names: dict[bytes, int] = {}
        self._by_number: list[bytes] = []
        self._kinds: list[int] = []  # of the record before
        self._gaps: list[int] = []  # the last ones that differ, the latest first
        self._places: dict[object, int] = {}  # of each log, which of them came last; 0 is a new one
        self._last: dict[Path, int] = {}
        self._now: dict[Path, int] = {}
        self._steady: dict[object, int] = {}  # what is likely to stay as it was told last

    def know(self, name: bytes) -> None:
        """Give a byte string a number, unless it has one."""
        if name not in self._names and len(self._by_number) < NAMES_MAX:
            self._names[name] = len(self._by_number)
            self._by_number.append(name)

    def begin(self, log: object) -> None:
        """Records of this log follow."""
        self._places.pop(log, None)

    def core(self, bits: Bits, given: Value, log: object) -> list[Value]:
        """Take or give the core of a record of `log`."""
        kind, at, rest = (0, 0, []) if given is UNKNOWN else (given[0], given[1], given[2:])
        self.work.spend(RECORD_COST)
        self._now = {}
        kind = self._kind(bits, kind)
        last = self._last.get(("at", log), 0)
        at = last + self._gap(bits, (kind, log), at - last)
        self._last["at", log] = at
        count = self.steady(bits, ("count", kind), len(rest))
        return [kind, at, *self._items(bits, (kind,), rest, count)]

    def _kind(self, bits: Bits, given: int) -> int:
        """Take or give the kind of a record: often that of the record before."""
        if self._kinds and self.flag(bits, ("kind after", self._kinds[-1]), int(given == self._kinds[-1])):
            return self._kinds[-1]
        kind = self.whole(bits, "kind", given)
        self._kinds = [kind]
        return kind

    def _gap(self, bits: Bits, whose: tuple[int, object], given: int) -> int:
        """Take or give how long after the last record of its log one was written: perhaps as long as lately another."""
        kind, log = whose
        place = self._gaps.index(given) + 1 if given in self._gaps else 0
        place = self._chances.choice(bits, ("gap", kind, self._places.get(log, FRESH)), place, 2)
        if place > len(self._gaps):
            raise Malformed("a gap is told by one that was not told")
        gap = self._gaps.pop(place - 1) if place else self._signed(bits, ("at", kind), given)
        self._gaps = [gap, *self._gaps][:GAPS]
        self._places[log] = place
        return gap

    def said(self, bits: Bits, given: Value, kind: int) -> Value:
        """Take or give what a record of `kind` says."""
        return self._value(bits, (kind, "said"), given)

    def overhear(self, said: Value) -> None:
        """Learn the words of a value, and nothing else."""
        if type(said) is str:
            self._text.learn(said.encode())
        elif type(said) is list:
            for item in said:
                self.overhear(item)
        elif type(said) is dict:
            for item in said.values():
                self.overhear(item)

    def flag(self, bits: Bits, key: object, given: int, first: int = ONE >> 1) -> int:
        """Take or give one bit."""
        return self._chances.bit(bits, key, given, first)

    def whole(self, bits: Bits, key: object, given: int) -> int:
        """Take or give a number from 0 … 2^63 - 1: how many bits it has, and then these."""
        width = self._chances.choice(bits, (key, "width"), given.bit_length(), 6)
        if width < 2:
            return width
        learned = min(width - 1, EXACT_BITS)
        rest = width - 1 - learned
        high = self._chances.choice(bits, (key, width), given >> rest & (1 << learned) - 1, learned)
        return ((1 << learned | high) << rest) | bits.raw(given & (1 << rest) - 1, rest)

    def steady(self, bits: Bits, key: object, given: int) -> int:
        """Take or give a whole number that is often the same as the last one under its key."""
        last = self._steady.get(key)
        if last is not None and self.flag(bits, (key, "again"), int(given == last)):
            return last
        self._steady[key] = self.whole(bits, key, given)
        return self._steady[key]

    def _sort(self, bits: Bits, path: Path, given: int) -> int:
        """Take or give the sort of the value at a place: often that of the value there before."""
        last = self._steady.get(path)
        if last is not None and self.flag(bits, (path, "again"), int(given == last)):
            return last
        self._steady[path] = self._chances.choice(bits, (path, "sort"), given, 3)
        return self._steady[path]

    def _signed(self, bits: Bits, key: object, given: int) -> int:
        negative = self.flag(bits, (key, "sign"), int(given < 0))
        size = self.whole(bits, key, -1 - given if given < 0 else given)
        return -1 - size if negative else size

    def octets(self, bits: Bits, given: bytes, size: int) -> bytes:
        """Take or give `size` bytes of which nothing is known."""
        self.work.spend(size)
        number = int.from_bytes(given[:size], "big")
        return bits.raw(number, 8 * size).to_bytes(size, "big")

    def _items(self, bits: Bits, path: Path, given: Value, count: int) -> list[Value]:
        known = given is not UNKNOWN and len(given) == count
        return [self._value(bits, (*path, place), given[place] if known else UNKNOWN) for place in range(count)]

    def _value(self, bits: Bits, path: Path, given: Value) -> Value:
        self.work.spend(1)
        sort = self._sort(bits, path, _sort(given))
        if sort == NUMBER:
            return self._number(bits, path, given if type(given) is int else 0)
        if sort == BYTES:
            return self._bytes(bits, path, given if type(given) is bytes else b"")
        if sort == TEXT:
            return self._string(bits, given if type(given) is str else "")
        if sort in SIMPLE:
            return SIMPLES[sort - SIMPLE[0]]
        if len(path) > DEPTH_MAX + 1:
            raise Malformed("a value is nested too deep")
        count = self.steady(bits, (path, "count"), 0 if given is UNKNOWN else len(given))
        if sort == ARRAY:
            return self._items(bits, path, given if type(given) is list else UNKNOWN, count)
        return self._map(bits, path, given if type(given) is dict else UNKNOWN, count)

    def _map(self, bits: Bits, path: Path, given: Value, count: int) -> dict[Value, Value]:
        pairs = [] if given is UNKNOWN else list(given.items())
        found: dict[Value, Value] = {}
        for place in range(count):
            key, value = pairs[place] if place < len(pairs) else (UNKNOWN, UNKNOWN)
            name = self._value(bits, (*path, "key"), key)
            if type(name) not in (int, str) or name in found:
                raise Malformed("a map has a key that is twice the same, or neither a number nor text")
            found[name] = self._value(bits, (*path, name), value)
        return found

    def _number(self, bits: Bits, path: Path, given: int) -> int:
        beside = self._now.get((*path[:-2], path[-2] - 1, path[-1])) if _is_in_row(path) else None
        number = self._from(bits, path, given, beside)
        if number is None:
            number = self._signed(bits, path, given)
        if not -INT_MAX - 1 <= number <= INT_MAX:
            raise Malformed("a number is out of range")
        self._now[path] = self._last[path] = number
        return number

    def _from(self, bits: Bits, path: Path, given: int, beside: int | None) -> int | None:
        """Take or give a number by the one beside it or before it, None where it is neither."""
        if beside is not None:
            if self.flag(bits, (path, "same"), int(given == beside)):
                return beside
            if self.flag(bits, (path, "opposite"), int(given == -beside)):
                return -beside
        last = self._last.get(path)
        if last is not None and self.flag(bits, (path, "next"), int(given == last + 1), UNLIKELY):
            return last + 1
        return None

    def _bytes(self, bits: Bits, path: Path, given: bytes) -> bytes:
        if self.flag(bits, (path, "known"), int(given in self._names)):
            number = self.whole(bits, (path, "name"), self._names.get(given, 0))
            if number >= len(self._by_number):
                raise Malformed("a byte string is named that is not known")
            return self._by_number[number]
        found = self.octets(bits, given, self.steady(bits, (path, "size"), len(given)))
        self.know(found)
        return found

    def _string(self, bits: Bits, given: str) -> str:
        if isinstance(bits, Listener):
            self._text.learn(given.encode())
            return given
        text = self._text.text(bits, given.encode(), min(self.work.left // 3, TEXT_SIZE_MAX))
        if text is None:
            raise Malformed("this packet unpacks to more than one may hold")
        self.work.spend(3 * len(text))
        try:
            return text.decode()
        except UnicodeDecodeError as fault:
            raise Malformed("a text is not UTF-8") from fault


def _is_in_row(path: Path) -> bool:
    return len(path) > 3 and type(path[-2]) is int and path[-2] > 0


def _sort(value: Value) -> int:
    if value is UNKNOWN:
        return 0
    sorts = {int: NUMBER, bytes: BYTES, str: TEXT, list: ARRAY, dict: MAP}
    return sorts[type(value)] if type(value) in sorts else SIMPLE[SIMPLES.index(value)]
