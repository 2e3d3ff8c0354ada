"""A PDF in its confined process: opened, cleaned, its words and its pages told, a photograph of its first page as cover."""

from __future__ import annotations

import logging
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from appliance import confinement
from appliance.errors import Refused
from appliance.intake import picture
from appliance.intake.findings import CLEAN, WORDS_BYTES_MAX, Findings
from appliance.pdf import cleaning, reading

READING_S: Final = 8.0  # of computing, for the words of all pages
DEPTH: Final = 8_000  # outlines and pages hang on each other, and the library follows them by calling itself


def work(request: dict[str, Any]) -> dict[str, object]:
    """Clean the PDF that `request` names."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it finds odd is no news here
    sys.setrecursionlimit(DEPTH)
    with reading.opened(Path(request["file"])) as reader:
        found = Findings(pages=len(reader.pages), words=reading.words(reader, WORDS_BYTES_MAX, READING_S))
        photograph = reading.first_picture(reader)
        if photograph:
            found.cover, found.small_cover = picture.covers_or_none(photograph)
        with Path(CLEAN).open("wb") as out:
            found.removed = cleaning.clean(reader, out, _without_notes)
    return found.leave()


def _without_notes(photograph: bytes) -> tuple[bytes, set[str]]:
    """A photograph within a document may be of a kind that is not known here; then it stays as it is."""
    out = BytesIO()
    try:
        told = picture.clean(photograph, "image/jpeg", out)
    except Refused:
        return photograph, set()
    return (out.getvalue(), told) if told else (photograph, set())


if __name__ == "__main__":
    confinement.serve(work)
