"""Runs of records as one stream of bits, and back.

    stream := how many runs, where each begins, and then of each: its records, the reach of its checkpoint, the signature

Before the records come, both ends take the models through what they share (study.py). What cannot be packed within the
bounds is None, and travels in plain form. What does not unpack is `Malformed`; what unpacks is believed when its signature fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from mesh import canonical
from mesh.aircode.arithmetic import Bits, Reader, Writer
from mesh.aircode.shared import Ground, Missing, Outline, Place
from mesh.aircode.study import Study
from mesh.aircode.text import TextModel
from mesh.aircode.training import shipped
from mesh.aircode.values import UNKNOWN, Values, Work
from mesh.airform import AirRecord, AirRun, Form, log_handle
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, SALT_SIZE, SIGNATURE_SIZE
from mesh.links import Opening
from mesh.record import CORE_SIZE_MAX

MODEL: Final = 2  # another model, or another training text, has another number
RUNS_MAX: Final = 64
WORK_MAX: Final = 12_000
WORK_PER_BYTE: Final = 24
WORK_FREE: Final = 512


class Codec(Protocol):
    """What packs and unpacks as `AirCodec` does."""

    def pack(self, runs: Sequence[AirRun], ground: Ground) -> bytes | None:
        """See `AirCodec`."""
        ...

    def unpack(self, packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
        """See `AirCodec`."""
        ...


class AirCodec:
    """Packs and unpacks, on the grounds of one node. What it keeps from one packet to the next only saves time."""

    def __init__(self, study: Study | None = None) -> None:
        self._study = study or Study()

    def pack(self, runs: Sequence[AirRun], ground: Ground) -> bytes | None:
        """Return the stream of `runs`, whose places are told by `ground`; None where it would break a bound."""
        writer, work = Writer(), Work(WORK_MAX)
        try:
            _Stream(writer, work, ground, self._study).runs(runs)
        except (Malformed, Missing):
            return None
        packed = writer.done()
        return packed if WORK_MAX - work.left <= _allowed(packed) else None

    def unpack(self, packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
        """Return the runs of a stream: well formed, but not verified. Raises `Malformed`, and `Missing` from the ground."""
        if packed.endswith(b"\0"):
            raise Malformed("a packed stream does not end in a zero")
        return _Stream(Reader(packed), Work(_allowed(packed)), ground, self._study).runs(None)


def _allowed(packed: bytes) -> int:
    """Return how much work a stream may cause: a short one only little."""
    return min(WORK_MAX, WORK_FREE + WORK_PER_BYTE * len(packed))


@dataclass(frozen=True, slots=True)
class _Stream:
    bits: Bits
    work: Work
    ground: Ground
    study: Study

    def runs(self, given: Sequence[AirRun] | None) -> tuple[AirRun, ...]:
        outline = Outline()
        count = outline.runs.take(self.bits, len(given) if given else 0)
        if count > RUNS_MAX:
            raise Malformed("too many runs for one packet")
        places = self.ground.places(self.bits, outline, given, count)
        values = self._values(places)
        return tuple(
            self._run(values, outline, given[number] if given else None, place) for number, place in enumerate(places)
        )

    def _values(self, places: Sequence[Place]) -> Values:
        """Return the model of all values, as both ends have it before the first record."""
        values, held = self.study.of(self.ground, places)
        texts, skill = shipped()
        values.text, values.work = TextModel(skill.copy(), texts, held), self.work
        return values

    def _run(self, values: Values, outline: Outline, given: AirRun | None, place: Place) -> AirRun:
        values.begin(place.handle)
        count = outline.records.take(self.bits, len(given.records) if given else 0)
        records = [
            self._record(values, given.records[number] if given else None, place.handle) for number in range(count)
        ]
        reach = self._reach(outline, given, count, place.after)
        signature = values.octets(self.bits, given.signature if given else b"", SIGNATURE_SIZE)
        return AirRun(place.handle or _opened(records[0]), place.after, tuple(records), reach, signature)

    def _record(self, values: Values, given: AirRecord | None, log: bytes) -> AirRecord:
        core = values.core(self.bits, canonical.decode(given.core) if given else UNKNOWN, log)
        form = Form(values.form(self.bits, given.form if given else 0, core[0]))
        size = (0, DIGEST_SIZE, SALT_SIZE, 0)[form]
        beside = values.octets(self.bits, given.beside if given else b"", size)
        text = b""
        if form >= Form.SALTED:
            said = values.said(self.bits, canonical.decode(given.text) if given else UNKNOWN, core[0])
            text = canonical.encode(said)
        packed = canonical.encode(core)
        if len(packed) > CORE_SIZE_MAX:
            raise Malformed("a core is too long")
        return AirRecord(form, packed, beside, text)

    def _reach(self, outline: Outline, given: AirRun | None, count: int, after: int) -> int:
        """Nearly always a checkpoint covers what is sent."""
        reach = given.reach if given else 0
        if outline.covers_all.bit(self.bits, int(reach == count)):
            return count
        reach = outline.reach.take(self.bits, reach)
        if not 1 <= reach <= after + count:
            raise Malformed("a checkpoint covers at least one record, and none before the first")
        return reach


def _opened(first: AirRecord) -> bytes:
    """Return the handle of the log that this record opens."""
    return log_handle(Opening.read(first.unpack(None)).log)
