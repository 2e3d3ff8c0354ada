"""The margin of a zine: notes that neighbours append, and take back if they want. Nobody else's words are ever changed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from appliance.answers import Account, Page, Session, goes_on_below
from appliance.commons.names import clean_text
from appliance.desks.catalogue import Catalogue
from appliance.desks.places import place_of
from appliance.errors import Objection, Refused
from appliance.ledger.transfer import AccountId
from appliance.ledger.verdicts import Verdict
from appliance.library import Note, NoteForm
from appliance.notes import CONTEXT_LENGTH_MAX, PAGE_MAX, QUOTE_LENGTH_MAX, TEXT_LENGTH_MAX, NoteCard
from appliance.store.database import Row
from mesh import canonical
from mesh.keys import PUBLIC, LogId
from mesh.record import RecordId

NOTES_SHOWN: Final = 200  # at once, newest first
COLUMNS = "note.no, log.log, note.seq, log.node, zine_log, zine_seq, page, text, by, quote, before, after, record.core"
TABLES = "note JOIN log ON note.log_no = log.no JOIN record ON record.log_no = note.log_no AND record.seq = note.seq"


class Margin(Catalogue):
    def annotate(self, zine_id: str, form: NoteForm, author: Account, idempotency_key: str | None = None) -> Note:
        """Write a note into the margin of a zine. Raises `Refused`.

        The same `idempotency_key` of the same author with the same note returns the first answer.
        """
        if not author.is_here:
            raise Refused(Verdict.HOME_IS_ELSEWHERE, name=author.name, home=author.home_name)
        self._seen_card(zine_id, None)
        card = _card(place_of(zine_id), form, author)
        number = AccountId.read(author.id).number
        digest = blake2b(canonical.encode([*card.zine, *_words(card)]), digest_size=16).digest()
        with self.saying():
            place = self._once(number, idempotency_key, digest, lambda: self._append(card, number))
        return self.note(str(place))

    def _append(self, card: NoteCard, number: int) -> RecordId:
        """Say it in public; who said it stays a private row of this node, by which its writer may take it back."""
        place = self.say(PUBLIC, card.record(self.clock.now(), self.salt(PUBLIC)))
        self.database.run("INSERT INTO publisher VALUES (?, ?, ?)", *place, number)
        return place

    def notes(
        self, zine_id: str, session: Session | None = None, older: str = "", limit: int = NOTES_SHOWN
    ) -> Page[Note]:
        """Return the notes in the margin of a zine, newest first. Raises `Refused` where there is no such zine."""
        self._seen_card(zine_id, session)
        below = goes_on_below(older)
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM {TABLES} WHERE zine_log = ? AND zine_seq = ? AND note.no < ?"
            " ORDER BY note.no DESC LIMIT ?",
            *(*place_of(zine_id), below, limit + 1),
        )
        return Page.cut(rows, limit, lambda row: self._note(row, session))

    def note(self, note_id: str, session: Session | None = None) -> Note:
        return self._note(self._note_row(note_id), session)

    def withdraw_note(self, note_id: str, session: Session | None = None) -> None:
        """Take a note back, everywhere: its writer here, or a keeper. Raises `Refused`."""
        self._note_row(note_id)
        self._take_back(place_of(note_id), session)

    def _note_row(self, note_id: str) -> Row:
        sought = f"SELECT {COLUMNS} FROM {TABLES} WHERE log.log = ? AND note.seq = ?"
        row = self.database.row(sought, *place_of(note_id))
        if row is None:
            raise Refused(Objection.NOT_FOUND)
        return row

    def _note(self, row: Row, session: Session | None) -> Note:
        _, log, seq, node, zine_log, zine_seq, page, text, by, quote, before, after, core = row
        place = RecordId(LogId(log), seq)
        return Note(
            id=str(place),
            zine_id=str(RecordId(LogId(zine_log), zine_seq)),
            text=text,
            by=by,
            written_at=self._node_name(node),
            quote=quote,
            before=before,
            after=after,
            page=page,
            at=canonical.decode(core)[1],
            may_withdraw=node == self.node_id and session is not None and self._may_take_back(place, session),
        )


def _card(zine: RecordId, form: NoteForm, author: Account) -> NoteCard:
    """Return the note within its limits. Raises `Refused`."""
    if not 0 <= form.page <= PAGE_MAX:
        raise Refused(Objection.PAGE_UNCOUNTED, limit=PAGE_MAX)
    return NoteCard(
        zine=zine,
        text=clean_text(form.text, TEXT_LENGTH_MAX),
        by=author.name if form.is_signed else "",
        quote=clean_text(" ".join(form.quote.split()), QUOTE_LENGTH_MAX, required=False),
        before=clean_text(form.before, CONTEXT_LENGTH_MAX, required=False),
        after=clean_text(form.after, CONTEXT_LENGTH_MAX, required=False),
        page=form.page,
    )


def _words(card: NoteCard) -> list[str | int]:
    return [card.text, card.by, card.quote, card.before, card.after, card.page]
