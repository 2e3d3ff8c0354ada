"""Runs of records as one stream of bits, and back.

    stream := how many runs, where each begins, and then of each: its records, the reach of its checkpoint, the signature

Before the records come, both ends take the model through what they share (shared.py). What cannot be packed within the
bounds is None, and travels in plain form. What does not unpack is `Malformed`; what unpacks is believed when its signature fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from mesh import canonical
from mesh.aircode.arithmetic import ONE, Bits, Listener, Reader, Writer
from mesh.aircode.letters import HELD, Letters
from mesh.aircode.shared import Ground, Missing, Place
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
UNBOUNDED: Final = 1 << 60  # what both ends hold is bounded by itself
LIKELY_ONE: Final = ONE - (ONE >> 2)
LIKELY: Final = ONE - (ONE >> 4)


class Codec(Protocol):
    """What packs and unpacks as this module does, which is one."""

    def pack(self, runs: Sequence[AirRun], ground: Ground) -> bytes | None:
        """See `pack`."""
        ...

    def unpack(self, packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
        """See `unpack`."""
        ...


def pack(runs: Sequence[AirRun], ground: Ground) -> bytes | None:
    """Return the stream of `runs`, whose places are told by `ground`; None where it would break a bound."""
    writer, work = Writer(), Work(WORK_MAX)
    try:
        _Stream(writer, work).runs(runs, ground)
    except (Malformed, Missing):
        return None
    packed = writer.done()
    return packed if WORK_MAX - work.left <= _allowed(packed) else None


def unpack(packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
    """Return the runs of a stream: well formed, but not verified. Raises `Malformed`, and `Missing` from the ground."""
    if packed.endswith(b"\0"):
        raise Malformed("a packed stream does not end in a zero")
    return _Stream(Reader(packed), Work(_allowed(packed))).runs(None, ground)


def _allowed(packed: bytes) -> int:
    """Return how much work a stream may cause: a short one only little."""
    return min(WORK_MAX, WORK_FREE + WORK_PER_BYTE * len(packed))


@dataclass(frozen=True, slots=True)
class _Stream:
    bits: Bits
    work: Work

    def runs(self, given: Sequence[AirRun] | None, ground: Ground) -> tuple[AirRun, ...]:
        text, skill = shipped()
        values = Values(TextModel(skill.copy(), text, Letters(HELD)), Work(UNBOUNDED))
        count = self._count(values, "runs", len(given) if given else 0)
        if count > RUNS_MAX:
            raise Malformed("too many runs for one packet")
        places = ground.places(self.bits, values, given, count)
        _study(values, ground, places)
        values.work = self.work
        return tuple(self._run(values, given[number] if given else None, place) for number, place in enumerate(places))

    def _run(self, values: Values, given: AirRun | None, place: Place) -> AirRun:
        values.begin(place.handle)
        count = self._count(values, "records", len(given.records) if given else 0)
        records = [
            _record(self.bits, values, given.records[number] if given else None, place.handle)
            for number in range(count)
        ]
        reach = self._reach(values, given, count, place.after)
        signature = values.octets(self.bits, given.signature if given else b"", SIGNATURE_SIZE)
        return AirRun(place.handle or _opened(records[0]), place.after, tuple(records), reach, signature)

    def _count(self, values: Values, key: str, given: int) -> int:
        """Often it is one."""
        if values.flag(self.bits, key, int(given == 1), LIKELY_ONE):
            return 1
        return 2 + values.steady(self.bits, (key, "more"), max(0, given - 2))

    def _reach(self, values: Values, given: AirRun | None, count: int, after: int) -> int:
        """Nearly always a checkpoint covers what is sent."""
        reach = given.reach if given else 0
        if values.flag(self.bits, "reach", int(reach == count), LIKELY):
            return count
        reach = values.whole(self.bits, "other reach", reach)
        if not 1 <= reach <= after + count:
            raise Malformed("a checkpoint covers at least one record, and none before the first")
        return reach


def _study(values: Values, ground: Ground, places: Sequence[Place]) -> None:
    """Take the model through what both ends hold."""
    for name in ground.names(places):
        values.know(name)
    for lesson in ground.lessons(places):
        for text in lesson.texts:
            values.overhear(canonical.decode(text))
        values.begin(lesson.handle)
        for record in lesson.records:
            _record(Listener(), values, record, lesson.handle)


def _record(bits: Bits, values: Values, given: AirRecord | None, log: object) -> AirRecord:
    core = values.core(bits, canonical.decode(given.core) if given else UNKNOWN, log)
    kind = core[0]
    form = Form(2 * values.flag(bits, ("says", kind), int(given.form >= Form.SALTED) if given else 0))
    form = Form(form + values.flag(bits, ("form", kind, form), given.form & 1 if given else 0))
    size = (0, DIGEST_SIZE, SALT_SIZE, 0)[form]
    beside = values.octets(bits, given.beside if given else b"", size)
    text = b""
    if form >= Form.SALTED:
        text = canonical.encode(values.said(bits, canonical.decode(given.text) if given else UNKNOWN, kind))
    packed = canonical.encode(core)
    if len(packed) > CORE_SIZE_MAX:
        raise Malformed("a core is too long")
    return AirRecord(form, packed, beside, text)


def _opened(first: AirRecord) -> bytes:
    """Return the handle of the log that this record opens."""
    return log_handle(Opening.read(first.unpack(None)).log)
