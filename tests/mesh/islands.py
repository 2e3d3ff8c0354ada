"""Nodes in memory and the air between them: one engine's bytes pushed into the others, under a clock of our own."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from mesh import blob
from mesh.blob import BlobWant
from mesh.errors import ForkedLog, Malformed, PeerFault
from mesh.frontier import Frontier, Reach
from mesh.gossip import Deliver, DeliverFile, DeliverForkProof, DeliverPiece, Effect, Engine, PeerHolds, Send, Timing
from mesh.keys import PUBLIC, EpochKey, Head, LogId, NodeKey, PublicKey, Scope, salt_for
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof, Run, first_head, heads
from mesh.packet import Kind
from mesh.record import Record

NOTE = 20  # a kind of the layer above, for records that say something
PACKET_SIZE = 231


def node_key(number: int) -> NodeKey:
    return NodeKey(number.to_bytes(32, "big"))


@dataclass
class HeldLog:
    """A log in memory: `chain[n]` is h(n)."""

    opening: Opening
    records: list[Record] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    chain: list[Head] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chain = [first_head(self.opening.log)]

    def add(self, records: Sequence[Record]) -> None:
        self.chain += heads(self.chain[-1], records)
        self.records += records


class MemoryHoldings:
    """What a node holds, behind the same window as the real store; `accept` is its door."""

    def __init__(self, key: NodeKey, commons: Scope | None = None, epoch_key: EpochKey | None = None) -> None:
        self.key = key
        self.logs: dict[LogId, HeldLog] = {}
        self.proofs: dict[LogId, ForkProof] = {}
        self.blobs: dict[bytes, bytes] = {}
        self.partial: dict[bytes, dict[int, bytes]] = {}
        self.wishes: dict[bytes, int] = {}
        self.offers: list[bytes] = []
        self._scopes = (PUBLIC, commons) if commons else (PUBLIC,)
        self._epoch_key = epoch_key

    # --- the window

    def scopes(self) -> Sequence[Scope]:
        return self._scopes

    def frontier(self, scope: Scope) -> Frontier:
        certified = {
            log: held.checkpoints[-1]
            for log, held in self.logs.items()
            if held.opening.scope == scope and held.checkpoints
        }
        return Frontier(scope, {log: Reach(top.seq, top.head) for log, top in certified.items()})

    def run(self, log: LogId, after: int, size_max: int) -> Run | None:
        held = self.logs.get(log)
        above = [one for one in held.checkpoints if one.seq > after] if held else []
        if held is None or not above:
            return None
        ends = list(accumulate((record.size for record in held.records[after:]), initial=0))
        fitting = [one for one in above if ends[one.seq - after] <= size_max]
        top = fitting[-1] if fitting else above[0]
        return Run(log, after, tuple(held.records[after : top.seq]), top.previous, top.signature)

    def head(self, log: LogId, seq: int) -> Head | None:
        held = self.logs.get(log)
        return held.chain[seq] if held and seq < len(held.chain) else None

    def withdrawals(self) -> int:
        return sum(record.is_withdrawn for held in self.logs.values() for record in held.records)

    def epoch_key(self, scope: Scope) -> EpochKey | None:
        return None if scope == PUBLIC else self._epoch_key

    def fork_proofs(self, scope: Scope) -> Sequence[ForkProof]:
        return [proof for log, proof in self.proofs.items() if self.logs[log].opening.scope == scope]

    def wanted_blobs(self) -> Sequence[BlobWant]:
        return [
            BlobWant(name, size, [index for index in range(blob.piece_count(size)) if index not in self.partial[name]])
            for name, size in self.wishes.items()
        ]

    def offered_blobs(self) -> Sequence[tuple[bytes, int]]:
        return [(name, len(self.blobs[name])) for name in self.offers]

    def blob_piece(self, name: bytes, index: int) -> bytes | None:
        return blob.piece(self.blobs[name], index) if name in self.blobs else None

    # --- the door

    def accept(self, run: Run) -> None:
        held = self.logs.get(run.log)
        if held is None:
            opening = Opening.read(run.records[0])
            assert opening.log == run.log
            assert run.after == 0
            held = HeldLog(opening)
        if run.after >= len(held.chain):
            raise Malformed("this run stands above a gap")
        checkpoint = run.check(held.opening.public_key, held.chain[run.after])
        self._compare(held, checkpoint)
        chain = [held.chain[run.after], *heads(held.chain[run.after], run.records)]
        shared = min(run.upto, len(held.records))
        if chain[shared - run.after] != held.chain[shared]:
            raise ForkedLog("two branches, and no proof of it yet")
        new = run.records[len(held.records) - run.after :]
        if new:
            held.add(new)
            held.checkpoints.append(checkpoint)
        self.logs[run.log] = held

    def _compare(self, held: HeldLog, checkpoint: Checkpoint) -> None:
        for one in held.checkpoints:
            if one.contradicts(checkpoint):
                self.proofs.setdefault(one.log, ForkProof(held.opening.public_key, one, checkpoint))
                raise ForkedLog("two branches")

    def accept_proof(self, proof: ForkProof) -> None:
        proof.check()
        held = self.logs.get(proof.one.log)
        if held and held.opening.public_key == proof.public_key:
            self.proofs.setdefault(proof.one.log, proof)

    def keep_piece(self, name: bytes, index: int, content: bytes) -> None:
        if name not in self.wishes:
            return
        pieces = self.partial[name]
        pieces[index] = content
        if len(pieces) == blob.piece_count(self.wishes[name]):
            whole = b"".join(pieces[place] for place in sorted(pieces))
            assert blob.blob_id(whole) == name
            self.blobs[name] = whole
            del self.partial[name], self.wishes[name]

    def keep_file(self, name: bytes, content: bytes) -> None:
        assert blob.blob_id(content) == name
        self.blobs[name] = content
        self.partial.pop(name, None)
        self.wishes.pop(name, None)

    # --- what this node says itself

    def log_in(self, scope: Scope, incarnation: int = 0) -> LogId:
        opening = Opening(PublicKey(self.key.public_key), incarnation, scope)
        if opening.log not in self.logs:
            self.logs[opening.log] = HeldLog(opening)
            self.logs[opening.log].add([opening.record(0)])
        return opening.log

    def write(self, *texts: object, scope: Scope = PUBLIC, kind: int = NOTE) -> LogId:
        """Append a record for each text, or a bare one for None, and certify them together."""
        log = self.log_in(scope)
        held = self.logs[log]
        for text in texts:
            seq = len(held.records) + 1
            key = self.epoch_key(scope)
            salt = salt_for(key, log, seq) if key else seq.to_bytes(16, "big")
            held.add([Record.new([kind, seq], text, salt if text is not None else b"")])
        previous = held.checkpoints[-1].seq if held.checkpoints else 0
        held.checkpoints.append(Checkpoint.sign(self.key, log, previous, len(held.records), held.chain[-1]))
        return log

    def wish(self, content: bytes) -> bytes:
        name = blob.blob_id(content)
        self.wishes[name] = len(content)
        self.partial[name] = {}
        return name


class Island:
    """A node: its holdings, its engine on one road, and a daemon that carries out effects."""

    def __init__(
        self,
        name: str,
        holdings: MemoryHoldings,
        seed: int = 0,
        packet_size: int = PACKET_SIZE,
        timing: Timing | None = None,
    ) -> None:
        self.name = name
        self.holdings = holdings
        self.engine = Engine(holdings.key.node_id, holdings, packet_size, Random(f"{name}/{seed}"), timing)
        self.shown: list[PeerHolds] = []
        self.refusals: list[PeerFault] = []

    def receive(self, peer: str, packet: bytes, now: float) -> None:
        try:
            effects = self.engine.receive(peer, packet, now)
        except PeerFault:
            return
        self.carry_out(effects)

    def tick(self, now: float) -> list[bytes]:
        return self.carry_out(self.engine.tick(now))

    def carry_out(self, effects: Sequence[Effect]) -> list[bytes]:
        packets = []
        for effect in effects:
            match effect:
                case Send(packet):
                    packets.append(packet)
                case Deliver() | DeliverForkProof():
                    self._through_the_door(effect)
                case DeliverPiece(name, index, content):
                    self.holdings.keep_piece(name, index, content)
                case DeliverFile(name, content):
                    self.holdings.keep_file(name, content)
                case PeerHolds():
                    self.shown.append(effect)
        return packets

    def _through_the_door(self, effect: Deliver | DeliverForkProof) -> None:
        try:
            if isinstance(effect, Deliver):
                self.holdings.accept(effect.run)
            else:
                self.holdings.accept_proof(effect.proof)
        except PeerFault as fault:
            self.refusals.append(fault)
            if isinstance(effect, Deliver):
                self.engine.refused(effect.peer, fault, effect.run)

    def frontier(self, scope: Scope = PUBLIC) -> Frontier:
        return self.holdings.frontier(scope)


class Air:
    """One channel that all islands share, unless `hears` says otherwise. Loss is drawn for each hearer."""

    def __init__(self, *islands: Island, loss: float = 0.0, seed: int = 0) -> None:
        self.islands = {island.name: island for island in islands}
        self.loss = loss
        self.now = 0.0
        self.hears: Callable[[str, str], bool] = lambda hearer, speaker: True
        self.drops: Callable[[str, str, bytes], bool] = lambda hearer, speaker, packet: False
        self.log: list[tuple[float, str, bytes]] = []
        self._chance = Random(f"air/{seed}")
        self._flying: list[tuple[float, int, str, bytes]] = []
        self._wakes: dict[str, float] = {}

    def join(self, island: Island) -> None:
        self.islands[island.name] = island

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, or stop early once `until` holds."""
        end = self.now + seconds
        while not until():
            self._speak()
            moment = min([*self._wakes.values(), *(flight[0] for flight in self._flying[:1])])
            if moment > end:
                break
            self.now = moment
            self._hear()
        else:
            return
        self.now = end

    def _speak(self) -> None:
        for name, island in self.islands.items():
            if self._wakes.get(name, 0.0) <= self.now:
                end = self.now
                for packet in island.tick(self.now):
                    end += 0.25 + len(packet) / 125  # nearly LoRa at LongFast
                    self.say(name, packet, end)
                self._wakes[name] = self.now + island.engine.next_wake(self.now)

    def say(self, speaker: str, packet: bytes, at: float) -> None:
        self.log.append((at, speaker, packet))
        heapq.heappush(self._flying, (at, len(self.log), speaker, packet))

    def _hear(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, speaker, packet = heapq.heappop(self._flying)
            hearers = [name for name in self.islands if name != speaker and self.hears(name, speaker)]
            for name in hearers:
                if self._chance.random() >= self.loss and not self.drops(name, speaker, packet):
                    self.islands[name].receive(speaker, packet, self.now)
                    self._wakes[name] = self.now

    def stir(self) -> None:
        """Something was written: every daemon looks again."""
        self._wakes.clear()

    def agree(self, scope: Scope = PUBLIC) -> bool:
        frontiers = [island.frontier(scope) for island in self.islands.values()]
        return all(frontier == frontiers[0] for frontier in frontiers)

    def kinds(self, since: float = 0.0) -> Counter[Kind]:
        return Counter(Kind(packet[1]) for at, _, packet in self.log if at >= since)
