"""Values of records by their places: what stood at the same place in earlier records of one kind foretells what stands there now.

Nothing here knows what a kind means. A place is a spot: kind, index in the core, index within that … (spots.py). Numbers are told
by their size, by the number beside them (the same, or its opposite), or by what stood there last (one more); byte strings by when
they were first seen; times by how long after the last.
"""

from __future__ import annotations

from typing import Final

from mesh.aircode.arithmetic import Bits, Choice
from mesh.aircode.spots import Kind, Number, Octets, Spot, Steady, Whole
from mesh.aircode.text import TextModel
from mesh.canonical import DEPTH_MAX, INT_MAX, Value
from mesh.errors import Malformed
from mesh.record import TEXT_SIZE_MAX

NUMBER, BYTES, TEXT, ARRAY, MAP, *SIMPLE = range(8)
SORTS: Final = {int: NUMBER, bytes: BYTES, str: TEXT, list: ARRAY, dict: MAP}
SIMPLES: Final = (False, True, None)
NAMES_MAX: Final = 4096
RECORD_COST: Final = 4
GAPS: Final = 3
FRESH: Final = GAPS + 1
SAID: Final = "said"
KEY: Final = "key"


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
    """The model of all values. It is taken through what both ends hold first, and goes on learning.

    While nobody is asked it needs neither `text` nor `work`: words are learned apart (study.py), and what both ends hold is
    bounded by itself.
    """

    def __init__(self) -> None:
        self.text: TextModel | None = None
        self.work = Work(0)
        self._names: dict[bytes, int] = {}
        self._by_number: list[bytes] = []
        self._kinds: dict[int, Kind] = {}
        self._kind = Whole()
        self._before: Kind | None = None  # that of the record before
        self._number_before = 0
        self._gaps: list[int] = []  # the last ones that differ, the latest first
        self._places: dict[bytes, int] = {}  # of each log, which of them came last; 0 is a new one
        self._at: dict[bytes, int] = {}  # of each log
        self._record = 0

    def know(self, name: bytes) -> None:
        """Give a byte string a number, unless it has one."""
        if name not in self._names and len(self._by_number) < NAMES_MAX:
            self._names[name] = len(self._by_number)
            self._by_number.append(name)

    def begin(self, log: bytes) -> None:
        """Records of this log follow."""
        self._places.pop(log, None)

    def core(self, bits: Bits | None, given: Value, log: bytes) -> list[Value]:
        """Take or give the core of a record of `log`."""
        number, at, rest = (0, 0, []) if given is UNKNOWN else (given[0], given[1], given[2:])
        if bits is not None:
            self.work.spend(RECORD_COST)
        self._record += 1
        number = self._kind_number(bits, number)
        kind = self._of(number)
        last = self._at.get(log, 0)
        self._at[log] = at = last + self._gap(bits, kind, log, at - last)
        count = kind.fields.take(bits, len(rest))
        return [number, at, *self._items(bits, kind.root, rest, count)]

    def _of(self, number: int) -> Kind:
        kind = self._kinds.get(number)
        if kind is None:
            kind = self._kinds[number] = Kind()
        return kind

    def _kind_number(self, bits: Bits | None, given: int) -> int:
        """Take or give the kind of a record: often that of the record before."""
        before, number = self._before, self._number_before
        if before is None or not before.is_same.bit(bits, int(given == number)):
            number = self._kind.take(bits, given)
        self._before, self._number_before = self._of(number), number
        return number

    def _gap(self, bits: Bits | None, kind: Kind, log: bytes, given: int) -> int:
        """Take or give how long after the last record of its log one was written: perhaps as long as lately another."""
        before = self._places.get(log, FRESH)
        choice = kind.gaps.get(before)
        if choice is None:
            choice = kind.gaps[before] = Choice(2)
        place = choice.take(bits, self._gaps.index(given) + 1 if given in self._gaps else 0)
        if place > len(self._gaps):
            raise Malformed("a gap is told by one that was not told")
        gap = self._gaps.pop(place - 1) if place else kind.at.take(bits, given)
        self._gaps = [gap, *self._gaps][:GAPS]
        self._places[log] = place
        return gap

    def form(self, bits: Bits | None, given: int, number: int) -> int:
        """Take or give in which of four forms a record of a kind travels; the upper two say something."""
        kind = self._of(number)
        says = kind.says.bit(bits, given >> 1)
        return 2 * says + kind.is_odd[says].bit(bits, given & 1)

    def said(self, bits: Bits | None, given: Value, number: int) -> Value:
        """Take or give what a record of a kind says."""
        return self._value(bits, self._of(number).root.child(SAID), given)

    def octets(self, bits: Bits, given: bytes, size: int) -> bytes:
        """Take or give `size` bytes of which nothing is known."""
        self.work.spend(size)
        number = int.from_bytes(given[:size], "big")
        return bits.raw(number, 8 * size).to_bytes(size, "big")

    def _items(self, bits: Bits | None, spot: Spot, given: Value, count: int) -> list[Value]:
        known = given is not UNKNOWN and len(given) == count
        return [self._value(bits, spot.child(place), given[place] if known else UNKNOWN) for place in range(count)]

    def _value(self, bits: Bits | None, spot: Spot, given: Value) -> Value:
        if bits is not None:
            self.work.spend(1)
        sort = spot.sort(bits, _sort(given))
        if sort == NUMBER:
            return self._number(bits, spot, given if type(given) is int else 0)
        if sort == BYTES:
            return self._bytes(bits, spot, given if type(given) is bytes else b"")
        if sort == TEXT:
            return given if bits is None else self._string(bits, given if type(given) is str else "")
        if sort in SIMPLE:
            return SIMPLES[sort - SIMPLE[0]]
        if spot.depth > DEPTH_MAX + 1:
            raise Malformed("a value is nested too deep")
        if spot.count is None:
            spot.count = Steady()
        count = spot.count.take(bits, 0 if given is UNKNOWN else len(given))
        if sort == ARRAY:
            return self._items(bits, spot, given if type(given) is list else UNKNOWN, count)
        return self._map(bits, spot, given if type(given) is dict else UNKNOWN, count)

    def _map(self, bits: Bits | None, spot: Spot, given: Value, count: int) -> dict[Value, Value]:
        pairs = [] if given is UNKNOWN else list(given.items())
        found: dict[Value, Value] = {}
        for place in range(count):
            key, value = pairs[place] if place < len(pairs) else (UNKNOWN, UNKNOWN)
            name = self._value(bits, spot.child(KEY), key)
            if type(name) not in (int, str) or name in found:
                raise Malformed("a map has a key that is twice the same, or neither a number nor text")
            found[name] = self._value(bits, spot.child(name), value)
        return found

    def _number(self, bits: Bits | None, spot: Spot, given: int) -> int:
        model = spot.number
        if model is None:
            model = spot.number = Number()
        number = model.take(bits, given, spot.beside(self._record))
        if not -INT_MAX - 1 <= number <= INT_MAX:
            raise Malformed("a number is out of range")
        model.last, model.seen = number, self._record
        return number

    def _bytes(self, bits: Bits | None, spot: Spot, given: bytes) -> bytes:
        model = spot.octets
        if model is None:
            model = spot.octets = Octets()
        if model.is_known.bit(bits, int(given in self._names)):
            number = model.name.take(bits, self._names.get(given, 0))
            if number >= len(self._by_number):
                raise Malformed("a byte string is named that is not known")
            return self._by_number[number]
        size = model.size.take(bits, len(given))
        found = given if bits is None else self.octets(bits, given, size)
        self.know(found)
        return found

    def _string(self, bits: Bits, given: str) -> str:
        assert self.text is not None
        text = self.text.text(bits, given.encode(), min(self.work.left // 3, TEXT_SIZE_MAX))
        if text is None:
            raise Malformed("this packet unpacks to more than one may hold")
        self.work.spend(3 * len(text))
        try:
            return text.decode()
        except UnicodeDecodeError as fault:
            raise Malformed("a text is not UTF-8") from fault


def _sort(value: Value) -> int:
    if value is UNKNOWN:
        return 0
    sort = SORTS.get(type(value))
    return SIMPLE[SIMPLES.index(value)] if sort is None else sort
