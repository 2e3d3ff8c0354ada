"""The codec of a whole street: what one node has packed or unpacked on some ground, no other on the same ground does again.

Packing is a pure function of the runs and of what the ground tells, so this changes no byte, no answer and no fault; it saves
most of the time of a run. Each packet is really unpacked by one of those who hear it. What failed is not kept. What matters
of a ground is told by heads, which stand for all records below them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

from mesh.aircode.packing import AirCodec
from mesh.aircode.shared import NAME_SIZE, Ground, Teacher
from mesh.aircode.study import Study
from mesh.airform import AirRun
from mesh.keys import Head, LogId
from mesh.simulation.replica import Replica

KEPT_MAX: Final = 4096

# Of each log that bears on the answer: where it is built on, the head there, and whether it is held so far.
Basis = tuple[tuple[LogId, int, Head | None], ...]


class SharedCodec:
    """A `mesh.aircode.packing.Codec` for grounds that stand on replicas."""

    def __init__(self) -> None:
        self._codec = AirCodec(SharedStudy())
        self._packed: OrderedDict[tuple[tuple[AirRun, ...], bool, Basis], bytes] = OrderedDict()
        self._unpacked: OrderedDict[tuple[bytes, bool], list[tuple[Basis, tuple[AirRun, ...]]]] = OrderedDict()

    def pack(self, runs: Sequence[AirRun], ground: Ground) -> bytes | None:
        """Return the stream of `runs`; None where it would break a bound."""
        key = tuple(runs), ground.is_common, _basis(runs, ground)
        packed = self._packed.get(key)
        if packed is None:
            packed = self._codec.pack(runs, ground)
            if packed is not None:
                self._packed[key] = packed
                _bound(self._packed)
        return packed

    def unpack(self, packed: bytes, ground: Ground) -> tuple[AirRun, ...]:
        """Return the runs of a stream. Raises `Malformed` and `Missing`."""
        answers = self._unpacked.setdefault((packed, ground.is_common), [])
        _bound(self._unpacked)
        for basis, runs in answers:
            if basis == _basis(runs, ground):
                return runs
        runs = self._codec.unpack(packed, ground)
        answers.append((_basis(runs, ground), runs))
        return runs


class SharedStudy(Study):
    """Lessons of logs that need not be the same branches everywhere."""

    def key(self, ground: Ground, teacher: Teacher) -> Hashable:
        return teacher, _replica(ground).head(teacher.log, teacher.upto)


def _basis(runs: Iterable[AirRun], ground: Ground) -> Basis:
    """Return all that the answer depends on beside the runs or the stream themselves."""
    replica = _replica(ground)
    if ground.is_common:
        return tuple((log, height, replica.head(log, height)) for log, height in sorted(ground.heights.items()))
    places = {run.handle[:NAME_SIZE]: run.after for run in runs if run.after}
    told = [(log, places[log[:NAME_SIZE]]) for log in sorted(ground.heights) if log[:NAME_SIZE] in places]
    return tuple((log, at, replica.head(log, at) if at <= ground.heights[log] else None) for log, at in told)


def _replica(ground: Ground) -> Replica:
    assert isinstance(ground.holdings, Replica)
    return ground.holdings


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > KEPT_MAX:
        kept.popitem(last=False)
