"""One node on the air: its engine, its share of the hour, and the program that drives both, as the appliance does.

A start makes a fresh engine with a monotonic clock that begins anew; what was held is still held, and so is the note of the
air that was used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mesh.distress import Distress
from mesh.effects import Deliver, DeliverAside, DeliverCall, DeliverForkProof, Effect, Send
from mesh.errors import AirtimeSpent, PeerFault
from mesh.gossip import Engine
from mesh.governor import Governor, Priority
from mesh.keys import NodeId
from mesh.simulation.air import Air
from mesh.simulation.calling import NodeCalls
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dealer
from mesh.simulation.replica import Replica
from mesh.simulation.shared_codec import SharedCodec

Arrival = Deliver | DeliverAside | DeliverForkProof | DeliverCall
CLIENT_QUEUE_MAX: Final = 16
USE_SHARE_MAX: Final = 0.40  # of the last minute, whoever talked: beyond it Meshtastic lets nobody talk
USE_PAUSE_S: Final = 5.0
PAUSE_MIN_S: Final = 0.1  # a shorter wait might be lost in rounding, and time would stand still


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all stations of a run share. `commit_s` is how long a write takes until it is safe."""

    clock: Clock
    air: Air
    dealer: Dealer
    packet_size_max: int
    region: str
    commit_s: float
    codec: SharedCodec


class NodeStation:
    """A node that keeps the rules."""

    def __init__(
        self, number: int, node: NodeId, replica: Replica, around: Surroundings, accuse: Callable[[str], None]
    ) -> None:
        self._accuse = accuse
        self.number = number
        self.replica = replica
        self.is_powered = True
        self.is_asleep = False
        self.is_full = False
        self.faults = 0
        self.calls: NodeCalls | None = None
        self.upsets = 0  # how often it was off, hung or silent
        self._node = node
        self._around = around
        self._engine: Engine | None = None
        self.starts = 0
        self._zero = 0.0
        self._governor = Governor(around.region)
        self._note = b""
        self._may_say = max(Priority)
        self._due = 0.0
        self._armed = float("inf")
        self._stalled_until = 0.0
        self._waiting: list[tuple[int, bytes]] = []

    # --- on and off

    def power(self, is_powered: bool) -> None:
        """Plug it in, or pull the plug: what was not safe yet is lost."""
        if is_powered and not self.is_powered and self.calls:
            self.calls.shelf.restart()
        self.is_powered = is_powered
        self._follow_power()

    def sleep(self, is_asleep: bool) -> None:
        """Switch the radio off for the night, or on; people may write meanwhile."""
        if self._engine and is_asleep:
            self._note = self._governor.note(self._now)
        self.is_asleep = is_asleep
        self._follow_power()

    def _follow_power(self) -> None:
        wanted = self.is_powered and not self.is_asleep
        if wanted and self._engine is None:
            self.start()
        elif not wanted and self._engine is not None:
            self._stop()

    def start(self) -> None:
        """Switch on: the radio, and a program that knows nothing but what is held."""
        self.starts += 1
        dice = self._around.dealer(f"engine {self.number} {self.starts}")
        self._zero = self._around.clock.now - dice.uniform(0.0, 1000.0)
        self._governor = Governor(self._around.region)
        if self._note:
            self._governor.recall(self._note, 0.0, self._now)
        self._engine = Engine(self._node, self.replica, self._around.packet_size_max, dice, codec=self._around.codec)
        self._around.air.switch_on(self.number)
        self._wake_at(self._around.clock.now)
        if self.calls:
            self.calls.start(self._around.dealer(f"crier {self.number} {self.starts}"))

    @property
    def _now(self) -> float:
        """Monotonic seconds of this start."""
        return self._around.clock.now - self._zero

    def _stop(self) -> None:
        self._engine = None
        self.upsets += 1
        if self.calls:
            self.calls.stop()
        self._waiting.clear()
        self._stalled_until = 0.0
        self._around.air.switch_off(self.number)

    def stall(self, seconds: float) -> None:
        """Let the program hang for a while; its radio goes on, and keeps at most 16 packets for it."""
        self._stalled_until = self._around.clock.now + seconds
        self.upsets += 1
        if self.calls:
            self.calls.hang(self._stalled_until)
        self._around.clock.at(self._stalled_until, self._recover)

    def _recover(self) -> None:
        waiting, self._waiting = self._waiting, []
        for talker, packet in waiting:
            self.hear(talker, packet)

    # --- in

    def hear(self, talker: int, packet: bytes) -> None:
        """Take one packet from the radio."""
        now = self._around.clock.now
        if now < self._stalled_until:
            if len(self._waiting) < CLIENT_QUEUE_MAX:
                self._waiting.append((talker, packet))
            else:
                self._around.air.counters["client queue full"] += 1
        elif self._engine:
            self._governor.hear(self._cost_ms(len(packet)), self._now)
            if self.calls:
                self.calls.met(f"!{talker:08x}")
            try:
                effects = self._engine.receive(f"!{talker:08x}", packet, self._now)
            except PeerFault:
                self.faults += 1
            else:
                self._carry_out(effects)
                self._plan(self._engine)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, DeliverCall) and self.calls:
                self.calls.overheard(effect.call, effect.peer)
            match effect:
                case Deliver() | DeliverAside() | DeliverForkProof() | DeliverCall() if self._around.commit_s:
                    moment = self._around.clock.now + self._around.commit_s
                    self._around.clock.at(moment, self._commit, effect, self.starts)
                case Deliver() | DeliverAside() | DeliverForkProof() | DeliverCall():
                    self._through_the_door(effect)
                case _:
                    pass

    def _commit(self, effect: Arrival, start: int) -> None:
        if self._engine and start == self.starts:
            self._through_the_door(effect)
            self.news()

    def _through_the_door(self, effect: Arrival) -> None:
        if self.is_full:
            return
        try:
            match effect:
                case Deliver(_, run):
                    self.replica.accept(run)
                case DeliverAside(_, run, head):
                    self.replica.show(run, head)
                case DeliverCall(_, call):
                    self._hear_call(call)
                case DeliverForkProof(proof):
                    self.replica.accept_proof(proof)
        except PeerFault as fault:
            self.faults += 1
            if isinstance(effect, Deliver) and self._engine:
                self._engine.refused(effect.peer, fault, effect.run)

    def _hear_call(self, call: Distress) -> None:
        if self.calls:
            self.calls.hear(call)

    # --- out

    def news(self) -> None:
        """Look at the store: something was written."""
        if self._engine:
            self._wake_at(self._around.clock.now)

    def _plan(self, engine: Engine) -> None:
        cost = self._cost_ms(self._around.packet_size_max)
        opens = max(self._governor.opens_s(cost, self._now, self._may_say), PAUSE_MIN_S)
        self._wake_at(self._around.clock.now + min(engine.next_wake(self._now), opens))

    def _wake_at(self, moment: float) -> None:
        self._due = moment
        if moment < self._armed:
            self._armed = moment
            self._around.clock.at(moment, self._wake, moment)

    def _wake(self, moment: float) -> None:
        if moment != self._armed:
            return
        self._armed = float("inf")
        if not self._engine:
            return
        if self._around.clock.now < max(self._due, self._stalled_until):
            self._wake_at(max(self._due, self._stalled_until))
        else:
            least = self._least()
            if least is not None:
                self._speak(self._engine, least)

    def _least(self) -> Priority | None:
        """Return the least urgent of what fits this hour's share and the channel, None where nothing is to be composed."""
        now, station = self._now, self._around.air.stations[self.number]
        self._governor.settle(len(station.waiting), now)
        cost = self._cost_ms(self._around.packet_size_max)
        least = self._governor.least(cost, now)
        wait = 0.0 if least is not None else self._governor.wait_s(cost, now)
        if wait <= 0 and station.use_share(self._around.clock.now) > USE_SHARE_MAX:
            wait = USE_PAUSE_S
        if wait > 0:
            self._wake_at(self._around.clock.now + max(wait, PAUSE_MIN_S))
        return least if wait <= 0 else None

    def _speak(self, engine: Engine, least: Priority) -> None:
        self._may_say = least
        full = self._cost_ms(self._around.packet_size_max)
        effects = engine.tick(self._now, least, lambda priority: self._governor.packets(full, self._now, priority))
        self._carry_out(effects)
        for effect in effects:
            if isinstance(effect, Send):
                self.send(effect)
        self._plan(engine)

    def send(self, send: Send) -> None:
        """Hand a packet to the radio, within this hour's share; a call for help within the law, and first."""
        if len(send.packet) > self._around.packet_size_max:
            self._accuse(f"made a packet of {len(send.packet)} bytes, over the limit of the road")
        cost = self._cost_ms(len(send.packet))
        if self._governor.must_note(cost):
            self._note = self._governor.note(self._now, cost)
            self._governor.noted(cost)
        try:
            self._governor.spend(cost, self._now, send.priority)
        except AirtimeSpent:
            return  # held back: what is held can be said again when there is room
        self._around.air.offer(self.number, send.packet, is_urgent=send.priority is Priority.DISTRESS)

    def _cost_ms(self, size: int) -> float:
        return self._around.air.airtime(size) * 1000
