"""Messages that travel in parts on one road: sent, heard, and their holes filled, ours and those of others.

While parts of another's message come in, this node holds its tongue: for a while, and not for ever, whatever is claimed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from mesh.errors import Malformed
from mesh.packet import Kind, Part, PartsWant, is_packed
from mesh.reassembly import AHEAD_MAX, Reassembly, cut
from mesh.repairs import Repairs
from mesh.road import Road
from mesh.wire import VERSION

INSIDE_PARTS: Final = (Kind.DATA, Kind.FORK_PROOF)
PARTS_AT_ONCE: Final = 8  # how long a message grows, in packets, before others may speak
PATIENCE: Final = 3  # pauses between wants: for so long a stream of others is let pass before we speak again
VERSION_SIZE: Final = 1  # stands on each part, and is left out of the message


class Mending:
    """The parts of one road. `is_needless` tells from how a packet begins whether there can be anything new in it."""

    def __init__(self, road: Road, is_needless: Callable[[bytes], bool]) -> None:
        self._road = road
        self._is_needless = is_needless
        self._heard = Reassembly(road.timing.packet, road.timing.quiet)
        self._repairs = Repairs()
        self._calm_at = -inf  # when whoever else was speaking has ended
        self._waited_since = -inf  # how long somebody else has been speaking
        self._mended_at = -inf  # until then others may ask for parts

    # --- what others say

    def hear(self, part: Part, now: float) -> bytes | None:
        """Return the packet which this part completes. Raises `Malformed`."""
        self._repairs.hear(part)
        self._goes_on(now)
        message = self._heard.add(part, now, self._road.slot())
        if message is None:
            return None
        packet = bytes([VERSION]) + message
        if not message or not (message[0] in INSIDE_PARTS or is_packed(packet)):
            raise Malformed("only data and fork proofs travel in parts")
        parts = cut(message, self._road.packet_size_max)
        if _shape(parts[0]) == _shape(part):
            self._repairs.keep(parts, is_ours=False, luck=self._road.rng.uniform(0.0, 1.0))
        return packet

    def _goes_on(self, now: float) -> None:
        self._mended_at = max(self._mended_at, now + 2 * self._road.timing.quiet)

    def streams_until(self, part: Part, now: float) -> float | None:
        """Return when the message is likely to be through that begins with this part, None where it goes on."""
        if not self._heard.is_new(part):
            return None
        return now + min(part.last, AHEAD_MAX) * self._road.timing.packet + self._road.timing.quiet

    def hear_want(self, peer: str, want: PartsWant, now: float) -> None:
        """Owe what somebody lacks; do not ask for what somebody has just asked for."""
        self._goes_on(now)
        self._heard.overheard(want, now, self._road.slot())
        timing, quotas, slot = self._road.timing, self._road.quotas, self._road.slot()
        if self._road.has_said_enough(peer, now):
            return
        size = self._repairs.hear_want(want, now + slot, timing.slot_max + timing.packet)
        if size:
            quotas.charge(peer, size, now)

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

    def packets(self, packet: bytes, now: float) -> list[bytes]:
        """Return the packets that bring one of at most 16 KiB: itself, or its parts."""
        if len(packet) <= self._road.packet_size_max:
            return [packet]
        parts = cut(packet[VERSION_SIZE:], self._road.packet_size_max)
        self._repairs.keep(parts, is_ours=True)
        self._mended_at = now + len(parts) * self._road.timing.packet + 2 * self._road.timing.quiet
        return [part.encode() for part in parts]

    def refill(self, now: float, room: int) -> list[bytes]:
        """Return rows of messages that others lack, as many as there is room for."""
        found = self._repairs.due(now, min(PARTS_AT_ONCE, room))
        if found:
            self._goes_on(now + len(found) * self._road.timing.packet)
        return [part.encode() for part in found]

    def ask(self, now: float) -> list[bytes]:
        """Return wants for the parts that we lack."""
        return [want.encode() for want in self._heard.wants(now, self._begins_needlessly, self._road.slot())]

    def _begins_needlessly(self, part: bytes) -> bool:
        return self._is_needless(bytes([VERSION]) + part)

    def next_wake(self) -> float | None:
        """Return when something may be said, as far as is known."""
        moments = (self._repairs.next_wake(), self._heard.next_wake())
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def calm_at(self) -> float:
        """When whoever else was speaking has ended, as far as is known."""
        return self._calm_at


def _shape(part: Part) -> tuple[int, int]:
    return part.last, len(part.content)
