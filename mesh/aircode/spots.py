"""Models of values by where they stand: a spot is one place in records of one kind, and learns what stands there.

All of them take or give: who packs hands in what it is, who unpacks gets it, and where nobody is asked they only learn.
"""

from __future__ import annotations

from typing import Final

from mesh.aircode.arithmetic import ONE, Bits, Choice, Flag

EXACT_BITS: Final = 4  # of a number, so many bits after the first are learned; the others cost what they are
WIDTH_BITS: Final = 6
SORT_BITS: Final = 3
UNLIKELY: Final = ONE >> 6
Name = int | str


class Whole:
    """Numbers from 0 … 2^63 - 1: how many bits, and then these."""

    __slots__ = ("_high", "_width")

    def __init__(self) -> None:
        self._width: Choice | None = None
        self._high: dict[int, Choice] = {}

    def take(self, bits: Bits | None, given: int) -> int:
        """Take or give one."""
        if self._width is None:
            self._width = Choice(WIDTH_BITS)
        width = self._width.take(bits, given.bit_length())
        if width < 2:
            return width
        learned = min(width - 1, EXACT_BITS)
        rest = width - 1 - learned
        choice = self._high.get(width)
        if choice is None:
            choice = self._high[width] = Choice(learned)
        high = choice.take(bits, given >> rest & (1 << learned) - 1)
        if bits is None:
            return given
        return ((1 << learned | high) << rest) | bits.raw(given & (1 << rest) - 1, rest)


class Signed:
    """Numbers of either sign."""

    __slots__ = ("_is_negative", "_size")

    def __init__(self) -> None:
        self._is_negative = Flag()
        self._size = Whole()

    def take(self, bits: Bits | None, given: int) -> int:
        """Take or give one."""
        is_negative = self._is_negative.bit(bits, int(given < 0))
        size = self._size.take(bits, -1 - given if given < 0 else given)
        return -1 - size if is_negative else size


class Steady:
    """Whole numbers of which each is often the same as the last."""

    __slots__ = ("_again", "_last", "_whole")

    def __init__(self) -> None:
        self._last: int | None = None
        self._again = Flag()
        self._whole = Whole()

    def take(self, bits: Bits | None, given: int) -> int:
        """Take or give one."""
        if self._last is not None and self._again.bit(bits, int(given == self._last)):
            return self._last
        self._last = self._whole.take(bits, given)
        return self._last


class Count:
    """How many there are of something: often one."""

    __slots__ = ("_is_one", "_more")

    def __init__(self, first: int) -> None:
        self._is_one = Flag(first)
        self._more = Steady()

    def take(self, bits: Bits | None, given: int) -> int:
        """Take or give a number from 1."""
        if self._is_one.bit(bits, int(given == 1)):
            return 1
        return 2 + self._more.take(bits, max(0, given - 2))


class Number:
    """The numbers at a spot: the same as the one beside, its opposite, or one more than the last one here."""

    __slots__ = ("_is_next", "_is_opposite", "_is_same", "_signed", "last", "seen")

    def __init__(self) -> None:
        self._is_same = Flag()
        self._is_opposite = Flag()
        self._is_next = Flag(UNLIKELY)
        self._signed = Signed()
        self.last: int | None = None
        self.seen = 0  # the number of the record in which the last one stood

    def take(self, bits: Bits | None, given: int, beside: int | None) -> int:
        """Take or give one. `beside` is the number beside it."""
        if beside is not None:
            if self._is_same.bit(bits, int(given == beside)):
                return beside
            if self._is_opposite.bit(bits, int(given == -beside)):
                return -beside
        if self.last is not None and self._is_next.bit(bits, int(given == self.last + 1)):
            return self.last + 1
        return self._signed.take(bits, given)


class Octets:
    """The byte strings at a spot: whether one is known by a number, which, or how long it is."""

    __slots__ = ("is_known", "name", "size")

    def __init__(self) -> None:
        self.is_known = Flag()
        self.name = Whole()
        self.size = Steady()


class Spot:
    """One place in records of one kind; places within it are its children."""

    __slots__ = ("_again", "_last", "_sorts", "children", "count", "depth", "name", "number", "octets", "parent")

    def __init__(self, parent: Spot | None = None, name: Name = 0) -> None:
        self.parent = parent
        self.name = name
        self.depth: int = parent.depth + 1 if parent else 1
        self.children: dict[Name, Spot] = {}
        self._last: int | None = None
        self._again = Flag()
        self._sorts: Choice | None = None
        self.count: Steady | None = None  # of what is within
        self.number: Number | None = None
        self.octets: Octets | None = None

    def child(self, name: Name) -> Spot:
        """Return a place within."""
        child = self.children.get(name)
        if child is None:
            child = self.children[name] = Spot(self, name)
        return child

    def sort(self, bits: Bits | None, given: int) -> int:
        """Take or give the sort of the value here: often that of the value before."""
        if self._last is not None and self._again.bit(bits, int(given == self._last)):
            return self._last
        if self._sorts is None:
            self._sorts = Choice(SORT_BITS)
        self._last = self._sorts.take(bits, given)
        return self._last

    def beside(self, record: int) -> int | None:
        """Return the number that stands in this record at the same place of the row before."""
        row = self.parent
        if self.depth < 4 or row is None or row.parent is None or type(row.name) is not int or row.name <= 0:
            return None
        above = row.parent.children.get(row.name - 1)
        other = above.children.get(self.name) if above else None
        return other.number.last if other and other.number and other.number.seen == record else None


class Kind:
    """Records of one kind: when they are written, in which form, and what stands in them."""

    __slots__ = ("after", "at", "fields", "gaps", "is_odd", "is_same", "root", "says")

    def __init__(self) -> None:
        self.is_same = Flag()  # the kind of the record after one of this kind
        self.gaps: dict[int, Choice] = {}
        self.at = Signed()
        self.fields = Steady()
        self.says = Flag()
        self.is_odd = Flag(), Flag()
        self.root = Spot()
