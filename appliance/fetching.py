"""Wanted files are fetched from neighbours' pages (mesh/spec/blob-v1.md), in a thread of the daemon's own: nothing waits for it.

One file and one request at a time, the rarest file first, from all who have it in turn. What a neighbour does wrong costs
one chunk; then it is left alone for a while, twice as long each time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from appliance import radio_switch
from appliance.desks.lending import LENT_MAX, Sought
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.power.ladder import Step
from appliance.roads import own_address
from appliance.store.database import Version
from appliance.updates.gathering import Gatherer
from appliance.visiting import Disappointed, Disappointment, Part, Visit
from mesh.addresses import Address
from mesh.blob import CHUNK_SIZE, ChunkList, chunk_count, chunk_size
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE, NodeId, written

LOOK_S: Final = 5.0  # how often the store is asked whether something is wanted
LIST_S: Final = 600.0  # how often a neighbour is asked for its list, while nothing is wanted
SOON_S: Final = 60.0  # and while something is
PAUSES_S: Final = {  # the first pause after a disappointment, and the longest
    Disappointment.AWAY: (30.0, 900.0),
    Disappointment.SLOW: (60.0, 3600.0),
    Disappointment.WRONG: (600.0, 86_400.0),
}
PAIR_PAUSE_S: Final = (600.0, 86_400.0)  # of one neighbour and one file, where what they tell of it differs
FILE_PAUSE_S: Final = (60.0, 3600.0)
SPOILED_PAUSE_S: Final = (600.0, 86_400.0)
REMEMBERED_MAX: Final = 1024
TROUBLE_S: Final = 60.0
END_S: Final = 10.0

LOG: Final = logging.getLogger("hedgerow.fetching")


@dataclass
class Patience:
    """Who or what is left alone, until when, and how often that was needed."""

    ticks: Callable[[], float]
    _pauses: dict[Hashable, tuple[float, int]] = field(default_factory=dict)

    def leave(self, what: Hashable, first_s: float, longest_s: float) -> None:
        times = self._pauses.pop(what, (0.0, 0))[1]
        while len(self._pauses) >= REMEMBERED_MAX:
            del self._pauses[next(iter(self._pauses))]
        self._pauses[what] = (self.ticks() + min(longest_s, first_s * 2 ** min(times, 20)), times + 1)

    def is_left(self, what: Hashable) -> bool:
        return self._pauses.get(what, (0.0, 0))[0] > self.ticks()

    def forget(self, what: Hashable) -> None:
        self._pauses.pop(what, None)


@dataclass
class Fetch:
    """One file on its way: `chunks` vouches for each chunk, where a record names a list; else all comes from `source`."""

    wanted: Sought
    chunks: ChunkList | None = None
    next: int = 0
    source: NodeId | None = None

    @property
    def path(self) -> str:
        return f"/blob/{self.wanted.blob.hex()}"

    @property
    def is_whole(self) -> bool:
        return self.next >= chunk_count(self.wanted.size)

    def part(self) -> Part:
        first = self.next * CHUNK_SIZE
        return Part(first, first + chunk_size(self.wanted.size, self.next) - 1, self.wanted.size)


class Fetcher:
    """`announced` tells where neighbours say that their pages answer; `ending` ends a visit in the middle."""

    def __init__(
        self,
        node: Node,
        announced: Callable[[], Mapping[NodeId, Address]],
        ending: threading.Event,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._node = node
        self._announced = announced
        self._ending = ending
        self._ticks = ticks
        self._patience = Patience(ticks)
        self._fetch: Fetch | None = None
        settings = node.settings
        self._gatherer = Gatherer(settings.data, settings.archive.free_space_floor_bytes, self._visit, ticks)
        self._asked: dict[NodeId, float] = {}
        self._turn = 0
        self._seen: Version | None = None
        self._look_at = 0.0
        self._sought: list[Sought] = []

    def run(self) -> None:
        """Fetch until `ending` is set."""
        while not self._ending.is_set():
            try:
                rest_s = self.step()
            except StoreFault as fault:
                LOG.warning("%s No file is fetched for a minute.", fault)
                self._fetch, rest_s = None, TROUBLE_S
            if rest_s:
                self._ending.wait(rest_s)
        self._node.close()  # this thread's connection

    def step(self) -> float:
        """Do one thing; return for how many seconds there is nothing to do. Raises `StoreFault`."""
        neighbours = self._neighbours()
        if not neighbours:
            self._fetch = None
            return LOOK_S
        self._look()
        for node, address in neighbours.items():
            if self._is_due(node):
                self._ask_for_list(node, address)
                return 0.0
        if self._fetch is None and not self._choose(neighbours):
            return 0.0 if self._node.fetches_versions() and self._gatherer.step(neighbours) else LOOK_S
        self._go_on(neighbours)
        return 0.0

    def _neighbours(self) -> dict[NodeId, Address]:
        """Return whom to ask: those that are known by an address of the neighbourhood, and not left alone."""
        settings = self._node.settings
        if not self._may_fetch():
            return {}
        own = own_address(settings)
        known = self._node.introduced_addresses() | dict(self._announced())
        return {
            node: address
            for node, address in sorted(known.items())
            if node != self._node.node_id
            and address != own
            and (not address.is_own_machine or (own and own.is_own_machine))
            and not self._patience.is_left(node)
        }

    def _may_fetch(self) -> bool:
        """Files can wait: for the keeper's word, for the roads, and for the sun."""
        settings = self._node.settings
        wanted = settings.archive.fetch_from_neighbours and radio_switch.is_on(settings.data)
        return wanted and self._node.power_step() < Step.ECONOMY

    def _look(self) -> None:
        """See what is wanted, if anything was written since the last look."""
        version = self._node.database.version()
        if version != self._seen or self._ticks() >= self._look_at:
            self._seen, self._look_at = version, self._ticks() + SOON_S
            self._sought = self._node.sought()

    def _is_due(self, node: NodeId) -> bool:
        pause_s = SOON_S if self._fetch is None and self._node.is_anything_wanted() else LIST_S
        return node not in self._asked or self._ticks() - self._asked[node] >= pause_s

    def _ask_for_list(self, node: NodeId, address: Address) -> None:
        self._asked[node] = self._ticks()
        with self._disappointed(node):
            raw = self._visit(address).whole("/blob/", LENT_MAX * DIGEST_SIZE)
            if len(raw) % DIGEST_SIZE:
                raise Disappointed(Disappointment.WRONG, "a list with half a digest")
            self._node.note_lent(node, (raw[at : at + DIGEST_SIZE] for at in range(0, len(raw), DIGEST_SIZE)))

    def _visit(self, address: Address) -> Visit:
        return Visit(address, self._ending.is_set, ticks=self._ticks)

    @contextmanager
    def _disappointed(self, node: NodeId) -> Iterator[None]:
        """Leave a neighbour alone that does not answer as it should."""
        try:
            yield
        except Disappointed as fault:
            self.counters[fault.how.name.lower()] += 1
            LOG.info("A file could not be fetched from %s: %s.", written(node)[:8], fault)
            if fault.how in PAUSES_S:
                self._patience.leave(node, *PAUSES_S[fault.how])
            elif self._fetch and fault.how is Disappointment.OTHER:
                self._patience.leave((node, self._fetch.wanted), *PAIR_PAUSE_S)
            elif self._fetch:
                self._node.note_lacks(node, self._fetch.wanted.blob)
            if fault.how is Disappointment.WRONG:
                self._node.note_wrong_answer(node)

    # one file

    def _choose(self, neighbours: Mapping[NodeId, Address]) -> bool:
        """Take up the rarest file that somebody has who can be asked. Returns whether there is one."""
        for wanted in self._sought:
            if self._patience.is_left(wanted) or not self._holders(wanted, neighbours):
                continue
            if self._node.begin_fetch(wanted):
                self._fetch = Fetch(wanted)
                return True
        return False

    def _go_on(self, neighbours: Mapping[NodeId, Address]) -> None:
        """Fetch the next chunk, or give the whole file its name."""
        fetch = self._fetch
        assert fetch is not None
        if fetch.is_whole:
            self._finish(fetch)
            return
        holders = self._holders(fetch.wanted, neighbours)
        if not holders or not self._node.is_sought(fetch.wanted):
            self._patience.leave(fetch.wanted, *FILE_PAUSE_S)
            self._fetch = None
            return
        node = self._next_of(holders, fetch)
        with self._disappointed(node):
            if fetch.wanted.chunks and fetch.chunks is None:
                self._take_list(fetch, neighbours[node])
            else:
                self._take_chunk(fetch, node, neighbours[node])

    def _holders(self, wanted: Sought, neighbours: Mapping[NodeId, Address]) -> list[NodeId]:
        """Return who has a file and can be asked for it."""
        found = (node for node in self._node.holders(wanted.blob) if node in neighbours)
        return [node for node in found if not self._patience.is_left((node, wanted))]

    def _next_of(self, holders: list[NodeId], fetch: Fetch) -> NodeId:
        """Return whose turn it is. Without a list, one neighbour brings the whole file, for nobody could tell who spoiled it."""
        if fetch.source in holders:
            return fetch.source
        self._turn += 1
        node = holders[self._turn % len(holders)]
        if not fetch.wanted.chunks:
            fetch.source, fetch.next = node, 0
        return node

    def _take_list(self, fetch: Fetch, address: Address) -> None:
        wanted = fetch.wanted
        raw = self._visit(address).whole(f"{fetch.path}/chunks", chunk_count(wanted.size) * DIGEST_SIZE)
        try:
            fetch.chunks = ChunkList.parse(raw, wanted.size, wanted.chunks)
        except Malformed as fault:
            raise Disappointed(Disappointment.OTHER, str(fault)) from fault
        while (
            not self._ending.is_set() and not fetch.is_whole and fetch.chunks.vouches_for(fetch.next, self._here(fetch))
        ):
            fetch.next += 1
        self.counters["chunks kept from before"] += fetch.next

    def _here(self, fetch: Fetch) -> bytes:
        """Return what is on the card of the next chunk, from before a pulled plug."""
        return self._node.blobs.fetched(fetch.wanted.blob, fetch.next)

    def _take_chunk(self, fetch: Fetch, node: NodeId, address: Address) -> None:
        chunk = self._visit(address).part(fetch.path, fetch.part())
        self.counters["bytes"] += len(chunk)
        if fetch.chunks and not fetch.chunks.vouches_for(fetch.next, chunk):
            raise Disappointed(Disappointment.WRONG, "a chunk that is not of that file")
        if not self._node.blobs.put_chunk(fetch.wanted.blob, fetch.next, chunk):
            self._fetch = None  # taken back meanwhile
            return
        self._patience.forget(node)
        self.counters["chunks"] += 1
        fetch.next += 1

    def _finish(self, fetch: Fetch) -> None:
        self._fetch = None
        if self._node.finish_fetch(fetch.wanted.blob):
            self.counters["files"] += 1
            self._patience.forget(fetch.wanted)
            return
        self.counters["spoiled"] += 1
        if fetch.source is None:  # each chunk was right by a list that is none of this file: its record is wrong
            self._patience.leave(fetch.wanted, *SPOILED_PAUSE_S)
        else:
            self._patience.leave(fetch.source, *PAUSES_S[Disappointment.WRONG])
            self._node.note_wrong_answer(fetch.source)


@contextmanager
def fetching(node: Node, announced: Callable[[], Mapping[NodeId, Address]]) -> Iterator[Fetcher]:
    """Fetch in the background while the block lasts."""
    ending = threading.Event()
    fetcher = Fetcher(node, announced, ending)
    thread = threading.Thread(target=fetcher.run, name="fetching", daemon=True)
    thread.start()
    try:
        yield fetcher
    finally:
        ending.set()
        thread.join(END_S)
