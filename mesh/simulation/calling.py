"""Calls for help in a run: what each node makes of them by the real rules, and the witness of what must always or never be shown.

Every node that is on and reached shows a call within the time that the scenario states, and nobody longer than it lives; what
nobody raised, and what was over, is shown by nobody; and where a call is raised nothing else is said before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, NamedTuple, Protocol

from mesh.airform import NODE_HANDLE_SIZE, node_handle
from mesh.alarms import MINUTE_S, Alarms, Hearing, Held, aged
from mesh.distress import HEAD, Caller, Crier, Distress, Level
from mesh.effects import Send
from mesh.errors import BadSignature
from mesh.governor import Priority
from mesh.keys import NodeId, NodeKey, PublicKey, Scope
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dice
from mesh.simulation.scenario import HOUR_S, Alarm, Scenario

NOTE_EVERY_S: Final = 600  # as the appliance notes how much is left
PAUSE_MIN_S: Final = 0.1
LOOK_S: Final = 60.0
SLACK_S: Final = 120.0  # ages are whole minutes, and a packet may be under way for half a minute
AGAIN_S: Final = 60.0
EPOCH: Final = 1_760_000_000


class MemoryShelf:
    """The calls that one node holds, counted down by its uptime: as the appliance keeps them on its card."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[tuple[NodeId, int], tuple[Held, float]] = {}  # what was left, and when that was noted
        self._floors: dict[NodeId, int] = {}

    def all(self) -> Sequence[Held]:
        return [self._now(*row) for row in self._rows.values()]

    def of(self, node: NodeId, person: int) -> Held | None:
        row = self._rows.get((node, person))
        return self._now(*row) if row else None

    def keep(self, node: NodeId, call: Distress, left_s: float, most_s: float) -> None:
        self._rows[node, call.caller.person] = (Held(node, call, left_s, most_s), self._clock.now)

    def drop(self, node: NodeId, person: int) -> None:
        held, _ = self._rows.pop((node, person))
        self._floors[node] = max(self.floor(node), held.call.turn)

    def floor(self, node: NodeId) -> int:
        return self._floors.get(node, 0)

    def count_down(self) -> None:
        """Note how much is left, where that was long ago."""
        for key, (held, at) in self._rows.items():
            if self._clock.now - at >= NOTE_EVERY_S:
                self._rows[key] = (self._now(held, at), self._clock.now)

    def restart(self) -> None:
        """Go on counting from what was noted last: nobody knows how long the machine was off."""
        self._rows = {key: (held, self._clock.now) for key, (held, _) in self._rows.items()}

    def _now(self, held: Held, at: float) -> Held:
        passed = self._clock.now - at
        left_s, most_s = max(0.0, held.left_s - passed), max(0.0, held.most_s - passed)
        return Held(held.node, replace(held.call, age=aged(held.call, left_s)), left_s, most_s)


class NodeCalls:
    """The calls of one node, and while it is on, the crier that says them. `say` takes what goes out."""

    def __init__(self, number: int, key: NodeKey, around: CallStreet, say: Callable[[Send], None]) -> None:
        self._number = number
        self._key = key
        self._around = around
        self._say = say
        self._clock = around.clock
        self.shelf = MemoryShelf(around.clock)
        self._alarms = Alarms(self.shelf, around.author, lambda: around.clock.now)
        self._crier: Crier | None = None
        self._armed = inf
        self._hangs_until = 0.0

    def start(self, dice: Dice) -> None:
        """The program begins."""
        self._crier = Crier(node_handle(self._key.node_id), dice)
        self._armed = inf
        self.cry()

    def stop(self) -> None:
        """The program ends, or its radio is off."""
        self._crier = None
        self._around.broke_off(self._number)

    def hang(self, until: float) -> None:
        """The program hangs."""
        self._hangs_until = until

    def living(self) -> list[Held]:
        """Return the calls that a page of this node shows."""
        return self._alarms.living()

    def raise_call(self, alarm: Alarm, level: Level) -> Distress:
        """Call for help; the same person with another level takes the place of the earlier call."""
        caller = Caller(node_handle(self._key.node_id), alarm.person)
        last = self.shelf.of(self._key.node_id, alarm.person)
        at = EPOCH + int(self._clock.now)
        call = Distress(0, caller, (last.call.turn if last else 0) + 1, level, alarm.minutes, at, alarm.words)
        signed = call.signed(self._key, self._around.scope)
        self._alarms.raised(self._key.node_id, signed)
        return signed

    def met(self, peer: str) -> None:
        """Somebody said something."""
        if self._crier:
            self._crier.met(peer, self._clock.now)

    def overheard(self, call: Distress, peer: str) -> None:
        """Somebody said a call; it is not checked yet."""
        if self._crier:
            self._crier.heard(call, peer, self._clock.now)

    def hear(self, call: Distress) -> None:
        """Take in a call. Raises `BadSignature`."""
        if self._alarms.accept(call) is Hearing.NEWS:
            self._around.news(self._number, call)
            self.cry()

    def cry(self) -> None:
        """Say what is due, and come back when more is."""
        if self._crier is None:
            return
        now = self._clock.now
        if now >= self._hangs_until:
            self.shelf.count_down()
            self._crier.follow(self._alarms.on_air(), now)
            for call in self._crier.due(now):
                self._say(Send(call.encode(), Priority.DISTRESS))
        next_note = now + NOTE_EVERY_S if self.living() else inf
        due = max(min(self._crier.at, next_note), self._hangs_until, now + PAUSE_MIN_S)
        if due < self._armed:
            self._armed = due
            self._clock.at(due, self._wake, due)

    def _wake(self, moment: float) -> None:
        if moment == self._armed:
            self._armed = inf
            self.cry()


class CallStation(Protocol):
    """What the witness sees of a station."""

    calls: NodeCalls | None
    is_powered: bool
    is_asleep: bool
    is_full: bool
    upsets: int  # how often it was off, hung or silent
    starts: int


@dataclass(slots=True)
class _Raised:
    alarm: Alarm
    call: Distress
    at: float
    upsets: dict[int, int] = field(default_factory=dict)  # of the nodes that were well when it was raised
    heard: dict[int, tuple[float, int]] = field(default_factory=dict)  # when a node heard it, and its starts by then


class Author(NamedTuple):
    node: NodeId
    public_key: PublicKey


class CallStreet:
    """The calls of one run, and their witness. `accuse` takes a node and what it did."""

    def __init__(
        self,
        scenario: Scenario,
        keys: Sequence[NodeKey],
        scope: Scope,
        clock: Clock,
        accuse: Callable[[int, str], None],
    ) -> None:
        self.scope = scope
        self.clock = clock
        self._scenario = scenario
        self._authors = [Author(key.node_id, key.public_key) for key in keys]
        self._accuse = accuse
        self._stations: dict[int, CallStation] = {}
        self._raised: dict[bytes, _Raised] = {}
        self._waiting: set[int] = set()  # where a call was raised that is not on the air yet
        self.slowest_s: float | None = None

    @property
    def raised(self) -> int:
        """How many calls were raised or taken back."""
        return len(self._raised)

    def plan(self, stations: dict[int, CallStation]) -> None:
        """Let these nodes raise what the scenario says."""
        self._stations = stations
        for alarm in self._scenario.calls:
            self.clock.at(alarm.at_h * HOUR_S, self._raise, alarm, alarm.level)
            if alarm.over_h is not None:
                self.clock.at(alarm.over_h * HOUR_S, self._raise, alarm, Level.OVER)

    def author(self, call: Distress) -> NodeId:
        """Return who signed a call. Raises `BadSignature`."""
        for author in self._authors:
            if author.node[:NODE_HANDLE_SIZE] == call.caller.node:
                call.check(self.scope, author.public_key)
                return author.node
        raise BadSignature("nobody in this street called so")

    def _raise(self, alarm: Alarm, level: Level) -> None:
        station = self._stations[alarm.node]
        if not self._is_well(station) or not station.calls:
            self.clock.at(self.clock.now + AGAIN_S, self._raise, alarm, level)
            return
        call = station.calls.raise_call(alarm, level)
        well = {number: one.upsets for number, one in self._stations.items() if self._is_well(one)}
        raised = _Raised(alarm, call, self.clock.now, well, {alarm.node: (self.clock.now, station.starts)})
        self._raised[call.signature] = raised
        self._waiting.add(alarm.node)
        station.calls.cry()
        self.clock.at(self.clock.now + alarm.shown_within_s, self._check_shown, raised)
        self.clock.at(self.clock.now + LOOK_S, self._look, raised)

    @staticmethod
    def _is_well(station: CallStation) -> bool:
        return station.is_powered and not station.is_asleep and not station.is_full

    # --- what is seen

    def news(self, number: int, call: Distress) -> None:
        """A node begins to show a call."""
        raised = self._raised.get(call.signature)
        if raised is None:
            self._accuse(number, "shows a call for help that nobody raised")
        elif number in raised.heard:
            self._accuse(number, "shows a call for help again that was over there")
        else:
            raised.heard[number] = (self.clock.now, self._stations[number].starts)

    def begins(self, number: int, packet: bytes) -> None:
        """A station begins to say a packet."""
        if number not in self._waiting:
            return
        if packet.startswith(HEAD):
            self._waiting.discard(number)
        else:
            self._accuse(number, "says something else while a call for help waits")

    def broke_off(self, number: int) -> None:
        """A station was switched off."""
        self._waiting.discard(number)

    def _check_shown(self, raised: _Raised) -> None:
        for number in self._reached(raised):
            calls = self._stations[number].calls
            shown = [held.call.signature for held in calls.living()] if calls else []
            if raised.call.signature not in shown and not self._is_replaced(raised):
                self._accuse(
                    number, f"does not show a call for help that was raised {self.clock.now - raised.at:.0f} s ago"
                )
            elif number in raised.heard:
                self.slowest_s = max(self.slowest_s or 0.0, raised.heard[number][0] - raised.at)

    def _is_replaced(self, raised: _Raised) -> bool:
        """Whether the same person called again, or took it back."""
        others = (one.call for one in self._raised.values())
        return any(one.caller == raised.call.caller and one.turn > raised.call.turn for one in others)

    def _reached(self, raised: _Raised) -> set[int]:
        """Return the nodes that were well all the time, and that the call could reach over others that were."""
        well = {
            number for number, upsets in raised.upsets.items()
            if self._is_well(self._stations[number]) and self._stations[number].upsets == upsets
        }  # fmt: skip
        found = {raised.alarm.node} & well
        queue = [*found]
        while queue:
            here = queue.pop()
            near = {one for one in well - found if self._is_linked(here, one, raised.at)}
            found |= near
            queue += sorted(near)
        return found

    def _is_linked(self, one: int, other: int, since: float) -> bool:
        links = ({link.one, link.other} for link in self._scenario.links)
        lasting = (
            cut for cut in self._scenario.cuts if cut.from_h * HOUR_S <= self.clock.now and cut.until_h * HOUR_S > since
        )
        return {one, other} in links and not any(cut.parts(one, other) for cut in lasting)

    def _look(self, raised: _Raised) -> None:
        """See that nobody shows a call for longer than it lives: counted by uptime, from when it was heard there."""
        life_s = raised.call.life * MINUTE_S
        for number, (heard_at, starts) in raised.heard.items():
            station = self._stations[number]
            living = station.calls.living() if station.calls else []
            is_shown = any(held.call.signature == raised.call.signature for held in living)
            most_s = life_s + SLACK_S + (station.starts - starts) * (NOTE_EVERY_S + HOUR_S)
            begun = raised.at if self._scenario.is_calm else heard_at
            if is_shown and self.clock.now - begun > most_s:
                self._accuse(number, "shows a call for help that is over")
                return
        if self.clock.now - raised.at <= 2 * life_s + HOUR_S:
            self.clock.at(self.clock.now + LOOK_S, self._look, raised)
