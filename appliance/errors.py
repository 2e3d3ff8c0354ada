"""What to tell a person. Each message says what was wrong, where, and what to do, in one or two sentences."""

from __future__ import annotations

from enum import Enum, unique


class ApplianceError(Exception):
    """This node cannot do what was asked, and says why."""


class Answer(Enum):
    """A closed list of answers. Each value is the sentence for the person, names in braces to be filled in from the details."""

    @property
    def code(self) -> str:
        """The name that programs hold on to, such as `name_taken`."""
        return self.name.lower()


class Refused(ApplianceError):
    """An answer for the person: the request was understood and the answer is no. `details` fill the verdict's sentence."""

    def __init__(self, verdict: Answer, **details: object) -> None:
        self.verdict = verdict
        self.details = details
        super().__init__(verdict.value.format(**details))


@unique
class Objection(Answer):
    """Why something other than a payment was refused."""

    NAME_EMPTY = "A name needs at least one letter."
    NAME_TOO_LONG = "A name has at most {limit} characters."
    NAME_UNWRITABLE = (
        "A name holds only letters, digits, signs and single spaces; invisible direction marks are left out."
    )
    NAME_TAKEN = "{name} is already somebody's name at this node. Choose another, such as {name} R."
    NOT_OUR_NEIGHBOUR = "Nobody called {name} has an account at this node. Look at the list of neighbours."
    PIN_TOO_WEAK = "A PIN has 4 to 12 digits."
    SIGN_IN_FAILED = "The name or the PIN is not right."
    SIGN_IN_ELSEWHERE = "The account of {name} is kept at {home}. Please sign in there."
    TRY_LATER = "Too many tries. Wait {seconds} seconds, then try again."
    SIGN_IN_FIRST = "Please sign in first."
    KEEPERS_ONLY = "Only a keeper of this node may do that."
    KEY_REUSED = "This request was already made with other words. Nothing was done again."
    TEXT_EMPTY = "There is nothing written here."
    TEXT_TOO_LONG = "That text is too long: at most {limit} characters."
    NOT_FOUND = "There is nothing here by that number."
    NOT_YOURS = "Only the one who wrote it can take it back."
    ALREADY_WITHDRAWN = "It was already taken back."
    FILE_TOO_LARGE = "That file is too large: at most {limit} bytes."
    FILE_UNREADABLE = "That file is not Markdown or plain text in UTF-8."
    FILE_EMPTY = "There is nothing in that file."
    FILE_KIND_UNKNOWN = (
        "That kind of file is not taken in here. Bring Markdown, text, HTML, PDF, EPUB, a picture (JPEG, PNG, WebP)"
        " or sound (MP3, Ogg, FLAC, WAV)."
    )
    FILE_MISNAMED = (
        "The name of that file ends in {ending}, but inside it is {kind}. Give it its right name and bring it again."
    )
    FILE_TWO_KINDS = "That file is two kinds of file at once, so it is not taken in. Save it anew and bring that."
    FILE_DAMAGED = "That file is damaged or cut short, so it cannot be read to its end. Save it anew and bring that."
    FILE_LOCKED = "That file is locked, by a password or by its seller. Bring a copy without a lock."
    FILE_TOO_HARD = (
        "This node could not look through that file with the time and memory it has. Save it in a simpler form."
    )
    FILE_UNPACKS_TOO_LARGE = "That file unpacks to far more than it seems, so it is not taken in."
    FILE_NAMES_UNSAFE = "That book names files outside itself, so it is not taken in."
    PICTURE_TOO_LARGE = (
        "That picture has {width} by {height} points; at most {limit} million are taken in. Make it smaller first."
    )
    PAGES_TOO_MANY = "That file has more than {limit} pages. Bring it in parts."
    PAGE_TOO_LARGE = "A page of that file is larger than any paper. Save it with pages of a usual size."
    NOT_LOOKED_INTO = "Nobody has looked into this file here yet. It is shown as soon as that is done."
    NODE_BUSY = "This node is looking through another file just now. Try again in a minute."
    UPLOADS_TOO_MANY = "You have brought many files in a short time. Wait {seconds} seconds, then bring the next."
    PUBLISHER_FULL = "With this file you would keep more than {limit} bytes here. Take something of yours back first."
    LANGUAGE_UNKNOWN = "{language} is not a language code such as en or es."
    TIME_UNREADABLE = "That is no day and time. Write it as 2026-11-26 21:05."
    TIME_PAST = "That time has passed already: this node has seen {latest}. Look again at your phone or watch."
    TIME_FAR = "That is many years from now. Look again at your phone or watch."
    NUMBER_UNFIT = "{typed} is no number from {least} to {most}."
    PAGE_UNCOUNTED = "Pages are counted from 1 to {limit}."
    NOT_HERE_YET = "This zine has not arrived here yet. Ask for it, and it will be fetched."
    ZINE_PUT_AWAY = "The keeper of this node has put this zine away for now."
    ARCHIVE_FULL = "The archive of this node is full. Ask its keeper to let something go first."
    PUBLISHED_HERE = "It was published at this node, which may hold the only copy. Take it back instead."
    NOTHING_CHOSEN = "Nothing was chosen."
    REPORTS_WAIT = "Several of your reports still wait for the keeper. Please let them be looked at first."
    NOT_PRINTABLE = "Only texts, books and PDF files can be folded and printed here. Take the file along instead."
    TOO_LONG_FOR_MINI = "This zine is longer than the eight small pages of one sheet. Choose the booklet."
    TOO_MANY_PAGES = "This zine has more than {limit} pages, too many to fold. Take the file along instead."
    PAGE_UNPRINTABLE = "A page of this file has no size that paper can have, so it cannot be printed."
    PAPER_UNKNOWN = "There is no paper, layout or margin like that: A4 or Letter, and a margin of at most {limit} mm."
    PRINTER_BUSY = "Another zine is being made ready just now. Please try again in a minute."
    PRINT_TOO_MUCH = "This zine takes more time or memory than this node has for printing. Take the file along instead."
    PDF_UNPRINTABLE = "This file is damaged or locked, so it cannot be printed here. Take the file along instead."
    CARD_FULL = "The card is nearly full, so nothing large can be taken in. Payments still work."
    NOT_LET_IN_YET = (
        "This commons has not let the node in yet. Let it hear a neighbour node, or carry a bundle there and back."
    )
    NOT_SEALED_YET = "It was written a moment ago and is not sealed yet. Try again in some seconds."
    CALL_UNREADABLE = "A call for help says how bad it is, and is told for at most {hours} hours."
    CALLS_TOO_MANY = "{limit} calls for help go out from this node already. Let one of them be taken back first."
    NODE_IS_READ_ONLY = "This node only reads for now. The keeper's page tells why and what to do."
    BUNDLE_UNREADABLE = "This file is not a bundle, or it is damaged from its first byte on."
    INVITE_UNREADABLE = "This file is not an invite to a commons, or it is damaged."
    INTRODUCTION_UNREADABLE = "This file does not introduce a node, or it is damaged."


@unique
class Failure(Enum):
    """Why work in a confined process came to nothing."""

    TOOK_TOO_LONG = "it took too long"
    TOO_MUCH_MEMORY = "it wanted too much memory"
    WROTE_TOO_MUCH = "it wrote too much"
    CRASHED = "it broke down"
    BUSY = "other such work is still going on"
    REFUSED = "it was refused"


class JobFailed(ApplianceError):
    """Work in a confined process came to nothing. Where it `REFUSED`, `sentence` names the answer that `details` fill in."""

    def __init__(
        self, reason: Failure, sentence: str = "", details: dict[str, object] | None = None, detail: str = ""
    ) -> None:
        self.reason = reason
        self.sentence = sentence
        self.details = details or {}
        super().__init__(": ".join(filter(None, (reason.value, sentence, detail))))


class StoreFault(ApplianceError):
    """The store cannot be read or written: nothing was confirmed, nothing half-done. The message says what to do."""


class CardFull(StoreFault):
    """There is no room left on the card."""


class SettingsFault(ApplianceError):
    """A settings file is wrong: the message names the file, the key and the remedy."""


class MeasurementFault(ApplianceError):
    """A benchmark contradicted itself, so it gives no figure."""
