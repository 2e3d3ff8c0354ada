"""One run: a street is founded, time passes, and the honest nodes are compared.

Stations give packets to the air, the air gives them to stations; authors and mishaps plan events beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from mesh.keys import EpochKey, LogId, NodeKey, commons_scope
from mesh.links import Founding, Invitation, Opening
from mesh.simulation.air import Air, worst_hour_s
from mesh.simulation.authors import Author
from mesh.simulation.calling import CallStreet, NodeCalls
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dealer, choice
from mesh.simulation.mishaps import Mishaps, plan_nights
from mesh.simulation.outcome import Outcome
from mesh.simulation.replica import Grown, Replica
from mesh.simulation.rogue import Rogue
from mesh.simulation.scenario import HOUR_S, REGION, Malice, Scenario
from mesh.simulation.shared_codec import SharedCodec
from mesh.simulation.station import NodeStation, Surroundings
from mesh.simulation.streets import Map
from mesh.simulation.truth import Books, BooksFor, Branch, PenmanFor, Truth

NONCE: Final = bytes(16)
COMMIT_S: Final = 0.05


class Street:
    """Everything of one run. `run` may be called once. With `books_for` each honest node keeps books, which are compared."""

    def __init__(
        self, scenario: Scenario, dealer: Dealer, penman_for: PenmanFor, books_for: BooksFor | None = None
    ) -> None:
        self.scenario = scenario
        self._dealer = dealer
        self._books_for = books_for
        self.clock = Clock()
        self._keys = self._draw_keys()
        scope = commons_scope(self._keys[0].public_key, NONCE)
        self.truth = Truth(scope, EpochKey(dealer("epoch key").randbytes(32)))
        self._penman = penman_for([key.node_id for key in self._keys], dealer("penman"))
        talk = scenario.preset, scenario.nodes, self.clock, dealer("air"), self._hear
        self.air = Air(*talk, is_signed=scenario.is_signed)
        commit_s = COMMIT_S if scenario.faults.power_cuts else 0.0
        room = scenario.payload_limit
        self._around = Surroundings(self.clock, self.air, dealer, room, REGION, commit_s, SharedCodec())
        self._mishaps = Mishaps(scenario.faults, scenario.faults_end_s, self.clock, dealer("mishaps"))
        self.stations: list[NodeStation | None] = [None] * scenario.nodes
        self._rogues: dict[int, Rogue] = {}
        self.authors: dict[int, Author] = {}
        self._author_of: dict[LogId, Author] = {}
        self._latencies: list[float] = []
        self._changed = 0.0
        self._calls = CallStreet(scenario, self._keys, scope, self.clock, self._accuse)
        self._found()
        self._plan()

    def _draw_keys(self) -> list[NodeKey]:
        dice = self._dealer("keys")
        return [NodeKey(dice.randbytes(32)) for _ in range(self.scenario.nodes)]

    # --- before the run

    def _found(self) -> None:
        """Give everybody what was written before the run: who is in, and what the penman says."""
        first = Replica(self.truth, partial(self._accuse, -1), self._grown(-1))
        branches = {node: self._open(node) for node in self._writers()}
        for branch in branches.values():
            first.adopt(branch)
        for number in self.scenario.honest:
            replica = Replica(self.truth, partial(self._accuse, number), self._grown(number), self._books(number))
            replica.start_from(first)
            self.stations[number] = self._station(number, replica)
        for number in self.scenario.records.authors:
            station = self.stations[number]
            if station:
                self.authors[number] = Author(branches[number], station, self.truth, self._penman, self.clock)
        self._author_of = {author.branch.log: author for author in self.authors.values()}
        for number, malice in self.scenario.hostile:
            self._rogues[number] = self._rogue(number, malice, branches)

    def _books(self, number: int) -> Books | None:
        return self._books_for(self._keys[number], self.truth.scope, self.truth.epoch_key) if self._books_for else None

    def _writers(self) -> list[int]:
        liars = [node for node, malice in self.scenario.hostile if malice is Malice.EQUIVOCATION]
        return sorted({*self.scenario.records.authors, *liars})

    def _open(self, number: int) -> Branch:
        key, founder = self._keys[number], self._keys[0]
        founding = Founding(NONCE) if number == 0 else Invitation.sign(founder, self.truth.scope, key.node_id)
        branch = Branch(key, Opening(key.public_key, 0, self.truth.scope, right=founding))
        self.truth.open(branch)
        for recipe in self._penman.before(number):
            self.truth.write(branch, recipe)
        branch.certify()
        return branch

    def _station(self, number: int, replica: Replica) -> NodeStation:
        accuse = partial(self._accuse, number)
        station = NodeStation(number, self._keys[number].node_id, replica, self._around, accuse)
        if self.scenario.calls:
            station.calls = NodeCalls(number, self._keys[number], self._calls, station.send)
        return station

    def _rogue(self, number: int, malice: Malice, branches: dict[int, Branch]) -> Rogue:
        rogue = Rogue(number, malice, self.air, self.clock, self._dealer(f"rogue {number}"))
        if malice is Malice.EQUIVOCATION:
            twin = branches[number].fork()
            self.truth.open(twin)
            self.truth.liars.add(twin.log)
            rogue.take((branches[number], twin), self.truth, self._penman)
        return rogue

    def _plan(self) -> None:
        scenario = self.scenario
        self.air.link(scenario.links, scenario.faults.burst)
        self.air.calm_from = scenario.faults_end_s
        for cut in scenario.cuts:
            self.air.plan_cut(cut)
        present = [station for station in self.stations if station]
        for station in present:
            self.clock.at(self._dealer(f"start {station.number}").uniform(0.0, 10.0), station.power, True)
        for sleep in scenario.asleep:
            plan_nights(sleep, scenario.hours, self.stations, self.clock)
        self._mishaps.plan(present, [*self.authors.values()])
        for rogue in self._rogues.values():
            rogue.start(scenario.faults_end_s)
        self._plan_writing()
        if scenario.calls:
            self.air.begins = self._calls.begins
            self._calls.plan({station.number: station for station in present})

    def _plan_writing(self) -> None:
        writing, dice = self.scenario.records, self._dealer("writing")
        authors = [*self.authors.values()]
        for _ in range(writing.count if authors else 0):
            moment = dice.uniform(writing.from_h, writing.until_h) * HOUR_S
            self.clock.at(moment, choice(dice, authors).write)

    # --- during the run

    def _hear(self, listener: int, talker: int, packet: bytes) -> None:
        station = self.stations[listener]
        if station:
            self._mishaps.carry(station.hear, talker, packet)
        else:
            self._rogues[listener].hear(packet)

    def _accuse(self, number: int, sentence: str) -> None:
        self.truth.accuse(self.clock.now, f"node {number} {sentence}")

    def _grown(self, number: int) -> Grown:
        return partial(self._note_growth, number)

    def _note_growth(self, number: int, branch: Branch, low: int, high: int) -> None:
        """A log grew at a node, by what came from others."""
        self._changed = self.clock.now
        author = self._author_of.get(branch.log)
        if author and number >= 0:
            self._latencies += [self.clock.now - author.written[seq] for seq in range(low + 1, high + 1)]

    # --- after the run

    def run(self) -> Outcome:
        """Let all the hours pass and compare the honest nodes."""
        self.clock.run(self.scenario.hours * HOUR_S)
        talk = {number: self.air.stations[number] for number in self.scenario.honest}
        spent = [station.spent for station in talk.values()]
        streets = Map(self.scenario.nodes, self.scenario.links)
        return Outcome(
            scenario=self.scenario,
            hops=streets.hops,
            records=sum(len(author.written) for author in self.authors.values()),
            states=len({station.replica.state() for station in self.stations if station}),
            changed_s=self._changed,
            packets=sum(map(len, spent)),
            bytes_on_air=sum(station.said_bytes for station in talk.values()),
            airtime_s=sum(duration for one in spent for _, duration in one),
            airtime_worst_hour_s=max(map(worst_hour_s, spent)),
            airtime_worst_hour_besides_calls_s=max(
                worst_hour_s(station.spent_besides_calls) for station in talk.values()
            ),
            quiet_packets=self._quiet_packets(spent),
            floor_bytes=self._floor_bytes(streets),
            latencies_s=self._latencies,
            shown_early=sum(station.replica.shown_early for station in self.stations if station),
            calls_raised=self._calls.raised,
            calls_slowest_s=self._calls.slowest_s,
            violations=self.truth.violations,
        )

    def _quiet_packets(self, spent: Sequence[Sequence[tuple[float, float]]]) -> float:
        """Return how many packets an hour each node sent from an hour on after the last change, and the last fault; 0 for a
        shorter rest.
        """
        begin, end = max(self._changed, self.scenario.faults_end_s) + HOUR_S, self.scenario.hours * HOUR_S
        late = sum(moment >= begin for one in spent for moment, _ in one)
        return late / len(spent) / ((end - begin) / HOUR_S) if end - begin >= HOUR_S else 0.0

    def _floor_bytes(self, streets: Map) -> int:
        """Return the information of all records, said as often as their authors' places in the street ask at least."""
        written = {number: len(author.written) for number, author in self.authors.items()}
        tellings = sum(count * streets.tellings_min(number) for number, count in written.items())
        return round(self._penman.information_bytes() * tellings / max(1, sum(written.values())))
