"""The archive: publish, find, read, ask for, take back."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import astuple, replace
from hashlib import blake2b
from io import BytesIO
from pathlib import PurePath
from typing import BinaryIO, Final

from appliance.answers import Account, Page, Rack, Session, Zine, ZineFile, ZineForm
from appliance.commons.names import DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX, clean_text, visible
from appliance.desks.payments import Payments
from appliance.errors import Objection, Refused, StoreFault
from appliance.kinds import ZineCard
from appliance.ledger.transfer import AccountId
from appliance.store.database import Row
from mesh import canonical, links
from mesh.blob import CHUNK_SIZE
from mesh.errors import Malformed
from mesh.keys import PUBLIC, LogId, written
from mesh.record import RecordId

LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)  # RFC 5646, the plain forms
LANGUAGE_LENGTH_MAX: Final = 35  # RFC 5646, section 4.4.1
TAGS_MAX: Final = 12
MARKDOWN_ENDINGS: Final = (".md", ".markdown")
TEXT_CHUNK: Final = 1 << 16
HIDDEN: Final = -1  # where a row of a zine tells that a keeper put it away


class Zines(Payments):
    def publish(
        self,
        form: ZineForm,
        content: BinaryIO,
        file_name: str,
        publisher: Account | None,
        idempotency_key: str | None = None,
    ) -> Zine:
        """Put a Markdown or text file on the shelf. Raises `Refused` or `CardFull`; then nothing is left behind.

        The same `idempotency_key` of the same publisher with the same zine returns the first answer.
        """
        card = self._card(form, PurePath(file_name).suffix.casefold())
        blob, size = self.blobs.keep(content, self.settings.portal.upload_max_bytes)
        try:
            self._check_text(blob)
            with self.saying():
                self._check_still_here(blob)
                card = replace(card, blob=blob, size=size, chunks=self._chunks_name(blob, size))
                place = self._shelve(card, publisher, idempotency_key)
        except (Refused, StoreFault):
            with suppress(StoreFault):
                self._drop_if_unused(blob)
            raise
        return self.zine(str(place))

    def _chunks_name(self, blob: bytes, size: int) -> bytes:
        """Keep the list of a file's chunks, and return the digest by which a record names it; b"" for a file of one chunk."""
        if size <= CHUNK_SIZE:
            return b""
        chunks = self.blobs.chunk_list(blob)
        self.shelf.keep_chunk_list(blob, chunks)
        return chunks.name

    def _shelve(self, card: ZineCard, publisher: Account | None, key: str | None) -> RecordId:
        """Say what is known about a zine, once for each key of its publisher."""
        if publisher is None:
            return self.say(PUBLIC, card.record(self.clock.now(), self.salt(PUBLIC)))
        number = AccountId.read(publisher.id).number
        digest = blake2b(canonical.encode([*astuple(card)[:-2], *card.tags]), digest_size=16).digest()
        earlier = self.private.answer(number, key) if key else None
        if earlier and earlier[0] != digest:
            raise Refused(Objection.KEY_REUSED)
        if earlier:
            return earlier[1]
        place = self.say(PUBLIC, card.record(self.clock.now(), self.salt(PUBLIC)))
        self.database.run("INSERT INTO publisher VALUES (?, ?, ?)", *place, number)
        if key:
            self.private.remember_answer(number, key, digest, place)
        return place

    def shelve_file(self, content: bytes) -> bytes:
        """Put a file on the shelf whose card may come later; return its digest."""
        return self.blobs.keep(BytesIO(content), len(content))[0]

    def _card(self, form: ZineForm, ending: str) -> ZineCard:
        if len(form.language) > LANGUAGE_LENGTH_MAX or not LANGUAGE.fullmatch(form.language):
            raise Refused(Objection.LANGUAGE_UNKNOWN, language=repr(form.language[:12]))
        names = ("creator", "series", "issue", "licence")
        short = {name: clean_text(getattr(form, name), TITLE_LENGTH_MAX, required=False) for name in names}
        return ZineCard(
            blob=b"",
            size=0,
            media_type="text/markdown" if ending in MARKDOWN_ENDINGS else "text/plain",
            title=clean_text(form.title, TITLE_LENGTH_MAX),
            language=form.language,
            description=clean_text(form.description, DESCRIPTION_LENGTH_MAX, required=False),
            tags=tuple(clean_text(tag, 40) for tag in form.tags[:TAGS_MAX]),
            chunks=b"",
            **short,
        )

    def _check_text(self, blob: bytes) -> None:
        """Only text is taken in: UTF-8 without zero bytes, and something in it."""
        offset, rest, seen = 0, b"", False
        while chunk := self.blobs.read(blob, offset, TEXT_CHUNK):
            offset += len(chunk)
            rest = _undecoded(rest + chunk)
            seen = seen or bool(chunk.strip())
        if rest or not seen:
            raise Refused(Objection.FILE_UNREADABLE)

    def _check_still_here(self, blob: bytes) -> None:
        """The same file may just have been freed because somebody took it back. Files are freed only inside transactions."""
        if not self.blobs.has(blob):
            raise StoreFault(
                "The same file was taken away at this very moment, so nothing was published. Please try again."
            )

    def _drop_if_unused(self, blob: bytes) -> None:
        with self.database.writing():
            if self.database.row("SELECT 1 FROM zine WHERE blob = ?", blob) is None:
                self.blobs.drop(blob)

    def zines(self, query: str = "", older: str = "", limit: int = 20, rack: Rack = Rack.SHELF) -> Page[Zine]:
        """Return zines of a rack that hold every word of `query`, newest first."""
        below = int(older) if older.isascii() and older.isdigit() and len(older) < 19 else 2**63 - 1
        rows = self.shelf.cards(visible(query[:200]), below, limit + 1, rack)
        page = tuple(self._zine(row, None) for row in rows[:limit])
        return Page(page, str(rows[limit - 1][0]) if len(rows) > limit else "")

    def zine(self, zine_id: str, session: Session | None = None) -> Zine:
        """Return one zine. Raises `Refused`, for one that is hidden too, unless a keeper asks."""
        return self._zine(self._seen_row(zine_id, session), session)

    def zine_file(self, zine_id: str, session: Session | None = None) -> ZineFile:
        """Return where the file lies. Raises `Refused`."""
        row = self._seen_row(zine_id, session)
        blob, size, media_type = row[3:6]
        if not self.blobs.has(blob):
            raise Refused(Objection.NOT_HERE_YET)
        return ZineFile(self.blobs.path(blob), media_type, size, blob.hex())

    def ask_for(self, zine_id: str) -> None:
        """Ask the neighbours for the file of a zine. Raises `Refused`, also where the archive has no room for it."""
        blob, size = self._seen_row(zine_id, None)[3:5]
        if not self.blobs.has(blob):
            with self.database.writing():
                if self.room_bytes() < size and not self._is_wanted(blob):
                    raise Refused(Objection.ARCHIVE_FULL)
                self.shelf.want(blob, size)

    def room_bytes(self) -> int:
        """Return how many bytes of files may still come, beside those that were asked for already."""
        asked = self.database.value("SELECT total(size) FROM wanted")
        return self.settings.archive.quota_bytes - self.blobs.used_bytes() - int(asked)

    def _is_wanted(self, blob: bytes) -> bool:
        return self.database.row("SELECT 1 FROM wanted WHERE blob = ?", blob) is not None

    def withdraw_zine(self, zine_id: str, session: Session | None = None) -> None:
        """Take a zine back, everywhere: its maker here, a keeper, or the node itself (`session` None, on the command line)."""
        self._zine_row(zine_id)
        self._take_back(RecordId.read(zine_id), session)

    def _take_back(self, place: RecordId, session: Session | None) -> None:
        log = self.records.log(place.log)
        if log is None or log.node != self.node_id or not self._may_take_back(place, session):
            raise Refused(Objection.NOT_YOURS)
        with self.saying():
            if self.records.is_withdrawn(place):
                raise Refused(Objection.ALREADY_WITHDRAWN)
            self.say(log.scope, links.withdraw(self.clock.now(), *place))

    def _may_take_back(self, place: RecordId, session: Session | None) -> bool:
        if session is None or session.is_keeper:
            return True
        number = self.database.value("SELECT number FROM publisher WHERE log = ? AND seq = ?", *place)
        return number is not None and session.account.id == str(AccountId(self.node_id, number))

    def _zine_row(self, zine_id: str) -> Row:
        try:
            row = self.shelf.card(*RecordId.read(zine_id))
        except Malformed as fault:
            raise Refused(Objection.NOT_FOUND) from fault
        if row is None:
            raise Refused(Objection.NOT_FOUND)
        return row

    def _seen_row(self, zine_id: str, session: Session | None) -> Row:
        """Return the row of a zine that may be seen by whoever asks."""
        row = self._zine_row(zine_id)
        if row[HIDDEN] and not (session and session.is_keeper):
            raise Refused(Objection.ZINE_PUT_AWAY)
        return row

    def _zine(self, row: Row, session: Session | None) -> Zine:
        (
            _,
            log,
            seq,
            blob,
            size,
            media_type,
            title,
            creator,
            language,
            description,
            series,
            issue,
            licence,
            tags,
            node,
            core,
            node_name,
            is_wanted,
            copies,
            shelved,
            hidden,
        ) = row
        place = RecordId(LogId(log), seq)
        return Zine(
            id=str(place),
            title=title,
            creator=creator,
            language=language,
            description=description,
            series=series,
            issue=issue,
            licence=licence,
            tags=tuple(tags.split("\n")) if tags else (),
            media_type=media_type,
            size=size,
            blob=blob.hex(),
            at=canonical.decode(core)[1],
            published_at=self.settings.name if node == self.node_id else node_name or written(node)[:8],
            is_here=self.blobs.has(blob),
            wanted=bool(is_wanted),
            may_withdraw=node == self.node_id and session is not None and self._may_take_back(place, session),
            shelved=bool(shelved),
            hidden=bool(hidden),
            copies=copies,
        )

    def _node_name(self, node: bytes) -> str:
        if node == self.node_id:
            return self.settings.name
        return str(self.database.value("SELECT name FROM node_name WHERE node = ?", node) or written(node)[:8])


def _undecoded(content: bytes) -> bytes:
    """Return the bytes of a letter that goes on in the next chunk. Raises `Refused` where it is no text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as fault:
        if fault.reason != "unexpected end of data" or len(content) - fault.start > 3:
            raise Refused(Objection.FILE_UNREADABLE) from fault
        text = content[: fault.start].decode("utf-8")
    if "\0" in text:
        raise Refused(Objection.FILE_UNREADABLE)
    return content[len(text.encode()) :]
