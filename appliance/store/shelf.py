"""The zine views: what is on the shelf, what is wanted, and finding words in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from appliance.errors import StoreFault
from appliance.kinds import TEXTS, ZineCard
from appliance.library import Rack, Subject
from appliance.settings import Archive
from appliance.store import searching
from appliance.store.blobs import Blobs
from appliance.store.database import Database, Row
from appliance.store.extracts import Extracts
from appliance.store.records import Log
from mesh.blob import ChunkList
from mesh.keys import NodeId
from mesh.record import Record

INDEXED_BYTES_MAX: Final = 1 << 20


class Card(NamedTuple):
    """What is known of a zine without looking into its file; from `trouble` on None where nobody has looked yet."""

    no: int
    log: bytes
    seq: int
    blob: bytes
    size: int
    media_type: str
    title: str
    creator: str
    language: str
    description: str
    series: str
    issue: str
    licence: str
    tags: str  # one a line
    node: bytes
    at: int
    node_name: str | None
    is_wanted: int
    copies: int
    trouble: str | None
    pages: int
    has_cover: int
    removed: str  # words with spaces between them
    shelved: int
    hidden: int


# In the order of `Card`.
CARD_COLUMNS: Final = (
    "zine.no, log.log, zine.seq, zine.blob, zine.size, media_type, zine.title, zine.creator, language, zine.description,"
    " series, issue, licence, zine.tags, log.node, zine.at,"
    " (SELECT name FROM node_name WHERE node_name.node = log.node),"
    " EXISTS (SELECT 1 FROM wanted WHERE wanted.blob = zine.blob),"
    " (SELECT count(*) FROM holding WHERE holding.blob = zine.blob), trouble, coalesce(pages, 0), small_cover IS NOT NULL,"
    " coalesce(removed, ''), coalesce(shelved, 0), coalesce(hidden, 0)"
)
CARD_TABLES: Final = (
    "zine JOIN log ON zine.log_no = log.no LEFT JOIN shelving ON shelving.log = log.log AND shelving.seq = zine.seq"
    " LEFT JOIN extract ON extract.blob = zine.blob"
)
RACKS: Final[Mapping[Rack, str]] = {
    Rack.SHELF: "shelved = 1 AND hidden = 0",
    Rack.ARRIVALS: "coalesce(shelved, 0) = 0 AND coalesce(hidden, 0) = 0",
    Rack.NEW: "shelved IS NULL",
    Rack.HIDDEN: "hidden = 1",
    Rack.OPEN: "coalesce(hidden, 0) = 0",
}
About = tuple[Subject, str]
SUBJECTS: Final[Mapping[Subject, tuple[str, str]]] = {  # the column, and the condition that it holds a name
    Subject.LANGUAGE: ("language", "language = ?"),
    Subject.SERIES: ("series", "series = ?"),
    Subject.TAG: ("zine.tags", "instr(char(10) || zine.tags || char(10), char(10) || ? || char(10))"),
}
NAMED_BY: Final = (
    "SELECT 1 FROM zine JOIN log ON log_no = log.no LEFT JOIN shelving ON shelving.log = log.log AND shelving.seq = zine.seq"
    " WHERE blob = ?"
)


class Shelf:
    """`node` is whose shelf it is: what it published itself needs no keeper's word to stand there."""

    def __init__(self, database: Database, blobs: Blobs, archive: Archive, node: NodeId) -> None:
        self._database = database
        self._blobs = blobs
        self._archive = archive
        self._node = node
        self.extracts = Extracts(database)

    def arrive(self, log: Log, seq: int, record: Record) -> None:
        """Take a zine's card in; ask for its file where it stands on the shelf, is small and not here."""
        card = ZineCard.read(record)
        if not card.title:  # withdrawn otherwise, or nothing that could stand on a shelf
            return
        self._database.run(
            "INSERT INTO zine (log_no, seq, blob, size, media_type, title, creator, language, description, series, issue,"
            " licence, tags, chunks, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(log.no, seq, card.blob, card.size, card.media_type, card.title, card.creator, card.language),
            *(card.description, card.series, card.issue, card.licence, "\n".join(card.tags)),
            *(card.chunks, record.fields()[1]),
        )
        self._place(log, seq, card.blob)
        no = self._database.value("SELECT no FROM zine WHERE log_no = ? AND seq = ?", log.no, seq)
        if self._blobs.has(card.blob):
            self._index(no, card.blob)
        else:
            self._index_card(no, "")
            if card.size <= self._archive.fetch_limit_bytes and self.stands(card.blob):
                self.want(card.blob, card.size)

    def _place(self, log: Log, seq: int, blob: bytes) -> None:
        """Put it on the shelf if it was published here, or if arrivals need no keeper's word. Its publisher has its file."""
        if log.node == self._node or self._archive.shelve_arrivals:
            self._database.run("INSERT INTO shelving VALUES (?, ?, 1, 0) ON CONFLICT DO NOTHING", log.log, seq)
        if log.node != self._node:
            self.note_holder(blob, log.node)

    def note_holder(self, blob: bytes, node: NodeId) -> None:
        """Note that a neighbour node is known to hold a file."""
        self._database.run("INSERT INTO holding VALUES (?, ?) ON CONFLICT DO NOTHING", blob, node)

    def stands(self, blob: bytes) -> bool:
        """Whether a zine on the shelf is this file: such files are handed out to anybody."""
        return self._database.row(f"{NAMED_BY} AND {RACKS[Rack.SHELF]}", blob) is not None

    def is_open(self, blob: bytes) -> bool:
        """Whether a zine that is not hidden is this file: such files are carried on."""
        return self._database.row(f"{NAMED_BY} AND {RACKS[Rack.OPEN]}", blob) is not None

    def small_texts(self, size_max: int, limit: int) -> list[tuple[bytes, int]]:
        """Return name and size of texts that stand on the shelf and are here, the newest first."""
        rows = self._database.rows(
            f"SELECT blob, max(size) FROM {CARD_TABLES.partition(' LEFT JOIN extract')[0]} WHERE {RACKS[Rack.SHELF]}"
            " AND size BETWEEN 1 AND ? AND media_type IN (?, ?) GROUP BY blob ORDER BY max(zine.no) DESC LIMIT ?",
            *(size_max, *TEXTS, limit),
        )
        return [(blob, size) for blob, size in rows if self._blobs.has(blob)]

    def put(self, log: bytes, seq: int, shelved: bool, hidden: bool) -> None:
        """Note what a keeper decided."""
        self._database.run(
            "INSERT INTO shelving VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET shelved = ?3, hidden = ?4",
            *(log, seq, shelved, hidden),
        )

    def count(self, rack: Rack) -> int:
        """Return how many zines stand there."""
        return int(self._database.value(f"SELECT count(*) FROM {CARD_TABLES} WHERE {RACKS[rack]}"))

    def want(self, blob: bytes, size: int) -> None:
        self._database.run("INSERT INTO wanted (blob, size) VALUES (?, ?) ON CONFLICT DO NOTHING", blob, size)

    def has_arrived(self, blob: bytes) -> None:
        """Make the words of a file that is here now findable."""
        self._database.run("DELETE FROM wanted WHERE blob = ?", blob)
        for (no,) in self._database.rows("SELECT no FROM zine WHERE blob = ?", blob):
            self._unindex(no)
            self._index(no, blob)

    def forget(self, log: Log, seq: int) -> None:
        """Take a withdrawn zine off the shelf; `sweep` frees its file, unless another zine is the same file."""
        row = self._database.row("SELECT no, blob FROM zine WHERE log_no = ? AND seq = ?", log.no, seq)
        if row is None:
            return
        no, blob = row
        self._unindex(no)
        self._database.run("DELETE FROM zine WHERE no = ?", no)
        for table in ("shelving", "report"):
            self._database.run(f"DELETE FROM {table} WHERE log = ? AND seq = ?", log.log, seq)
        if self._database.row("SELECT 1 FROM zine WHERE blob = ?", blob) is None:
            for table in ("wanted", "holding", "chunk_list"):
                self._database.run(f"DELETE FROM {table} WHERE blob = ?", blob)
            self._database.run("INSERT INTO unneeded (blob) VALUES (?) ON CONFLICT DO NOTHING", blob)

    def lose(self, blob: bytes) -> None:
        """Forget the words of a file that is let go; what is told about its zines stays findable."""
        for (no,) in self._database.rows("SELECT no FROM zine WHERE blob = ?", blob):
            self._unindex(no)
            self._index_card(no, "")
        self._database.run("DELETE FROM chunk_list WHERE blob = ?", blob)
        self.extracts.drop(blob)

    def keep_chunk_list(self, blob: bytes, chunks: ChunkList) -> None:
        """Keep the list by which neighbours check each chunk that they fetch here."""
        self._database.run("INSERT INTO chunk_list VALUES (?, ?) ON CONFLICT DO NOTHING", blob, chunks.encode())

    def sweep(self) -> None:
        """Free the files of zines that were taken back; what cannot be freed now is freed another time.

        Only outside a transaction: before it is on the card that a zine was taken back, its file may not go.
        """
        with suppress(StoreFault):
            if self._database.row("SELECT 1 FROM unneeded"):
                self._free()

    def _free(self) -> None:
        """Files go only inside a transaction, so that nobody publishes the same one meanwhile."""
        with self._database.writing():
            for (blob,) in self._database.rows("SELECT blob FROM unneeded WHERE blob NOT IN (SELECT blob FROM zine)"):
                self._blobs.drop(blob)
                self.extracts.drop(blob)
            self._database.run("DELETE FROM unneeded")

    def cards(
        self, query: str, below: int, limit: int, rack: Rack = Rack.SHELF, about: About | None = None
    ) -> list[Card]:
        """Return up to `limit` cards of a rack, newest first, numbered below `below`; those that hold all words of `query`, and
        those that are `about` something. Words are asked for where any zine has them, else letters within words. Arrivals are
        looked for by their titles alone: nobody here has looked into them yet.
        """
        where = f"zine.no < ? AND {RACKS[rack]}"
        values: list[int | str] = [below]
        if about:
            where, values = f"{where} AND {SUBJECTS[about[0]][1]}", [*values, about[1]]
        if not query.strip():
            return self._cards(CARD_TABLES, where, "zine.no", [*values, limit])
        column = "title : " if rack in (Rack.ARRIVALS, Rack.NEW) else ""
        words, letters = f"{column}({searching.all_words(query)})", searching.all_letters(query)
        found = self._found("zine_words", words, where, [*values, limit])
        if found or not letters or self._has_any("zine_words", words):
            return found
        return self._found("zine_letters", f"{column}({letters})", where, [*values, limit])

    def _found(self, index: str, asked: str, where: str, values: list[int | str]) -> list[Card]:
        """Ask an index: it tells the order, newest first, and ends where there is enough. `values` begin with `below`."""
        where = f"{index} MATCH ? AND {index}.rowid < ? AND zine.no = {index}.rowid AND {where}"
        return self._cards(f"{index} CROSS JOIN {CARD_TABLES}", where, f"{index}.rowid", [asked, values[0], *values])

    def _has_any(self, index: str, asked: str) -> bool:
        return self._database.row(f"SELECT 1 FROM {index} WHERE {index} MATCH ? LIMIT 1", asked) is not None

    def _cards(self, tables: str, where: str, order: str, values: list[int | str]) -> list[Card]:
        rows = self._database.rows(
            f"SELECT {CARD_COLUMNS} FROM {tables} WHERE {where} ORDER BY {order} DESC LIMIT ?", *values
        )
        return [Card(*row) for row in rows]

    def subjects(self, subject: Subject) -> list[Row]:
        """Return what the column of a subject holds on the shelf, and how often."""
        column = SUBJECTS[subject][0]
        return self._database.rows(
            f"SELECT {column}, count(*) FROM {CARD_TABLES} WHERE {RACKS[Rack.SHELF]} AND {column} <> '' GROUP BY {column}"
        )

    def card(self, log: bytes, seq: int) -> Card | None:
        row = self._database.row(
            f"SELECT {CARD_COLUMNS} FROM {CARD_TABLES} WHERE log.log = ? AND zine.seq = ?", log, seq
        )
        return Card(*row) if row else None

    def _index(self, no: int, blob: bytes) -> None:
        self._index_card(no, self.text(blob, self._database.value("SELECT media_type FROM zine WHERE no = ?", no)))

    def text(self, blob: bytes, media_type: str, bytes_max: int = INDEXED_BYTES_MAX) -> str:
        """Return the words of a file as far as they are searched; "" where there are none, or nobody has looked yet."""
        words = self.extracts.words(blob, bytes_max)
        if words is None and media_type in TEXTS:
            content = self._blobs.read(blob, 0, bytes_max) or b""
            words = _without_pictures(content.decode("utf-8", "ignore"))
        return words or ""

    def _index_card(self, no: int, body: str) -> None:
        card = self._database.row("SELECT title, creator, description, tags FROM zine WHERE no = ?", no)
        assert card is not None
        texts = [searching.folded(text) for text in (*card, body)]
        for table, shown in (("zine_words", [searching.indexed(text) for text in texts]), ("zine_letters", texts)):
            self._database.run(
                f"INSERT INTO {table} (rowid, title, creator, description, tags, body) VALUES (?, ?, ?, ?, ?, ?)",
                *(no, *shown),
            )

    def _unindex(self, no: int) -> None:
        for table in ("zine_words", "zine_letters"):
            self._database.run(f"DELETE FROM {table} WHERE rowid = ?", no)


def _without_pictures(text: str) -> str:
    """Drop pictures that stand inside the text as base64: nobody searches for them."""
    return re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+", "", text)
