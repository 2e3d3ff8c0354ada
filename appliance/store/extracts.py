"""What a look into a file found: its words, its pages, its cover. Private rows, made anew whenever they are missing."""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from appliance.kinds import TEXTS
from appliance.store.database import Database

WORDS_BYTES_MAX: Final = 1 << 20


class Extract(NamedTuple):
    """What is in a file. `trouble` names the refusal of one that is only handed out, never shown; "" where all is well."""

    pages: int = 0
    cover: bytes | None = None  # JPEG
    small_cover: bytes | None = None
    words: str = ""
    trouble: str = ""
    removed: tuple[str, ...] = ()


class Extracts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, blob: bytes, found: Extract) -> None:
        words = zlib.compress(found.words.encode()[:WORDS_BYTES_MAX], 6)
        self._database.run(
            "INSERT OR REPLACE INTO extract (blob, pages, cover, small_cover, words, trouble, removed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(blob, found.pages, found.cover, found.small_cover, words, found.trouble, " ".join(found.removed)),
        )

    def cover(self, blob: bytes, small: bool) -> bytes | None:
        column = "small_cover" if small else "cover"
        content: bytes | None = self._database.value(f"SELECT {column} FROM extract WHERE blob = ?", blob)
        return content

    def words(self, blob: bytes, bytes_max: int = WORDS_BYTES_MAX) -> str | None:
        """Return the words of a file, as far as they were kept or `bytes_max` reach; None where nobody has looked into it."""
        row = self._database.row("SELECT words FROM extract WHERE blob = ?", blob)
        return zlib.decompressobj().decompress(row[0], bytes_max).decode("utf-8", "ignore") if row else None

    def drop(self, blob: bytes) -> None:
        self._database.run("DELETE FROM extract WHERE blob = ?", blob)

    def unseen(self) -> list[tuple[bytes, str]]:
        """Return the digests of files that nobody has looked into, and what their makers call them; they may not be here."""
        texts = ", ".join("?" for _ in TEXTS)
        rows = self._database.rows(
            f"SELECT DISTINCT blob, media_type FROM zine WHERE media_type NOT IN ({texts})"
            " AND blob NOT IN (SELECT blob FROM extract)",
            *TEXTS,
        )
        return [(blob, media_type) for blob, media_type in rows]
