"""Files, a few pieces at a time: asked for as bitmaps, sent by whoever holds them, kept by all who want them.

Lowest in rank: wants for files wait where records move, and a holder sends a few packets, then lets others speak.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from math import inf
from typing import Final

from mesh.blob import PIECE_SIZE, BlobWant, piece_count, piece_size
from mesh.carousel import Listening, Playing
from mesh.effects import DeliverFile, DeliverPiece
from mesh.errors import Malformed
from mesh.holdings import Holdings
from mesh.packet import BITMAP_SIZE_MAX, BLOB_PREFIX_SIZE, HEAD_SIZE, Pieces, PiecesWant
from mesh.shorthand import NARROW_MAX
from mesh.symbol import Symbol
from mesh.timing import Timing
from mesh.trickle import Chance

OWED_BLOBS_MAX: Final = 4
BURST_PACKETS: Final = 4
OWED_PACKETS_MAX: Final = 40  # what one want can make us send
INDEX_SIZE_MAX: Final = 3
PIECES_OVERHEAD: Final = HEAD_SIZE + BLOB_PREFIX_SIZE + INDEX_SIZE_MAX
WANT_OVERHEAD: Final = HEAD_SIZE + 4 + 32 + INDEX_SIZE_MAX
INDEX_MAX: Final = 2**21  # what three bytes of a number can tell, and 150 MB of a file


class Blobcast:
    """The talk about files on one road."""

    def __init__(
        self,
        handle: bytes,
        holdings: Holdings,
        packet_size_max: int,
        timing: Timing,
        rng: Chance,
        counters: Counter[str],
    ) -> None:
        self._handle = handle
        self._holdings = holdings
        self._pieces_max = (packet_size_max - PIECES_OVERHEAD) // PIECE_SIZE
        self._bits_max = 8 * min(BITMAP_SIZE_MAX, packet_size_max - WANT_OVERHEAD)
        self._timing = timing
        self._rng = rng
        self._counters = counters
        self._owed: OrderedDict[bytes, set[int]] = OrderedDict()
        self._owed_at = 0.0
        self._wanted: dict[bytes, BlobWant] = {}
        self._looked_at = -inf
        self._ask_at: float | None = None
        self._last_missing = 0
        self._pause = timing.retry
        self._listening = Listening(counters)
        self._playing = Playing(holdings, packet_size_max, timing, rng) if packet_size_max <= NARROW_MAX else None

    # --- what others say

    def hear_want(self, want: PiecesWant, now: float) -> None:
        """Owe what is asked for, where the file is here; and do not ask for what is being sent anyway."""
        mine = self._wanted.get(want.blob)
        if mine and set(mine.missing) <= set(want.missing):
            self._put_off(now + self._timing.retry)
        if self._holdings.blob_piece(want.blob, want.missing[0]) is None:
            return
        if want.blob not in self._owed and len(self._owed) >= OWED_BLOBS_MAX:
            self._counters["files asked for beyond what is served at once"] += 1
            return
        if not self._owed:
            self._owed_at = now + self._timing.slot(self._rng)
        wanted = [index for index in want.missing if index < INDEX_MAX][: OWED_PACKETS_MAX * self._pieces_max]
        self._owed.setdefault(want.blob, set()).update(wanted)

    def hear(self, peer: str, packet: Pieces | Symbol, now: float) -> Sequence[DeliverPiece | DeliverFile]:
        """Keep what belongs to a file that is wanted. Raises `Malformed`."""
        if isinstance(packet, Pieces):
            return self.hear_pieces(packet, now)
        self._look(now)
        return self._listening.hear(peer, packet, self._wanted.values())

    def hear_pieces(self, pieces: Pieces, now: float) -> list[DeliverPiece]:
        """Keep pieces of a file that is wanted. Raises `Malformed` where their sizes are not those of the file."""
        for blob in self._owed:
            if blob.startswith(pieces.prefix):
                self._owed[blob] -= set(range(pieces.first, pieces.first + piece_count(len(pieces.content))))
                self._give_way(now)
        self._look(now)
        found = [want for want in self._wanted.values() if want.blob.startswith(pieces.prefix)]
        if found:
            self._put_off(now + self._timing.quiet)
        return [effect for want in found for effect in _delivered(want, pieces)]

    def _give_way(self, now: float) -> None:
        """Another holder speaks. Should both have begun at once, chance decides who goes on."""
        pause = self._rng.uniform(0.0, 2 * BURST_PACKETS * self._timing.packet)
        self._owed_at = max(self._owed_at, now + self._timing.quiet + pause)

    def _put_off(self, moment: float) -> None:
        if self._ask_at is not None:
            self._ask_at = max(self._ask_at, moment)

    # --- what this node says

    def look(self, now: float, *, is_idle: bool) -> None:
        """See which files are wanted; a new wish is spoken in a slot. Where the air is not idle, nothing is played."""
        self._look(now)
        if self._playing and not (is_idle and self._is_calm(now)):
            self._playing.later(now + self._timing.quiet)
        if not self._wanted:
            self._ask_at = None
        elif self._ask_at is None:
            self._ask_at = now + self._timing.slot(self._rng)

    def _is_calm(self, now: float) -> bool:
        """Whether nothing was asked for, and nothing is about to be."""
        return not self._owed and (self._ask_at is None or self._ask_at > now + self._timing.quiet)

    def play(self, now: float) -> list[bytes]:
        """Return a row of a file that nobody asked for, if it is time."""
        return self._playing.speak(now) if self._playing else []

    def _look(self, now: float) -> None:
        if now - self._looked_at >= self._timing.slot_max:
            self._looked_at = now
            self._wanted = {want.blob: want for want in self._holdings.wanted_blobs() if want.missing}

    def speak(self, now: float) -> list[bytes]:
        """Return a few packets of pieces if their slot has come, else a want if it is time."""
        if self._owed and self._owed_at <= now:
            return self._some_pieces(now)
        if self._ask_at is not None and self._ask_at <= now:
            return self._some_wants(now)
        return []

    def _some_pieces(self, now: float) -> list[bytes]:
        packets: list[bytes] = []
        while self._owed and len(packets) < BURST_PACKETS:
            blob, owed = next(iter(self._owed.items()))
            packet = self._packet(blob, owed) if owed else None
            if packet is None:
                del self._owed[blob]
            else:
                packets.append(packet.encode())
        self._owed_at = now + len(packets) * self._timing.packet + self._timing.slot(self._rng)
        return packets

    def _packet(self, blob: bytes, owed: set[int]) -> Pieces | None:
        """Return the first owed pieces that follow one another, None where the file has no such pieces."""
        first = min(owed)
        content = b""
        for index in range(first, first + self._pieces_max):
            piece = self._holdings.blob_piece(blob, index) if index in owed else None
            if piece is None:
                break
            owed.discard(index)
            content += piece
        return Pieces(blob[:BLOB_PREFIX_SIZE], first, content) if content else None

    def _some_wants(self, now: float) -> list[bytes]:
        """Ask for one file, another each time; seldomer while nothing comes."""
        self._looked_at = -inf
        self._look(now)
        if not self._wanted:
            self._ask_at = None
            return []
        missing = sum(len(want.missing) for want in self._wanted.values())
        moves = missing != self._last_missing
        self._pause = self._timing.retry if moves else min(2 * self._pause, self._timing.imax)
        self._last_missing = missing
        self._ask_at = now + self._pause
        names = sorted(self._wanted)
        want = self._wanted[names[int(self._rng.uniform(0, len(names) - 0.001))]]
        first = min(want.missing)
        indices = tuple(sorted(index for index in want.missing if index - first < self._bits_max))
        return [PiecesWant(self._handle, want.blob, indices).encode()]

    def next_wake(self) -> float | None:
        """Return when something may be said, as far as is known."""
        moments = [self._owed_at] if self._owed else []
        wakes = self._ask_at, self._playing.wake if self._playing else None
        return min([*moments, *(moment for moment in wakes if moment is not None)], default=None)


def _delivered(want: BlobWant, pieces: Pieces) -> list[DeliverPiece]:
    missing = set(want.missing)
    found: list[DeliverPiece] = []
    content = pieces.content
    index = pieces.first
    while content:
        size = piece_size(want.size, index) if index < piece_count(want.size) else 0
        if not size or len(content) < size:
            raise Malformed("pieces of a file have other sizes than the file")
        if index in missing:
            found.append(DeliverPiece(want.blob, index, content[:size]))
        content = content[size:]
        index += 1
    return found
