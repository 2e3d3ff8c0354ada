"""What a confined process leaves in its room: a clean file, words, two sizes of cover. Names and limits for both sides."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CLEAN: Final = "clean"
WORDS: Final = "words"
COVER: Final = "cover"
SMALL_COVER: Final = "small-cover"

WORDS_BYTES_MAX: Final = 1 << 20
COVER_BYTES_MAX: Final = 12_000
SMALL_COVER_BYTES_MAX: Final = 2_000
PAGES_MAX: Final = 2_000

# What may be said to have been taken out. Each has its words on the pages.
REMOVED: Final = (
    *(
        "place",
        "camera",
        "moment",
        "people",
        "program",
        "notes",
        "thumbnail",
        "attachment",
        "script",
        "form",
        "outside",
    ),
    *("tags", "picture"),
)


@dataclass
class Findings:
    """What was found in one file. `removed` holds names of `REMOVED`."""

    pages: int = 0
    removed: set[str] = field(default_factory=set)
    words: str = ""
    cover: bytes = b""
    small_cover: bytes = b""

    def leave(self) -> dict[str, object]:
        """Write what is large into the working directory, and return the rest."""
        Path(WORDS).write_bytes(shortened(self.words))
        for name, picture in ((COVER, self.cover), (SMALL_COVER, self.small_cover)):
            if picture:
                Path(name).write_bytes(picture)
        return {"pages": self.pages, "removed": sorted(self.removed)}


def shortened(words: str) -> bytes:
    """Return words with single spaces between them, as UTF-8 of a bounded size."""
    plain = re.sub(r"\s+", " ", words[:WORDS_BYTES_MAX]).strip()
    return plain.encode("utf-8", "ignore")[:WORDS_BYTES_MAX].decode("utf-8", "ignore").encode()
