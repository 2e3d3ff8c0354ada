"""Sneakernet: bundles out and in. What cannot be read here is carried on for those who can."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from math import ceil
from typing import BinaryIO, Final

from appliance.answers import Imported
from appliance.clock import Trust
from appliance.desks.calls import Calling
from appliance.errors import Objection, Refused
from appliance.reading_ahead import some_ahead
from appliance.store.receiving import Receiving
from mesh.alarms import Hearing
from mesh.bundle import VERSION, VERSION_WITH_CALLS, BundleReader, BundleWriter
from mesh.distress import CALLS_MAX, LIFE_MAX, Distress
from mesh.errors import BadSignature, Malformed, PeerFault, TornBundle, Unexplained
from mesh.frames import BlobFrame, CallsFrame, Frame, FrontierFrame, RunsFrame, SealedFrame
from mesh.keys import LogId, NodeId, Scope, unwritten
from mesh.log import Run
from mesh.sealing import SealedSection

RUN_SIZE: Final = 48 * 1024
COUNTED: Final = ("records", "already", "waiting", "blobs", "refused", "sealed_kept", "calls")
LATER_MAX: Final = 256  # runs that are kept at hand because something before them may come later in the same file
SHOWN_MAX: Final = 16  # frames in which the writer tells what it holds
SEALED_MAX: Final = 256  # sections of other commons that are carried on
SEALED_FREE_BYTES: Final = 64 << 20


@dataclass
class Arrival:
    """What a bundle has come to so far: counts, runs that wait, and what its writer shows to hold."""

    writer: NodeId
    count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    later: list[Run] = field(default_factory=list)
    shown: list[FrontierFrame] = field(default_factory=list)
    calls: list[Distress] = field(default_factory=list)  # of nodes that nobody here has let in yet
    torn: bool = False
    used_bytes: int | None = None  # of the archive, once a file came
    file: Receiving | None = None  # the one whose parts are coming

    def wait(self, run: Run) -> None:
        """Keep a run at hand, if there is room."""
        if len(self.later) < LATER_MAX:
            self.later.append(run)
        else:
            self.count["waiting"] += len(run.records)

    def drop_file(self) -> None:
        """Let go of a file that did not come to its end."""
        if self.file:
            self.file.close()
        self.file = None


class Carrying(Calling):
    def export_bundle(self, file: BinaryIO, for_node: str | None = None, max_bytes: int | None = None) -> None:
        """Write all that `for_node` is not known to hold, or everything: calls for help, records, then files, small ones first.

        What this node owes the others is written before, so that one stick brought and taken back lets a new node in.
        """
        self.do_duties()
        self.seal()
        holds = self.private.holds(self._node_named(for_node)) if for_node else {}
        calls = tuple(self.calls_on_air()[:CALLS_MAX])
        version = VERSION_WITH_CALLS if calls else VERSION
        writer = BundleWriter(file, self.key, {self.commons: self.commons_key}, max_bytes, version)
        if calls:
            writer.calls(CallsFrame(self.commons, self._sure_time(), calls))
        for scope in self.scopes():
            writer.frontier(self.node_id, self.frontier(scope))
        for scope in self.scopes():
            for log, height in self.frontier(scope).ahead_of(holds):
                self._write_log(writer, scope, log, height)
        self._write_files(writer)
        for (raw,) in self.database.rows("SELECT content FROM sealed ORDER BY no"):
            writer.sealed(SealedFrame(SealedSection.parse(raw).handle, raw))
        writer.close()

    def _sure_time(self) -> int:
        """Return seconds since 1970, 0 where independent sources do not agree on them."""
        return self.clock.now() if self.clock.trust is Trust.AGREED else 0

    def _node_named(self, name: str) -> NodeId:
        try:
            return NodeId(unwritten(name))
        except Malformed as fault:
            named = self.database.row("SELECT node FROM node_name WHERE name = ?", name)
            if named is None:
                raise Refused(Objection.NOT_FOUND) from fault
            return NodeId(named[0])

    def _write_log(self, writer: BundleWriter, scope: Scope, log: LogId, after: int) -> None:
        """Write what follows `after` in one log, as far as there is room."""
        while (run := self.records.run(log, after, RUN_SIZE, explained=False)) and writer.runs(scope, [run]):
            after = run.upto

    def _write_files(self, writer: BundleWriter) -> None:
        for blob, size in self.database.rows("SELECT DISTINCT blob, size FROM zine ORDER BY size, blob"):
            if not self.shelf.is_open(
                blob
            ):  # hiding is for what may do harm, and nobody can call back what was carried on
                continue
            if self.blobs.has(blob) and self.blobs.path(blob).stat().st_size == size:  # whatever a zine may say of it
                with self.blobs.path(blob).open("rb") as content:
                    writer.blob(blob, size, content)

    def import_bundle(self, file: BinaryIO) -> Imported:
        """Take in what a bundle brings. Each run is taken whole or not at all; a torn file is good up to the tear.

        Raises `Refused` where not even the beginning is a bundle. The same bundle twice does no harm.
        """
        try:
            reader = BundleReader(file, {self.commons: self.commons_key})
        except PeerFault as fault:
            raise Refused(Objection.BUNDLE_UNREADABLE) from fault
        arrival = Arrival(reader.node)
        try:
            with closing(some_ahead(iter(reader))) as frames:
                for frame in frames:
                    self._take_frame(frame, arrival)
        except TornBundle:
            arrival.torn = True
        except PeerFault:
            arrival.torn = True
            arrival.count["refused"] += 1
        finally:
            arrival.drop_file()
        self._take_waiting(arrival)
        self._take_calls(arrival.calls, arrival)
        self._note_shown(arrival)
        return Imported(torn=arrival.torn, **arrival.count)

    def _take_frame(self, frame: Frame, arrival: Arrival) -> None:
        if isinstance(frame, RunsFrame):
            for run in frame.runs:
                if not self._take_run(run, arrival.count):
                    arrival.wait(run)
        elif isinstance(frame, BlobFrame):
            arrival.count["blobs"] += self._take_blob(frame, arrival)
        elif isinstance(frame, CallsFrame):
            arrival.calls = self._take_calls([self._aged(call, frame.at) for call in frame.calls], arrival)
        elif isinstance(frame, SealedFrame):
            arrival.count["sealed_kept"] += self._keep_sealed(frame)
        elif frame.holder == arrival.writer and len(arrival.shown) < SHOWN_MAX:
            arrival.shown.append(frame)

    def _aged(self, call: Distress, written_at: int) -> Distress:
        """Return a call as old as it is by now, where both clocks are sure; else it has the age at which it was written."""
        now = self._sure_time()
        way_s = max(0, now - written_at) if now and written_at else 0
        return replace(call, age=min(LIFE_MAX, call.age + ceil(way_s / 60)))

    def _take_calls(self, calls: list[Distress], arrival: Arrival) -> list[Distress]:
        """Take in calls as if they were heard; return those whose author is not known, perhaps not yet."""
        strange = []
        for call in calls:
            try:
                arrival.count["calls"] += self.accept_call(call) is Hearing.NEWS
            except BadSignature:
                strange.append(call)
        return strange

    def _take_run(self, run: Run, count: dict[str, int]) -> bool:
        """Return False where the run waits for another."""
        try:
            taken = self.accept(run)
        except Unexplained:
            return False
        except PeerFault:
            count["refused"] += 1
            return True
        if not taken.waits:
            count["records"] += taken.new
            count["already"] += len(run.records) - taken.new
        return not taken.waits

    def _take_waiting(self, arrival: Arrival) -> None:
        """Runs may stand before what they build on, or before the word that explains them: try again as long as that helps."""
        later = arrival.later
        while later:
            still = joined([run for run in later if not self._take_run(run, arrival.count)])
            if len(still) == len(later):
                break
            later = still
        arrival.count["waiting"] += sum(len(run.records) for run in later)

    def _note_shown(self, arrival: Arrival) -> None:
        """Note what the writer holds: at the end, because what the bundle brought is known by then."""
        if arrival.writer != self.node_id:
            with self.database.writing():
                for frame in arrival.shown:
                    self.private.note_holds(arrival.writer, frame.scope, frame.heights)

    def _take_blob(self, frame: BlobFrame, arrival: Arrival) -> bool:
        """Keep a file only if a zine here names it and the archive has room. Returns whether it is whole now.

        Its parts follow one another; what follows a part that was left out is left out too.
        """
        if frame.offset == 0:
            arrival.drop_file()
            if not self._is_welcome(frame, arrival):
                return False
            arrival.file = Receiving(self.blobs, frame.blob, frame.size)
        file = arrival.file
        if file is None or not file.put(frame.blob, frame.size, frame.offset, frame.content) or not file.is_whole:
            return False
        is_sound = file.finish()
        arrival.drop_file()
        if is_sound:
            self.note_arrival(frame.blob)
        return is_sound

    def _is_welcome(self, frame: BlobFrame, arrival: Arrival) -> bool:
        """Whether a file is to be taken in, asked at its first part. Who brings what a zine names is noted as its holder."""
        if self.database.row("SELECT 1 FROM zine WHERE blob = ? AND size = ?", frame.blob, frame.size) is None:
            return False
        if arrival.writer != self.node_id:
            with self.database.writing():
                self.shelf.note_holder(frame.blob, arrival.writer)
        return not self.blobs.has(frame.blob) and self._has_place(frame, arrival)

    def _has_place(self, frame: BlobFrame, arrival: Arrival) -> bool:
        """Whether there is room for a file."""
        if arrival.used_bytes is None:
            arrival.used_bytes = self.blobs.used_bytes()
        has_place = self.is_taken_in(frame.blob, arrival.used_bytes + frame.size)
        arrival.used_bytes += frame.size if has_place else 0
        return has_place

    def _keep_sealed(self, frame: SealedFrame) -> bool:
        """Carry another commons' section on, as long as there is room; the oldest goes first."""
        if self.blobs.free_bytes() < self.settings.archive.free_space_floor_bytes + SEALED_FREE_BYTES:
            return False
        with self.database.writing():
            self.database.run("INSERT INTO sealed (content) VALUES (?) ON CONFLICT DO NOTHING", frame.raw)
            self.database.run("DELETE FROM sealed WHERE no <= (SELECT max(no) FROM sealed) - ?", SEALED_MAX)
        return True


def joined(runs: list[Run]) -> list[Run]:
    """Make one run of those that follow one another: the last checkpoint certifies them all."""
    longer: list[Run] = []
    for run in sorted(runs, key=lambda run: (run.log, run.after)):
        last = longer[-1] if longer else None
        if last and (last.log, last.upto) == (run.log, run.after):
            longer[-1] = replace(run, after=last.after, records=last.records + run.records)
        else:
            longer.append(run)
    return longer
