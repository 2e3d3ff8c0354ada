"""The row of doors at the top of every page."""

from __future__ import annotations

from typing import Final

from flask import Flask

from webui.languages import lazy_gettext
from webui.signin import visitor

FOR_ALL: Final = (
    (lazy_gettext("Notice board"), "/"),
    (lazy_gettext("Ledger"), "/ledger"),
    (lazy_gettext("Archive"), "/archive"),
    (lazy_gettext("Market"), "/market"),
    (lazy_gettext("Commons"), "/commons"),
    (lazy_gettext("Carry"), "/carry"),
    (lazy_gettext("Help"), "/help"),
)
FOR_KEEPERS: Final = (lazy_gettext("Keeper"), "/steward")
FOR_GUESTS: Final = (lazy_gettext("Sign in"), "/signin")
FOR_MEMBERS: Final = (lazy_gettext("Sign out"), "/signin")


def join(app: Flask) -> None:
    """Let every template know the doors that stand open to its reader."""
    app.context_processor(lambda: {"navigation": _doors()})


def _doors() -> tuple[tuple[object, str], ...]:
    session = visitor()
    if session is None:
        return (*FOR_ALL, FOR_GUESTS)
    return (*FOR_ALL, *((FOR_KEEPERS,) if session.is_keeper else ()), FOR_MEMBERS)
