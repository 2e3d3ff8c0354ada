"""Messages that are longer than a packet: cut into equal parts, put together again, holes asked for one by one.

A message is named by the first bytes of its digest, so whoever has put one together knows that it is whole. Cutting the
same message again gives the same parts: a repeat fills holes. All of it is bounded, in number, bytes and age; what is
dropped here is asked for again by a want.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from mesh.errors import Malformed
from mesh.keys import digest
from mesh.packet import MESSAGE_ID_SIZE, PART_OVERHEAD, PARTS_MAX, Part, PartsWant

MESSAGE_SIZE_MAX: Final = 16 * 1024
MESSAGES_MAX: Final = 16
BYTES_MAX: Final = 64 * 1024
AGE_MAX_S: Final = 600.0
SENT_MAX: Final = 16
WHOLE_MAX: Final = 64
AT_ONCE_MAX: Final = 2
SHARE_MIN: Final = 8  # of so many parts one must have been heard
AHEAD_MAX: Final = 16  # parts that are waited for, however many a message claims to have
ASKED_MAX: Final = 4
MENDING: Final = 8  # after so many pauses nobody fills holes of a message any more


def message_id(message: bytes) -> bytes:
    """Return the name under which the parts of a message travel."""
    return digest(message)[:MESSAGE_ID_SIZE]


def size_in_parts(packet_size_max: int, parts: int) -> int:
    """Return how many bytes of a message fit `parts` packets; a message in one packet needs no overhead."""
    return packet_size_max if parts == 1 else min(parts * (packet_size_max - PART_OVERHEAD), MESSAGE_SIZE_MAX)


def cut(message: bytes, packet_size_max: int) -> list[Part]:
    """Return the parts of a message of at most 16 KiB: all but the last fill a packet."""
    size = packet_size_max - PART_OVERHEAD
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    assert len(message) <= MESSAGE_SIZE_MAX
    assert 2 <= len(pieces) <= PARTS_MAX
    name = message_id(message)
    return [Part(name, index, len(pieces) - 1, piece) for index, piece in enumerate(pieces)]


@dataclass(slots=True)
class _Partial:
    last: int
    began: float
    was_whole: bool  # it was put together before: it may come again, and is not asked for
    contents: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    ends: float = 0.0
    asked: int = 0
    ask_at: float = 0.0

    @property
    def may_ask(self) -> bool:
        return self.asked < ASKED_MAX and len(self.contents) * SHARE_MIN > self.last

    def is_due(self, now: float) -> bool:
        return self.may_ask and self.ask_at <= now

    def missing(self) -> tuple[int, ...]:
        return tuple(index for index in range(self.last + 1) if index not in self.contents)


class Reassembly:
    """Messages of which some parts were heard.

    `packet` is the time that one part takes, in seconds; `pause` the silence after which a stream of them has ended.
    """

    def __init__(self, packet: float, pause: float) -> None:
        self._packet = packet
        self._pause = pause
        self._partials: OrderedDict[bytes, _Partial] = OrderedDict()
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
        return part.message not in self._partials and part.message not in self._whole

    def add(self, part: Part, now: float, patience: float) -> bytes | None:
        """Return the message which this part completes. Raises `Malformed` where the whole is not what its name says.

        `patience` is a random moment by which asking for holes is put off, so that one of several hearers asks.
        """
        if now - self._whole.get(part.message, -inf) < MENDING * self._pause:
            return None  # others are mending what is whole here
        partial = self._partials.get(part.message)
        if partial is None:
            was_whole = now - self._whole.get(part.message, -inf) < AGE_MAX_S
            partial = self._partials[part.message] = _Partial(part.last, now, was_whole)
        self._partials.move_to_end(part.message)
        self._take(partial, part)
        partial.ends = now + min(part.last - part.index, AHEAD_MAX) * self._packet
        partial.ask_at = partial.ends + self._pause + patience
        if len(partial.contents) > partial.last:
            return self._joined(part.message, now)
        self._shrink()
        return None

    def _take(self, partial: _Partial, part: Part) -> None:
        if part.last != partial.last or partial.size + len(part.content) > MESSAGE_SIZE_MAX:
            self._drop(part.message)
            raise Malformed("the parts of a message do not belong together")
        if part.index not in partial.contents:
            partial.asked = ASKED_MAX if partial.was_whole else 0
            partial.contents[part.index] = part.content
            partial.size += len(part.content)
            self._size += len(part.content)

    def _joined(self, name: bytes, now: float) -> bytes:
        contents = self._drop(name).contents
        message = b"".join(contents[index] for index in sorted(contents))
        if message_id(message) != name:
            raise Malformed("a message put together is not the one that was sent")
        self._close(name, now)
        return message

    def _close(self, name: bytes, now: float) -> None:
        """Hear no more parts of this message for a while."""
        self._whole[name] = now
        self._whole.move_to_end(name)
        if len(self._whole) > WHOLE_MAX:
            self._whole.popitem(last=False)

    def _drop(self, name: bytes) -> _Partial:
        partial = self._partials.pop(name)
        self._size -= partial.size
        return partial

    def _shrink(self) -> None:
        """Give up the messages that have waited longest."""
        while len(self._partials) > MESSAGES_MAX or self._size > BYTES_MAX:
            self._drop(next(iter(self._partials)))

    def overheard(self, want: PartsWant, now: float, patience: float) -> None:
        """Somebody else asks for parts: if that serves us too, there is no need to ask."""
        partial = self._partials.get(want.message)
        if partial and set(partial.missing()) <= set(want.missing):
            partial.ask_at = now + self._pause + patience

    def wants(self, now: float, is_needless: Callable[[bytes], bool]) -> list[PartsWant]:
        """Return what to ask for now: two messages at once, each at most four times without success.

        `is_needless` tells from how a message begins whether there can be anything new in it. Of a message of which next
        to nothing was heard no part is asked for, and messages that are too old are forgotten.
        """
        self._expire(now)
        for name in [name for name, partial in self._partials.items() if is_needless(partial.contents.get(0, b""))]:
            self._drop(name)
            self._close(name, now)
        due = [(len(partial.missing()), name) for name, partial in self._partials.items() if partial.is_due(now)]
        return [self._ask(name, now) for _, name in sorted(due)[:AT_ONCE_MAX]]

    def _ask(self, name: bytes, now: float) -> PartsWant:
        partial = self._partials[name]
        partial.asked += 1
        partial.ask_at = now + 2 * self._pause * partial.asked
        return PartsWant(name, partial.missing())

    def _expire(self, now: float) -> None:
        for name in [name for name, partial in self._partials.items() if now - partial.began > AGE_MAX_S]:
            self._drop(name)

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
        """Whether holes are still being asked for: a want would bring all of a message again."""
        return any(partial.may_ask or now < partial.ask_at for partial in self._partials.values())


class Sent:
    """The last few messages that left in parts, kept to fill holes."""

    def __init__(self) -> None:
        self._messages: OrderedDict[bytes, list[Part]] = OrderedDict()

    def keep(self, parts: list[Part]) -> None:
        self._messages[parts[0].message] = parts
        self._messages.move_to_end(parts[0].message)
        while len(self._messages) > SENT_MAX or self.size > BYTES_MAX:
            self._messages.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes kept."""
        return sum(len(part.content) for parts in self._messages.values() for part in parts)

    def parts(self, want: PartsWant) -> list[Part]:
        """Return those parts that were asked for and are still here."""
        parts = self._messages.get(want.message, [])
        return [parts[index] for index in want.missing if index < len(parts)]
