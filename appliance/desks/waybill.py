"""What a bundle holds, told without taking anything in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from appliance.errors import Objection, Refused
from mesh.bundle import BundleReader
from mesh.errors import PeerFault
from mesh.frames import BlobFrame, CallsFrame, Frame, FrontierFrame, RunsFrame
from mesh.keys import PUBLIC, EpochKey, Scope, written


@dataclass
class Waybill:
    """Counts of one bundle. `whole` is False where it is torn or spoiled behind what is counted here."""

    writer: str
    whole: bool = True
    records: int = 0
    heights: dict[str, dict[str, int]] = field(default_factory=dict)  # what its writer held, by scope and log
    files: dict[str, int] = field(default_factory=dict)  # digest → size
    calls: int = 0
    sealed_for_others: int = 0

    @classmethod
    def read(cls, file: BinaryIO, keys: Mapping[Scope, EpochKey]) -> Waybill:
        """Read a bundle to its end or its first tear. Raises `Refused` where not even the beginning is one."""
        try:
            reader = BundleReader(file, keys)
        except PeerFault as fault:
            raise Refused(Objection.BUNDLE_UNREADABLE) from fault
        bill = cls(written(reader.node))
        try:
            for frame in reader:
                bill._count(frame)
        except PeerFault:
            bill.whole = False
        return bill

    def _count(self, frame: Frame) -> None:
        match frame:
            case RunsFrame():
                self.records += sum(len(run.records) for run in frame.runs)
            case FrontierFrame():
                heights = self.heights.setdefault(_written_scope(frame.scope), {})
                if written(frame.holder) == self.writer:
                    heights |= {written(log): height for log, height in frame.heights.items()}
            case BlobFrame():
                self.files[frame.blob.hex()] = frame.size
            case CallsFrame():
                self.calls += len(frame.calls)
            case _:
                self.sealed_for_others += 1

    def facts(self) -> dict[str, Any]:
        """Return the counts by name."""
        names = ("writer", "whole", "records", "heights", "files", "calls", "sealed_for_others")
        return {name: getattr(self, name) for name in names}


def _written_scope(scope: Scope) -> str:
    return "public" if scope == PUBLIC else written(scope)
