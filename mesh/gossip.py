"""The engine: one per road, no socket, no clock. Bytes come in, effects go out.

It says what this node holds, asks for what it lacks, and answers what others ask: for each scope a `Dialogue`, for files a
`Blobcast`, over both the beacons. Hearing never makes it speak at once: all packets leave from `tick`, so a daemon whose
road is busy need only tick later. See spec/gossip-v1.md.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Final

from mesh.ahead import Ahead
from mesh.aircode.packing import AirCodec, Codec
from mesh.airform import (
    Parcel,
    node_handle,
)
from mesh.beaconing import Beaconing
from mesh.blame import Blame, Brought
from mesh.blob import BlobWant
from mesh.blobcast import Blobcast
from mesh.brief import Accord, Beacon, BriefWant, SketchWant
from mesh.dialogue import AnyWant, Dialogue
from mesh.distress import Distress
from mesh.effects import Deliver, DeliverCall, DeliverFile, DeliverForkProof, DeliverPiece, Effect, PeerHolds, Send
from mesh.errors import PeerFault
from mesh.governor import Priority
from mesh.holdings import Holdings
from mesh.keys import PUBLIC, NodeId, Scope
from mesh.log import Run
from mesh.mending import Mending
from mesh.neighbours import Allowances, Neighbour, Neighbours
from mesh.packet import (
    Delivery,
    ForkNotice,
    Heads,
    Kind,
    Packed,
    Packet,
    Part,
    PartsWant,
    Pieces,
    PiecesWant,
    Probe,
    Want,
    parse,
)
from mesh.presence import Presence
from mesh.quotas import Quotas
from mesh.rank import Rank, by_scope
from mesh.road import Road
from mesh.shorthand import NARROW_MAX
from mesh.speaking import Room, Speaking, ample
from mesh.symbol import Symbol
from mesh.timing import Timing
from mesh.trickle import Chance

PACKET_SIZE_MIN: Final = 140  # a piece of a file, or a want for 20 logs
WAKE_MIN_S: Final = 0.05
WAKE_MAX_S: Final = 3600.0


class Engine:
    """The gossip of one road.

    `packet_size_max` is the road's limit in bytes, at least 140. `now` is always monotonic seconds.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (the first four are what a road is; the others have defaults, and go by name)
        self,
        node: NodeId,
        holdings: Holdings,
        packet_size_max: int,
        rng: Chance,
        timing: Timing | None = None,
        codec: Codec | None = None,
        rank: Rank = by_scope,
    ) -> None:
        if packet_size_max < PACKET_SIZE_MIN:
            raise ValueError(f"gossip needs packets of at least {PACKET_SIZE_MIN} bytes, not {packet_size_max}")
        self._holdings = holdings
        self._timing = timing or Timing()
        self._rng = rng
        self.counters: Counter[str] = Counter()
        self._blame = Blame(self.counters)
        self.faults = self._blame.faults  # by peer address, at most 64, and by kind
        self.stalemates: list[tuple[bytes, Scope]] = []  # with whom, and in which scope, three rounds changed nothing
        self.neighbours = Neighbours(self._timing.recent)
        names, sides = (node, node_handle(node)), (self.neighbours, self.counters)
        quotas, codec = Quotas(self._timing.repeats_per_hour), codec or AirCodec()
        self._road = Road(*names, packet_size_max, self._timing, rng, *sides, codec=codec, rank=rank, quotas=quotas)
        self.presence = Presence(self._road)
        self._allowances = Allowances(self._timing.packets_per_second, self._timing.packets_burst)
        self._dialogues: dict[Scope, Dialogue] = {}
        self._beaconing: Beaconing | None = None
        self._blobcast = Blobcast(self._road.handle, holdings, packet_size_max, self._timing, rng, self.counters)
        self._mending = Mending(self._road, self._is_needless)
        self._air_free_at = self._heard_at = -inf
        self._brought = Brought()
        self._speaking = Speaking(self._road, self._mending, self._blobcast)
        self._stirred = True

    # --- in

    def receive(self, peer: str, packet: bytes, now: float) -> list[Effect]:
        """Answer one packet: what to take in. Raises `PeerFault`, and nothing else, if `peer` misbehaved."""
        self.counters["packets heard"] += 1
        if not self._allowances.spend(peer, now):
            self._blame.note(peer, "packets beyond a peer's allowance")
            return []
        self._follow(now)
        self._stirred, self._heard_at = True, now
        try:
            return self._hear(peer, parse(packet), now)
        except PeerFault as fault:
            self._blame.fault(peer, fault)
            raise

    def refused(self, peer: str, fault: PeerFault, run: Run | None = None) -> None:
        """Learn that the door turned away what `peer` brought; where no `run` is named, anything of its last packet."""
        self._blame.fault(peer, fault)
        for scope, brought in self._brought.by(peer):
            if run in (None, brought) and scope in self._dialogues:
                self._dialogues[scope].refused(brought, fault)

    def _hear(self, peer: str, packet: Packet, now: float) -> list[Effect]:
        match packet:
            case Want() | BriefWant() | SketchWant() | Heads() | Probe() | ForkNotice() | Ahead():
                return self._hear_in(packet.scope, peer, packet, now)
            case Delivery():
                return self._hear_in(packet.parcel.scope, peer, packet, now)
            case Packed():
                return self._hear_packed(peer, packet, now)
            case Part():
                return self._hear_part(peer, packet, now)
            case Pieces() | Symbol():
                return [*self._blobcast.hear(peer, packet, now)]
            case Beacon() | Accord():
                self._hear_beacon(packet, now)
            case PartsWant():
                self._mending.hear_want(peer, packet, now)
            case PiecesWant() if packet.sender != self._road.handle:
                self._blobcast.hear_want(packet, now)
        return [DeliverCall(peer, packet)] if isinstance(packet, Distress) else []

    def _hear_in(
        self, handle: bytes, peer: str, packet: AnyWant | Heads | Probe | ForkNotice | Delivery | Ahead, now: float
    ) -> list[Effect]:
        dialogue = next((one for one in self._dialogues.values() if one.outlook.handle == handle), None)
        if dialogue is None:
            self.counters["packets of another scope"] += 1
            return []
        match packet:
            case Delivery(parcel):
                return self._hear_runs(dialogue, parcel, dialogue.hear_parcel(peer, parcel, now), now)
            case Ahead():
                return self._hear_runs(dialogue, packet, dialogue.hear_ahead(peer, packet, now), now)
            case ForkNotice():
                self._met(packet.sender, now)
                return dialogue.hear_notice(packet, now)
            case Want() | BriefWant() | SketchWant():
                return dialogue.hear_want(peer, self._met(packet.sender, now), packet, now)
            case Heads():
                dialogue.hear_heads(peer, self._met(packet.sender, now), packet, now)
            case Probe():
                dialogue.hear_probe(peer, packet, now)
        return []

    def _hear_runs(self, dialogue: Dialogue, news: Parcel | Ahead, effects: list[Effect], now: float) -> list[Effect]:
        """Remember who brought what came of `news`, and what its sender showed of itself."""
        self._brought.keep(dialogue.scope, effects)
        neighbour = self._met(news.sender, now)
        if neighbour:
            neighbour.spoke.add(dialogue.scope)
            neighbour.shows(dialogue.scope, news.digest)
        return effects

    def _hear_packed(self, peer: str, packet: Packed, now: float) -> list[Effect]:
        dialogue = next((one for scope, one in self._dialogues.items() if (scope == PUBLIC) == packet.is_public), None)
        if dialogue is None or self._road.packet_size_max > NARROW_MAX:
            self.counters["packed runs that could not be read"] += 1
            return []
        effects = dialogue.hear_packed(peer, packet, now)
        self._brought.keep(dialogue.scope, effects)
        neighbour = self.neighbours.hinted(packet.sender)
        if neighbour:
            self._met(neighbour.handle, now)
            if effects or dialogue.outlook.digest.startswith(packet.digest):
                neighbour.spoke.add(dialogue.scope)
            neighbour.shows(dialogue.scope, packet.digest)
        return effects

    def _met(self, handle: bytes, now: float) -> Neighbour | None:
        """Return the neighbour of this handle; None for our own, which some roads bring back."""
        if handle == self._road.handle:
            self.counters["packets under our own name"] += 1
            return None
        neighbour, is_new = self.neighbours.heard(handle, now)
        if is_new and self._beaconing:
            self._beaconing.greet(now)
        return neighbour

    def _hear_beacon(self, beacon: Beacon | Accord, now: float) -> None:
        neighbour = self._met(beacon.sender, now)
        if neighbour and not self.presence.hear(neighbour, beacon, self._dialogues) and self._beaconing:
            self._beaconing.greet(now)

    def _hear_part(self, peer: str, part: Part, now: float) -> list[Effect]:
        until = self._mending.streams_until(part, now)
        if until is not None:
            for dialogue in self._dialogues.values():
                dialogue.give_way(until + self._timing.retry)
        message = self._mending.hear(part, now)
        return self._hear(peer, parse(message), now) if message else []

    # --- out

    def tick(self, now: float, least: Priority = Priority.CAROUSEL, room: Room = ample) -> list[Effect]:
        """Return what it is time to say, of what is at least as urgent as `least`, in no more packets than there is `room` for.

        To be called when `next_wake` says so, and when the store has changed.
        """
        self._stirred = False
        self._speaking.least, self._speaking.room = least, room
        beaconing = self._follow(now)
        effects: list[Effect] = []
        for dialogue in self._dialogues.values():
            waited = dialogue.look(now)
            self._brought.keep(dialogue.scope, waited)
            effects += waited
        digests = {scope: dialogue.outlook.digest for scope, dialogue in self._dialogues.items()}
        beaconing.holds(digests, now)
        self.neighbours.meet(self.presence.joint(self._dialogues), digests)
        effects += self._judge(beaconing, now)
        stuck = self._dialogues.items()
        self.stalemates = [(handle, scope) for scope, one in stuck for handle in one.stalemates(now)]
        self._blobcast.look(now, is_idle=least >= Priority.CAROUSEL and self._is_idle(now))
        return effects + self._speak(beaconing, now)

    def _judge(self, beaconing: Beaconing, now: float) -> list[Effect]:
        """Look at the digests that were heard: a beacon shows those of all scopes, and is answered once."""
        judged = [dialogue.judge(now) for dialogue in self._dialogues.values()]
        if any(agreed for _, agreed, _ in judged):
            beaconing.agreed()
            self.presence.answer(beaconing, self._all_agree(now), now)
        if any(differed for _, _, differed in judged):
            beaconing.differed(now)
        return [effect for shown, _, _ in judged for effect in shown]

    def _follow(self, now: float) -> Beaconing:
        """Keep a dialogue for each scope that the node follows, in their order."""
        scopes = self._holdings.scopes()
        if list(self._dialogues) != list(scopes):
            kept = self._dialogues
            self._dialogues = {
                scope: kept.get(scope) or Dialogue(scope, self._holdings, self._road, now) for scope in scopes
            }
        if self._beaconing is None:
            self._beaconing = Beaconing(self._timing, self._rng, now)
        return self._beaconing

    def _speak(self, beaconing: Beaconing, now: float) -> list[Effect]:
        if now < max(self._air_free_at, self._mending.free_at(now)) or self._speaking.least < Priority.LEDGER:
            return []
        sends = self._speaking.something(self._dialogues, beaconing, now)
        busy = any(dialogue.is_busy(now) for dialogue in self._dialogues.values())
        if beaconing.is_time(now, self._all_agree(now), busy, self._mending.is_mending(now)):
            sends = [*sends, Send(self.presence.said(self._dialogues, now).encode())]
        if sends:
            self._mending.spoke(now)
            self._air_free_at = now + len(sends) * self._timing.packet
        for send in sends:
            self.counters[f"{Kind(send.packet[1]).name.lower()} sent"] += 1
        return [*sends]

    def _is_idle(self, now: float) -> bool:
        """Whether nobody speaks, and nothing waits to be said."""
        busy = any(dialogue.is_busy(now) for dialogue in self._dialogues.values())
        return not busy and not self._mending.is_mending(now) and now - self._heard_at >= self._timing.quiet

    def _is_needless(self, begin: bytes) -> bool:
        """Whether a message that begins so comes from a node that holds just what we hold."""
        return any(one.outlook.is_told_by(begin) for one in self._dialogues.values())

    def _all_agree(self, now: float) -> bool:
        """Whether there are neighbours, and none of them shows anything else than we."""
        kin = (one for dialogue in self._dialogues.values() for one in dialogue.differing_kin(now))
        return bool(self.neighbours.recent(now)) and not any(True for _ in kin)

    def next_wake(self, now: float) -> float:
        """Return after how many seconds, at least 0.05, a tick is wanted although nothing happened.

        What the last tick was not allowed to say does not count: tick again when more may be said.
        """
        if self._stirred or self._beaconing is None:
            return WAKE_MIN_S
        if self._speaking.least < Priority.LEDGER:
            return WAKE_MAX_S
        moments = self._speaking.wakes(self._dialogues)
        moments += [self._beaconing.due, self._mending.next_wake()]
        moments += [self._blobcast.next_wake()] if self._speaking.least >= Priority.BODIES else []
        free_at = max(self._air_free_at, self._mending.calm_at)
        wake = max(min(moment for moment in moments if moment is not None), free_at)
        return min(max(wake - now, WAKE_MIN_S), WAKE_MAX_S)


__all__ = [
    "BlobWant",
    "Deliver",
    "DeliverFile",
    "DeliverForkProof",
    "DeliverPiece",
    "Effect",
    "Engine",
    "Holdings",
    "PeerHolds",
    "Send",
    "Timing",
]
