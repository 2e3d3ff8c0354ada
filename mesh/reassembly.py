"""Messages that are longer than a packet: cut into equal parts, put together again from any as many rows, asked for by number.

A message is named by the first bytes of its digest, so whoever has put one together knows that it is whole. Cutting the same
message again gives the same parts, and of rows beyond them (erasure.py) each helps everybody: one number says what a node lacks.
All of it is bounded, in number, bytes and age; what is dropped here is asked for again by a want.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from mesh.erasure import solved
from mesh.errors import Malformed
from mesh.keys import digest
from mesh.packet import MESSAGE_ID_SIZE, PART_OVERHEAD, PARTS_MAX, Part, PartsWant

MESSAGE_SIZE_MAX: Final = 16 * 1024
PADDED_MAX: Final = MESSAGE_SIZE_MAX + PARTS_MAX
MESSAGES_MAX: Final = 16
BYTES_MAX: Final = 64 * 1024
AGE_MAX_S: Final = 600.0
WHOLE_MAX: Final = 64
AT_ONCE_MAX: Final = 2
SHARE_MIN: Final = 8  # of so many parts one must have been heard
AHEAD_MAX: Final = 16  # parts that are waited for, however many a message claims to have
ASKED_MAX: Final = 4
MENDING: Final = 8  # after so many pauses nobody fills holes of a message any more
DOUBTED_MAX: Final = 16  # of a message of at most so many parts one false row is found out
END: Final = b"\x80"  # behind a message; zeros fill its last part


def message_id(message: bytes) -> bytes:
    """Return the name under which the parts of a message travel."""
    return digest(message)[:MESSAGE_ID_SIZE]


def size_in_parts(packet_size_max: int, parts: int) -> int:
    """Return how many bytes of a packet fit `parts` packets: its version stays behind, a mark at its end is new."""
    return packet_size_max if parts == 1 else min(parts * (packet_size_max - PART_OVERHEAD), MESSAGE_SIZE_MAX)


def cut(message: bytes, packet_size_max: int) -> list[Part]:
    """Return the parts of a message of less than 16 KiB, all of one size."""
    assert len(message) < MESSAGE_SIZE_MAX
    whole = message + END
    count = -(-len(whole) // (packet_size_max - PART_OVERHEAD))
    assert 2 <= count <= PARTS_MAX
    size = -(-len(whole) // count)
    pieces = [whole[at : at + size].ljust(size, b"\0") for at in range(0, size * count, size)]
    name = message_id(message)
    return [Part(name, index, count - 1, piece) for index, piece in enumerate(pieces)]


def _joined(name: bytes, parts: Iterable[bytes]) -> bytes | None:
    """Return the message of these parts, None where it is not the one that has this name."""
    whole = b"".join(parts).rstrip(b"\0")
    message = whole[: -len(END)]
    return message if whole.endswith(END) and message_id(message) == name else None


Shape = tuple[
    bytes, int, int
]  # a name, the last part, the size of each: what differs in one of them is another message


def _shape(part: Part) -> Shape:
    return part.message, part.last, len(part.content)


@dataclass(slots=True)
class _Partial:
    count: int
    began: float
    was_whole: bool  # it was put together before: it may come again, and is not asked for
    rows: dict[int, bytes] = field(default_factory=dict)
    was_addressed: bool = False  # a row of the message itself was heard, and not only repairs that others had asked for
    is_doubted: bool = False  # enough rows did not give what its name says
    ends: float = 0.0
    asked: int = 0
    ask_at: float = 0.0

    @property
    def lacking(self) -> int:
        return self.count + self.is_doubted - len(self.rows)

    @property
    def may_ask(self) -> bool:
        return self.asked < ASKED_MAX and self.was_addressed and len(self.rows) * SHARE_MIN >= self.count

    def is_due(self, now: float) -> bool:
        return self.may_ask and self.ask_at <= now

    def message(self, name: bytes) -> bytes | None:
        """Return the message, None where one row at least is false, or two where one too many was heard."""
        if not self.is_doubted:
            return _joined(name, solved(self.rows, self.count))
        for false in self.rows:
            others = {row: content for row, content in self.rows.items() if row != false}
            message = _joined(name, solved(others, self.count))
            if message is not None:
                return message
        return None


class Reassembly:
    """Messages of which some parts were heard.

    `packet` is the time that one part takes, in seconds; `pause` the silence after which a stream of them has ended.
    """

    def __init__(self, packet: float, pause: float) -> None:
        self._packet = packet
        self._pause = pause
        self._partials: OrderedDict[Shape, _Partial] = OrderedDict()
        self._whole: OrderedDict[bytes, float] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._partials)

    @property
    def size(self) -> int:
        """Bytes held of unfinished messages."""
        return self._size

    def is_new(self, part: Part) -> bool:
        """Whether this is the first that was heard of a message."""
        return _shape(part) not in self._partials and part.message not in self._whole

    def add(self, part: Part, now: float, patience: float) -> bytes | None:
        """Return the message which this part completes. Raises `Malformed` where the whole is not what its name says.

        `patience` is a random moment by which asking for more is put off, so that one of several hearers asks.
        """
        if now - self._whole.get(part.message, -inf) < MENDING * self._pause:
            return None  # others are mending what is whole here
        partial = self._partial(part, now)
        self._partials.move_to_end(_shape(part))
        if part.row not in partial.rows:
            partial.asked = ASKED_MAX if partial.was_whole else 0
            partial.rows[part.row] = part.content
            partial.was_addressed |= part.row <= part.last
            self._size += len(part.content)
        partial.ends = now + min(max(0, part.last - part.row), AHEAD_MAX) * self._packet
        partial.ask_at = partial.ends + self._pause + patience
        if not partial.lacking:
            return self._put_together(_shape(part), now)
        self._shrink()
        return None

    def _partial(self, part: Part, now: float) -> _Partial:
        if (part.last + 1) * len(part.content) > PADDED_MAX:
            raise Malformed("a message has too many parts of such a size")
        partial = self._partials.get(_shape(part))
        if partial is None:
            was_whole = part.message in self._whole
            partial = self._partials[_shape(part)] = _Partial(part.last + 1, now, was_whole)
        return partial

    def _put_together(self, shape: Shape, now: float) -> bytes:
        """Return the message of enough rows. If it is not what its name says, one row more may tell which one is false."""
        partial, name = self._partials[shape], shape[0]
        message = partial.message(name)
        if message is not None:
            self._drop(shape)
            self._close(name, now)
            return message
        if partial.is_doubted or partial.count > DOUBTED_MAX:
            self._drop(shape)
        partial.is_doubted = True
        raise Malformed("a message put together is not the one that was sent")

    def _close(self, name: bytes, now: float) -> None:
        """Hear no more parts of this message for a while."""
        self._whole[name] = now
        self._whole.move_to_end(name)
        if len(self._whole) > WHOLE_MAX:
            self._whole.popitem(last=False)

    def _drop(self, shape: Shape) -> None:
        self._size -= sum(map(len, self._partials.pop(shape).rows.values()))

    def _shrink(self) -> None:
        """Give up the messages that have waited longest."""
        while len(self._partials) > MESSAGES_MAX or self._size > BYTES_MAX:
            self._drop(next(iter(self._partials)))

    def overheard(self, want: PartsWant, now: float, patience: float) -> None:
        """Somebody else asks for parts: if that serves us too, there is no need to ask."""
        for (name, _, _), partial in self._partials.items():
            if name == want.message and partial.lacking <= want.lacking:
                coming = min(want.lacking, AHEAD_MAX) * self._packet
                partial.ask_at = now + coming + self._pause + patience

    def wants(self, now: float, is_needless: Callable[[bytes], bool], patience: float = 0.0) -> list[PartsWant]:
        """Return what to ask for now: two messages at once, each at most four times without success.

        `is_needless` tells from how a message begins whether there can be anything new in it. Of a message of which next
        to nothing was heard no part is asked for, and messages that are too old are forgotten. `patience` is a random
        moment by which asking again is put off: two who do not hear each other would else go on speaking at once.
        """
        self._expire(now)
        for shape in [shape for shape, partial in self._partials.items() if is_needless(partial.rows.get(0, b""))]:
            self._drop(shape)
            self._close(shape[0], now)
        due = [(partial.lacking, shape) for shape, partial in self._partials.items() if partial.is_due(now)]
        return [self._ask(shape, now, patience) for _, shape in sorted(due)[:AT_ONCE_MAX]]

    def _ask(self, shape: Shape, now: float, patience: float) -> PartsWant:
        partial = self._partials[shape]
        partial.asked += 1
        coming = min(partial.lacking, AHEAD_MAX) * self._packet
        partial.ask_at = now + coming + (2 * partial.asked - 1) * self._pause + patience * partial.asked
        return PartsWant(shape[0], partial.lacking)

    def _expire(self, now: float) -> None:
        for shape in [shape for shape, partial in self._partials.items() if now - partial.began > AGE_MAX_S]:
            self._drop(shape)

    def next_wake(self) -> float | None:
        """Return when there is something to ask for."""
        moments = [partial.ask_at for partial in self._partials.values() if partial.may_ask]
        return min(moments, default=None)

    def is_streaming(self, now: float) -> bool:
        """Whether parts are just coming in: others should wait."""
        return any(
            partial.asked < ASKED_MAX and now - partial.ends < self._pause for partial in self._partials.values()
        )

    def is_mending(self, now: float) -> bool:
        """Whether more parts are still being asked for: a want would bring all of a message again."""
        return any(partial.may_ask or now < partial.ask_at for partial in self._partials.values())
