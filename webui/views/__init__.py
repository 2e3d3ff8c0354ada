"""The pages, one file for each noun."""

from __future__ import annotations

from typing import Final

from webui.views import (
    archive,
    carry,
    commons,
    distress,
    feeds,
    guide,
    help,  # noqa: A004 (a page is called what people call it)
    home,
    ledger,
    lending,
    margin,
    market,
    mesh,
    next_card,
    numbers,
    phone,
    poster,
    printing,
    shelving,
    signin,
    source,
    steward,
    updates,
)

PAGES: Final = tuple(
    room.pages
    for room in (
        home,
        ledger,
        archive,
        margin,
        shelving,
        lending,
        printing,
        market,
        commons,
        numbers,
        distress,
        phone,
        mesh,
        carry,
        steward,
        updates,
        next_card,
        signin,
        help,
        guide,
        source,
        feeds,
        poster,
    )
)
