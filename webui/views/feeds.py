"""The archive for e-reader apps (OPDS 1.2, OpenSearch 1.1), and what is new for feed readers (Atom, RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

from flask import Blueprint, Response, abort, make_response, render_template

from appliance.answers import Page, Post
from appliance.library import Subject, Zine
from webui import forms
from webui.captive import own_address
from webui.languages import gettext, lazy_gettext, ngettext
from webui.signin import node
from webui.words import rfc3339

pages = Blueprint("feeds", __name__)

LISTED: Final = 30
OURS: Final = UUID("6b1f6a42-5a0b-4d6c-9d5e-1d1f0e7a2c11")
ATOM: Final = "application/atom+xml"
NAVIGATION: Final = f"{ATOM};profile=opds-catalog;kind=navigation"
ACQUISITION: Final = f"{ATOM};profile=opds-catalog;kind=acquisition"
SEARCH: Final = "application/opensearchdescription+xml"
SUBJECTS: Final = {
    Subject.LANGUAGE: lazy_gettext("By language"),
    Subject.SERIES: lazy_gettext("By series"),
    Subject.TAG: lazy_gettext("By subject"),
}


@dataclass(frozen=True, slots=True)
class Door:
    """One entry of a navigation feed."""

    title: str
    path: str
    words: str
    kind: str = ACQUISITION
    rel: str = "subsection"


@pages.get("/opds")
def root() -> Response:
    """Show the doors of the catalogue (OPDS 1.2, section 2.1)."""
    newest = node().zines(limit=1).rows
    doors = [
        Door(gettext("New zines"), "/opds/new", gettext("What came last."), rel="http://opds-spec.org/sort/new"),
        *(
            Door(str(name), f"/opds/{subject.value}", _how_many(len(found)), NAVIGATION)
            for subject, name in SUBJECTS.items()
            if (found := node().subjects(subject))
        ),
    ]
    return _navigation("/opds", node().name, doors, newest)


@pages.get("/opds/<subject>")
def subject(subject: str) -> Response:
    """Show the languages, the series or the subjects that there are zines of."""
    by = _subject(subject)
    doors = [
        Door(name, f"/opds/{by.value}/zines?{urlencode({'is': name})}", _how_many(count))
        for name, count in node().subjects(by)
    ]
    return _navigation(f"/opds/{by.value}", str(SUBJECTS[by]), doors, node().zines(limit=1).rows)


@pages.get("/opds/<subject>/zines")
def about(subject: str) -> Response:
    """List the zines of one language, one series or one subject."""
    by, name = _subject(subject), forms.asked("is")
    found = node().zines_about(by, name, older=forms.cursor(), limit=LISTED)
    return _acquisition(f"/opds/{by.value}/zines", {"is": name}, name or str(SUBJECTS[by]), found)


@pages.get("/opds/new")
def new() -> Response:
    """List the zines whose files are here, newest first."""
    return _acquisition("/opds/new", {}, gettext("New zines"), node().zines(older=forms.cursor(), limit=LISTED))


@pages.get("/opds/search")
def search() -> Response:
    """List the zines that speak of `q`."""
    query = forms.query()
    found = node().zines(query, older=forms.cursor(), limit=LISTED)
    return _acquisition("/opds/search", {"q": query}, f"{gettext('Found for')} {query}".strip(), found)


@pages.get("/opds/search.xml")
def search_description() -> Response:
    """Tell e-reader apps how to search (OpenSearch 1.1)."""
    return _written("search.xml", SEARCH, address=own_address(), acquisition=ACQUISITION)


@pages.get("/feed.atom")
def feed() -> Response:
    """List what is new on the board and on the shelf, the latest first."""
    posts, zines = node().posts(limit=LISTED).rows, node().zines(limit=LISTED).rows
    told: list[Post | Zine] = [*posts, *zines]
    news = sorted(told, key=lambda one: one.at, reverse=True)[:LISTED]
    return _written("feed.xml", ATOM, news=news, newest=max((one.at for one in news), default=0))


def _subject(name: str) -> Subject:
    if name not in {subject.value for subject in Subject}:
        abort(404)
    return Subject(name)


def _how_many(count: int) -> str:
    return ngettext("%(num)s there", "%(num)s there", count)


def _navigation(path: str, title: str, doors: Iterable[Door], newest: Iterable[Zine]) -> Response:
    return _catalogue(path, NAVIGATION, title, newest, doors=doors)


def _acquisition(path: str, asked: dict[str, str], title: str, found: Page[Zine]) -> Response:
    def at(**more: str) -> str:
        query = urlencode({name: value for name, value in (asked | more).items() if value})
        return f"{path}?{query}" if query else path

    here = forms.cursor()
    following = at(older=found.older) if found.older else ""
    return _catalogue(at(older=here), ACQUISITION, title, found.rows, zines=found.rows, first=at(), following=following)


def _catalogue(path: str, kind: str, title: str, newest: Iterable[Zine], **facts: object) -> Response:
    at = max((zine.at for zine in newest), default=0)
    return _written("opds.xml", kind, path=path, kind=kind, title=title, newest=at, navigation_kind=NAVIGATION, **facts)


def _written(template: str, media_type: str, **facts: object) -> Response:
    written = render_template(
        template, **({"address": own_address(), "urn": _urn, "rfc3339": rfc3339, "SEARCH": SEARCH} | facts)
    )
    response = make_response(forms.UNPRINTABLE.sub("", written))
    response.headers["Content-Type"] = f"{media_type};charset=utf-8" if ";" not in media_type else media_type
    return response


def _urn(name: str) -> str:
    """Return a lasting id: the same thing has the same one at every node."""
    return f"urn:uuid:{uuid5(OURS, name)}"
