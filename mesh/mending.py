"""Messages that travel in parts on one road: sent, heard, and their holes filled, ours and those of others.

While parts of another's message come in, this node holds its tongue: for a while, and not for ever, whatever is claimed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Final

from mesh.errors import Malformed
from mesh.packet import Kind, Part, PartsWant, is_packed
from mesh.reassembly import AHEAD_MAX, Reassembly, Sent, cut
from mesh.road import Road

INSIDE_PARTS: Final = (Kind.DATA, Kind.FORK_PROOF)
PARTS_AT_ONCE: Final = 8  # how long a message grows, in packets, before others may speak
PATIENCE: Final = 3  # pauses between wants: for so long a stream of others is let pass before we speak again


class Mending:
    """The parts of one road. `is_needless` tells from how a message begins whether there can be anything new in it."""

    def __init__(self, road: Road, is_needless: Callable[[bytes], bool]) -> None:
        self._road = road
        self._is_needless = is_needless
        self._heard = Reassembly(road.timing.packet, road.timing.quiet)
        self._sent = Sent()
        self._refill: OrderedDict[tuple[bytes, int], Part] = OrderedDict()
        self._refill_at = 0.0
        self._calm_at = -inf  # when whoever else was speaking has ended
        self._waited_since = -inf  # how long somebody else has been speaking
        self._mended_at = -inf  # until then others may ask for parts of our last message

    # --- what others say

    def hear(self, part: Part, now: float) -> bytes | None:
        """Return the message which this part completes. Raises `Malformed`."""
        message = self._heard.add(part, now, self._road.slot())
        self._refill.pop((part.message, part.index), None)
        if message is not None and not (message[1:2] and (message[1] in INSIDE_PARTS or is_packed(message))):
            raise Malformed("only data and fork proofs travel in parts")
        return message

    def streams_until(self, part: Part, now: float) -> float | None:
        """Return when the message is likely to be through that begins with this part, None where it goes on."""
        if not self._heard.is_new(part):
            return None
        return now + min(part.last, AHEAD_MAX) * self._road.timing.packet + self._road.timing.quiet

    def hear_want(self, want: PartsWant, now: float) -> None:
        """Owe the parts that somebody lacks; do not ask for those that somebody has just asked for."""
        self._heard.overheard(want, now, self._road.slot())
        if not self._refill:
            self._refill_at = now + self._road.slot()
        for part in self._sent.parts(want):
            self._refill[part.message, part.index] = part

    # --- when to speak

    def free_at(self, now: float) -> float:
        """Return until when to leave the road to the others who are speaking."""
        if not self._heard.is_streaming(now):
            self._waited_since = now
        elif now - self._waited_since < PATIENCE * self._road.timing.retry:
            self._calm_at = now + self._road.slot()
        return self._calm_at

    def spoke(self, now: float) -> None:
        """We had our turn."""
        self._waited_since = now

    def has_holes(self, now: float) -> bool:
        """Whether we still ask for parts: a want would bring all of a message again."""
        return self._heard.is_mending(now)

    def is_mending(self, now: float) -> bool:
        """Whether we, or those who hear us, are likely to ask for parts."""
        return now < self._mended_at or self.has_holes(now)

    # --- what this node says

    def packets(self, message: bytes, now: float) -> list[bytes]:
        """Return the packets of a message of at most 16 KiB: one, or its parts."""
        if len(message) <= self._road.packet_size_max:
            return [message]
        parts = cut(message, self._road.packet_size_max)
        self._sent.keep(parts)
        self._mended_at = now + len(parts) * self._road.timing.packet + 2 * self._road.timing.quiet
        return [part.encode() for part in parts]

    def refill(self, now: float) -> list[bytes]:
        """Return parts of ours that others lack."""
        if not self._refill or self._refill_at > now:
            return []
        count = min(len(self._refill), PARTS_AT_ONCE)
        return [self._refill.popitem(last=False)[1].encode() for _ in range(count)]

    def ask(self, now: float) -> list[bytes]:
        """Return wants for the parts that we lack."""
        return [want.encode() for want in self._heard.wants(now, self._is_needless)]

    def next_wake(self) -> float | None:
        """Return when something may be said, as far as is known."""
        moments = [self._refill_at] if self._refill else []
        asked = self._heard.next_wake()
        return min([*moments, *([] if asked is None else [asked])], default=None)

    @property
    def calm_at(self) -> float:
        """When whoever else was speaking has ended, as far as is known."""
        return self._calm_at
