"""Small files played in idle air, to nobody in particular: any of their coded rows will do, whoever tuned in when.

Who plays goes on from row to row, and round again after 256; who listens keeps the rows of files that are wanted here, until
they are enough. Two who play begin at different rows, so both help. Nothing is asked for and nothing is answered.

No row is signed. A file is believed when all of it has its name; if it has not, all its rows are dropped, and from then on rows
of different senders are kept apart, so that one who lies spoils only what came under the same address.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from math import inf
from typing import Final

from mesh.blob import BlobWant, blob_id, piece_count
from mesh.effects import DeliverFile
from mesh.erasure import ROWS_MAX, coded, solved
from mesh.errors import Malformed
from mesh.holdings import Holdings
from mesh.symbol import PREFIX_SIZE, SYMBOL_OVERHEAD, Symbol
from mesh.timing import Timing
from mesh.trickle import Chance

PARTS_MAX: Final = 96  # more would take a small board long to solve
SPARE: Final = 4  # of so many rows one more is played in a turn, for what gets lost
PACKET_SIZES: Final = (231, 165)  # where radios do not sign, and where they do: a file is cut for one of them
COLLECTIONS_MAX: Final = 16  # of rows, each at most a file long
COLLECTIONS_OF_FILE_MAX: Final = 4
PLAYED_MAX: Final = 64
SUSPECTS_MAX: Final = 16

Key = tuple[
    bytes, str, int
]  # the file, whose rows alone they are where somebody lied, and into how many parts it is cut


def part_count(size: int, part_max: int) -> int:
    """Return into how many equal parts of at most `part_max` bytes a file is cut."""
    return -(-size // part_max)


def _is_cut(size: int, count: int, part: int) -> bool:
    """Whether a file of `size` bytes is ever cut into `count` parts of `part` bytes: nobody can invent others."""
    if not 1 <= count <= PARTS_MAX or part_size(size, count) != part:
        return False
    return any(part_count(size, packet - SYMBOL_OVERHEAD) == count for packet in PACKET_SIZES)


def part_size(size: int, count: int) -> int:
    """Return the bytes of each of `count` parts; the last is filled with zeros."""
    return -(-size // count)


class Listening:
    """The rows heard of files that are wanted, on one road."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._rows: OrderedDict[Key, dict[int, bytes]] = OrderedDict()
        self._suspect: OrderedDict[bytes, None] = OrderedDict()  # files whose rows came out wrong

    def hear(self, peer: str, symbol: Symbol, wanted: Iterable[BlobWant]) -> list[DeliverFile]:
        """Return the file that this row completes. Raises `Malformed` where no such file has rows of this size."""
        want = next((one for one in wanted if one.blob.startswith(symbol.prefix)), None)
        if want is None:
            return []
        count = part_count(want.size, len(symbol.content))
        if not _is_cut(want.size, count, len(symbol.content)):
            raise Malformed("no file that is wanted has parts of this size")
        source = peer if want.blob in self._suspect else ""
        key = (want.blob, source, count)
        rows = self._collection(key)
        rows.setdefault(symbol.row, symbol.content)
        if len(rows) < count:
            return []
        del self._rows[key]
        return self._put_together(want, rows, count)

    def _collection(self, key: Key) -> dict[int, bytes]:
        """Return the rows of this key. Rows for one file never put out those of another as long as there is room."""
        rows = self._rows[key] = self._rows.pop(key, {})
        others = [other for other in self._rows if other != key]
        of_file = [other for other in others if other[0] == key[0]]
        if len(of_file) >= COLLECTIONS_OF_FILE_MAX:
            self._put_out(of_file)
        elif len(others) >= COLLECTIONS_MAX:
            self._put_out(others)
        return rows

    def _put_out(self, keys: list[Key]) -> None:
        """Forget the rows of which there are fewest, of equals those fed longest ago: a liar must say more than the honest."""
        del self._rows[min(keys, key=lambda key: len(self._rows[key]))]

    def _put_together(self, want: BlobWant, rows: dict[int, bytes], count: int) -> list[DeliverFile]:
        content = b"".join(solved(rows, count))
        if blob_id(content[: want.size]) == want.blob and not any(content[want.size :]):
            self._counters["files heard whole"] += 1
            return [DeliverFile(want.blob, content[: want.size])]
        self._counters["files that came out wrong"] += 1
        self._suspect[want.blob] = None
        if len(self._suspect) > SUSPECTS_MAX:
            self._suspect.popitem(last=False)
        return []


class Playing:
    """The files that this node plays on one road: one after the other, a row at a time."""

    def __init__(self, holdings: Holdings, packet_size_max: int, timing: Timing, rng: Chance) -> None:
        self._holdings = holdings
        self._part_max = packet_size_max - SYMBOL_OVERHEAD
        self._timing = timing
        self._rng = rng
        self.due = -inf
        self._queue: deque[tuple[bytes, int]] = deque()
        self._blob = b""
        self._parts: list[bytes] = []
        self._left = 0  # rows of this file in this turn
        self._next_row: OrderedDict[bytes, int] = OrderedDict()

    @property
    def wake(self) -> float | None:
        """When to look whether the next row may be played; where nothing is, there is time until something else happens."""
        return self.due if self._left or self._queue else None

    def later(self, moment: float) -> None:
        """Something else is going on."""
        self.due = max(self.due, moment)

    def speak(self, now: float) -> list[bytes]:
        """Return one row, if it is time and there is anything to play."""
        if now < self.due:
            return []
        is_first = self.due == -inf
        self.due = now + self._timing.carousel + self._timing.slot(self._rng)
        if is_first or not self._is_ready():
            return []
        self._left -= 1
        row = self._turn()
        content = self._parts[row] if row < len(self._parts) else coded(self._parts, row)
        return [Symbol(self._blob[:PREFIX_SIZE], row, content).encode()]

    def _is_ready(self) -> bool:
        """Whether there is a file to play; one that was taken back is not."""
        if self._left and self._holdings.blob_piece(self._blob, 0) is not None:
            return True
        if not self._queue:
            self._queue.extend(self._holdings.offered_blobs())
        while self._queue:
            self._blob, size = self._queue.popleft()
            self._parts = self._cut(self._blob, size)
            self._left = len(self._parts) + len(self._parts) // SPARE + 1 if self._parts else 0
            if self._left:
                return True
        return False

    def _cut(self, blob: bytes, size: int) -> list[bytes]:
        """Return the parts of a file; none where it is too large for this road, empty, or not what its name says."""
        count = part_count(size, self._part_max)
        if not 1 <= count <= PARTS_MAX:
            return []
        content = b"".join(self._holdings.blob_piece(blob, index) or b"" for index in range(piece_count(size)))
        if blob_id(content) != blob:
            return []
        step = part_size(size, count)
        return [content[at : at + step].ljust(step, b"\0") for at in range(0, count * step, step)]

    def _turn(self) -> int:
        """Return the row that is next; of a file that was not played lately, any."""
        row = self._next_row.pop(self._blob, None)
        if row is None:
            row = int(self._rng.uniform(0, ROWS_MAX - 0.001))
        self._next_row[self._blob] = (row + 1) % ROWS_MAX
        if len(self._next_row) > PLAYED_MAX:
            self._next_row.popitem(last=False)
        return row
