"""What the node answers about zines: their cards, notes in their margins, what is said against them, who waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from appliance.answers import Account


@dataclass(frozen=True, slots=True)
class Zine:
    id: str
    title: str
    creator: str
    language: str
    description: str
    series: str
    issue: str
    licence: str
    tags: tuple[str, ...]
    media_type: str
    size: int
    blob: str  # hex of BLAKE2b-256
    at: int
    published_at: str  # name of the node that published it
    is_here: bool  # whether its file has arrived
    wanted: bool
    may_withdraw: bool
    shelved: bool = True  # False: it arrived from elsewhere, and no keeper here has put it on the shelf
    hidden: bool = False  # put away by a keeper of this node
    copies: int = 0  # neighbour nodes known to hold its file
    pages: int = 0  # 0 where it has none, or nobody has counted them yet
    has_cover: bool = False
    trouble: str = ""  # the name of an objection: its file is handed out, but not shown here
    removed: tuple[str, ...] = ()  # what was taken out of it when it came in here; words for each are with the pages


class Rack(Enum):
    """Where zines stand at this node."""

    SHELF = "shelf"
    ARRIVALS = "arrivals"  # from elsewhere, not on the shelf
    NEW = "new"  # those arrivals that no keeper has looked at yet
    HIDDEN = "hidden"
    OPEN = "open"  # all but the hidden ones


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a searched word stands in a zine: the sentence, the word within it as it is written there."""

    before: str
    found: str
    after: str


class Subject(Enum):
    """By what zines are told apart."""

    LANGUAGE = "language"
    SERIES = "series"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What one member says is wrong with a zine: for keepers only."""

    by: Account
    word: str
    at: int


@dataclass(frozen=True, slots=True)
class Reported:
    zine: Zine
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A zine whose file somebody here waits for, and the names of the neighbour nodes that may have it."""

    zine: Zine
    holders: tuple[str, ...]
    waits_for_room: bool


@dataclass(frozen=True, slots=True)
class ZineForm:
    """What a maker tells about a zine, as typed."""

    title: str
    creator: str = ""
    language: str = "en"
    description: str = ""
    series: str = ""
    issue: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteForm:
    """A note for the margin of a zine, as typed. It stands at a passage, on a page, or on the whole zine."""

    text: str
    quote: str = ""  # the words it speaks of, letter for letter, with what stands before and after them
    before: str = ""
    after: str = ""
    page: int = 0  # counted from 1; 0 where none is meant
    is_signed: bool = True  # with the writer's name, or with nobody's


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    zine_id: str
    text: str
    by: str  # the name that the writer chose to sign with; "" where nobody's
    written_at: str  # name of the node at which it was written
    quote: str
    before: str
    after: str
    page: int
    at: int
    may_withdraw: bool

    @property
    def place(self) -> str:
        """Where it stands, for paper: the words it speaks of, or the number of the page; "" on the whole zine."""
        return f"\u201c{self.quote}\u201d" if self.quote else str(self.page or "")


@dataclass(frozen=True, slots=True)
class ZineFile:
    path: Path
    media_type: str
    size: int
    etag: str
