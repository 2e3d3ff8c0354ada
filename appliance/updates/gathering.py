"""An update comes from a neighbour's pages, where a keeper allows it: its beginning first, then chunk by chunk.

Nothing is asked for before enough keepers' signatures were found on the beginning, and each chunk is checked as it comes. So
who lies costs one chunk, and is left alone for a while; others go on where that one stopped.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.errors import Refused, StoreFault
from appliance.updates import held
from appliance.updates.header import VERSION, number, places
from appliance.updates.slots import OPEN
from appliance.updates.update_file import TOP_SIZE_MAX, Top, check
from appliance.visiting import Disappointed, Disappointment, Part, Visit
from mesh.addresses import Address
from mesh.keys import NodeId, digest, written

OFFER: Final = "/update/"
OFFER_SIZE_MAX: Final = 64
OFFERED: Final = re.compile(rf"({VERSION.pattern})\n", re.ASCII)
ASK_S: Final = 900.0  # how often a neighbour is asked what it has
PAUSE_S: Final = 3600.0  # for which one that disappointed is left alone

LOG: Final = logging.getLogger("hedgerow.updates")


@dataclass
class Arriving:
    """An update on its way: where each chunk stands in the file, and how many are here."""

    top: Top
    file: Path
    done: int = 0

    def __post_init__(self) -> None:
        header = self.top.header
        self.chunks = [
            (self.top.size + header.offset(part) + at, chunk) for part in header.parts for at, chunk in places(part)
        ]

    @property
    def is_whole(self) -> bool:
        return self.done == len(self.chunks)

    def part(self) -> Part:
        offset, chunk = self.chunks[self.done]
        return Part(offset, offset + chunk.stored - 1, self.top.whole_size)

    def begin(self) -> None:
        """Make the file, or find how far one of the same beginning came before a pulled plug. May raise `OSError`."""
        self.file.touch(0o600)
        with self.file.open("r+b") as file:
            if file.read(self.top.size) != self.top.written:
                file.truncate(0)
                os.pwrite(file.fileno(), self.top.written, 0)
            for offset, chunk in self.chunks:
                if digest(os.pread(file.fileno(), chunk.stored, offset)) != chunk.sealed:
                    break
                self.done += 1

    def put(self, content: bytes) -> bool:
        """Add the next chunk; False where it is not that chunk. May raise `OSError`."""
        offset, chunk = self.chunks[self.done]
        if digest(content) != chunk.sealed:
            return False
        with self.file.open("r+b") as file:
            os.pwrite(file.fileno(), content, offset)
            os.fsync(file.fileno())
        self.done += 1
        return True


class Gatherer:
    """Asks neighbours for a newer version than runs and lies here. `visit` opens a visit to an address."""

    def __init__(
        self,
        data: Path,
        floor_bytes: int,
        visit: Callable[[Address], Visit],
        ticks: Callable[[], float],
        open_part: Path = OPEN,
    ) -> None:
        self._data, self._floor, self._visit, self._ticks, self._open = data, floor_bytes, visit, ticks, open_part
        self._asked: dict[NodeId, float] = {}
        self._offers: dict[NodeId, str] = {}
        self._arriving: Arriving | None = None

    def step(self, neighbours: Mapping[NodeId, Address]) -> bool:
        """Do one thing: one question, or one chunk. Returns whether there was any. Raises `StoreFault`."""
        due = next((node for node in neighbours if self._ticks() >= self._asked.get(node, 0.0)), None)
        if due is not None:
            self._within(due, lambda: self._ask(due, neighbours[due]))
            return True
        givers = [node for node in self._offers if node in neighbours]
        if not givers:
            return False
        giver = max(givers, key=lambda node: number(self._offers[node]))
        self._within(giver, lambda: self._go_on(giver, neighbours[giver]))
        return True

    def _within(self, node: NodeId, act: Callable[[], None]) -> None:
        """Leave a neighbour alone for a while that does not answer as it should, or has nothing that may be taken."""
        try:
            act()
        except (Disappointed, Refused) as fault:
            LOG.info("No update from %s: %s", written(node)[:8], fault)
            self._offers.pop(node, None)
            self._asked[node] = self._ticks() + PAUSE_S
        except OSError as fault:
            raise StoreFault(
                f"{self._data / held.DIRECTORY} cannot be written: {fault.strerror}. Look at the card."
            ) from fault

    def _ask(self, node: NodeId, address: Address) -> None:
        self._asked[node] = self._ticks() + ASK_S
        self._offers.pop(node, None)
        try:
            told = OFFERED.fullmatch(self._visit(address).whole(OFFER, OFFER_SIZE_MAX).decode("ascii", "replace"))
        except Disappointed as fault:
            if fault.how is Disappointment.LACKS:
                return
            raise
        if told and number(told[1]) > number(held.here(self._open).version) and self._is_newer(told[1]):
            self._offers[node] = told[1]

    def _is_newer(self, version: str) -> bool:
        kept = held.path(self._data)
        return kept is None or f"hedgerow-{version}.update" != kept.name

    def _go_on(self, node: NodeId, address: Address) -> None:
        if self._arriving is None or self._arriving.top.header.version != self._offers[node]:
            self._begin(self._offers[node], address)
            return
        arriving = self._arriving
        if not arriving.is_whole:
            chunk = self._visit(address).part(f"{OFFER}file", arriving.part())
            if not arriving.put(chunk):
                raise Disappointed(Disappointment.WRONG, "a chunk that is not of that update")
            return
        held.keep(arriving.file, arriving.file.with_suffix(".update"))
        LOG.info("Version %s came from a neighbour, and lies ready.", arriving.top.header.version)
        self._arriving = None
        self._offers.clear()

    def _begin(self, version: str, address: Address) -> None:
        """Take the beginning of an update, and believe it only with its signatures."""
        raw = self._visit(address).whole(f"{OFFER}top", TOP_SIZE_MAX)
        top = Top.read("The update", lambda offset, size: raw[offset : offset + size])
        check(top, held.keepers(self._open), held.here(self._open))
        if top.header.version != version or not held.is_newer(top, self._data):
            raise Disappointed(Disappointment.OTHER, "another version than it told")
        arriving = Arriving(top, held.target_of(top, self._data, self._floor).with_suffix(".arriving"))
        arriving.begin()
        self._arriving = arriving
