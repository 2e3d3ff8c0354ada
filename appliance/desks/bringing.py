"""What people bring to the archive: looked at, cleaned, counted against what they may keep here, and published."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import astuple, replace
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from appliance import confinement
from appliance.answers import Account
from appliance.commons.names import DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX, clean_text
from appliance.desks.payments import Payments
from appliance.errors import Objection, Refused, StoreFault
from appliance.intake import inspection, kind
from appliance.intake.inspection import Found
from appliance.kinds import TEXTS, ZineCard
from appliance.ledger.transfer import AccountId
from appliance.library import ZineForm
from appliance.store.extracts import Extract
from mesh import canonical
from mesh.blob import CHUNK_SIZE
from mesh.keys import PUBLIC
from mesh.record import RecordId

LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)  # RFC 5646, the plain forms
LANGUAGE_LENGTH_MAX: Final = 35  # RFC 5646, section 4.4.1
TAGS_MAX: Final = 12
TEXT_CHUNK: Final = 1 << 16
ARRIVED: Final = "arrived"


class Bringing(Payments):
    def bring(
        self,
        form: ZineForm,
        content: BinaryIO,
        file_name: str,
        publisher: Account | None,
        idempotency_key: str | None = None,
    ) -> RecordId:
        """Put a file on the shelf, cleaned. Raises `Refused` or `StoreFault`; then nothing is left behind.

        The same `idempotency_key` of the same publisher with the same zine returns the first answer.
        """
        card = self._card(form)
        self._count(publisher)
        with confinement.room(self.settings.rooms) as room:
            size = self.blobs.bring(content, room / ARRIVED, self.settings.portal.upload_max_bytes)
            self._check_quotas(size, publisher)
            found = _looked_into(room / ARRIVED, file_name, room)
            blob, size = self.blobs.adopt(found.clean)
        card = replace(card, blob=blob, size=size, media_type=found.media_type)
        return self._kept(card, found, publisher, idempotency_key)

    def _kept(self, card: ZineCard, found: Found, publisher: Account | None, key: str | None) -> RecordId:
        try:
            with self.saying():
                self._check_still_here(card.blob)
                card = replace(card, chunks=self._chunks_name(card.blob, card.size))
                if found.media_type not in TEXTS:
                    self.shelf.extracts.keep(card.blob, _extract(found))
                return self._shelve(card, publisher, key)
        except (Refused, StoreFault):
            with suppress(StoreFault):
                self._drop_if_unused(card.blob)
            raise

    def _chunks_name(self, blob: bytes, size: int) -> bytes:
        """Keep the list of a file's chunks, and return the digest by which a record names it; b"" for a file of one chunk."""
        if size <= CHUNK_SIZE:
            return b""
        chunks = self.blobs.chunk_list(blob)
        self.shelf.keep_chunk_list(blob, chunks)
        return chunks.name

    def _count(self, publisher: Account | None) -> None:
        """Let nobody keep the node busy with file after file; what was refused counts as well."""
        if publisher is None:
            return
        with self.database.writing():
            wait_s = self.private.bring(AccountId.read(publisher.id).number, self.settings.archive.uploads_per_hour)
        if wait_s:
            raise Refused(Objection.UPLOADS_TOO_MANY, seconds=wait_s)

    def check_may_bring(self, publisher: Account) -> None:
        """Raises `Refused` where one more file of this member would be refused, whatever is in it. Counts nothing."""
        number = AccountId.read(publisher.id).number
        wait_s = self.private.wait_to_bring_s(number, self.settings.archive.uploads_per_hour)
        if wait_s:
            raise Refused(Objection.UPLOADS_TOO_MANY, seconds=wait_s)

    def _check_quotas(self, size: int, publisher: Account | None) -> None:
        """What a publisher keeps here, and what all keep here together, has an end."""
        if self.blobs.used_bytes() + size > self.settings.archive.quota_bytes:
            raise Refused(Objection.ARCHIVE_FULL)
        limit = self.settings.archive.publisher_quota_bytes
        if publisher and self._kept_bytes(AccountId.read(publisher.id).number) + size > limit:
            raise Refused(Objection.PUBLISHER_FULL, limit=limit)

    def _kept_bytes(self, number: int) -> int:
        """Return how many bytes a member keeps here: a file of two zines counts once."""
        return int(
            self.database.value(
                "SELECT total(size) FROM (SELECT DISTINCT blob, size FROM zine JOIN log ON log_no = log.no"
                " JOIN publisher ON publisher.log = log.log AND publisher.seq = zine.seq WHERE publisher.number = ?)",
                number,
            )
        )

    def _shelve(self, card: ZineCard, publisher: Account | None, key: str | None) -> RecordId:
        """Say what is known about a zine, once for each key of its publisher."""
        if publisher is None:
            return self.say(PUBLIC, card.record(self.clock.now(), self.salt(PUBLIC)))
        number = AccountId.read(publisher.id).number
        digest = blake2b(canonical.encode([*astuple(card)[:-2], *card.tags]), digest_size=16).digest()
        return self._once(number, key, digest, lambda: self._publish(card, number))

    def _publish(self, card: ZineCard, number: int) -> RecordId:
        place = self.say(PUBLIC, card.record(self.clock.now(), self.salt(PUBLIC)))
        self.database.run("INSERT INTO publisher VALUES (?, ?, ?)", *place, number)
        return place

    def shelve_file(self, content: bytes) -> bytes:
        """Put a file on the shelf whose card may come later; return its digest."""
        return self.blobs.keep(BytesIO(content), len(content))[0]

    def _card(self, form: ZineForm) -> ZineCard:
        if len(form.language) > LANGUAGE_LENGTH_MAX or not LANGUAGE.fullmatch(form.language):
            raise Refused(Objection.LANGUAGE_UNKNOWN, language=repr(form.language[:12]))
        names = ("creator", "series", "issue", "licence")
        short = {name: clean_text(getattr(form, name), TITLE_LENGTH_MAX, required=False) for name in names}
        return ZineCard(
            blob=b"",
            size=0,
            media_type="",
            title=clean_text(form.title, TITLE_LENGTH_MAX),
            language=form.language,
            description=clean_text(form.description, DESCRIPTION_LENGTH_MAX, required=False),
            tags=tuple(clean_text(tag, 40) for tag in form.tags[:TAGS_MAX]),
            chunks=b"",
            **short,
        )

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

    # what came from elsewhere

    def look_into_next(self) -> bool:
        """Look into one file that came from another node and that nobody has looked into. Returns whether there was one.

        Its bytes stay as they are. What is refused is not shown here, only handed out to whoever wants it.
        """
        for blob, media_type in self.shelf.extracts.unseen():
            if self.blobs.has(blob):
                self._look_into(blob, media_type)
                return True
        return False

    def _look_into(self, blob: bytes, media_type: str) -> None:
        try:
            with confinement.room(self.settings.rooms) as room:
                seen = _extract(_looked_into(self.blobs.path(blob), f"zine{kind.ENDINGS[media_type][0]}", room))
        except Refused as refusal:
            if refusal.verdict is Objection.NODE_BUSY:
                return
            seen = Extract(trouble=refusal.verdict.name)
        with self.database.writing():
            if self.blobs.has(blob):
                self.shelf.extracts.keep(blob, seen._replace(removed=()))
                self.shelf.has_arrived(blob)


def _looked_into(file: Path, name: str, room: Path) -> Found:
    """Return what is in a file. Text is read here, letter by letter; anything else by a process of its own."""
    media_type = kind.decide(file, name)
    if media_type not in TEXTS:
        return inspection.look(file, media_type, room)
    with file.open("rb") as content:
        check_text(content)
    return Found(media_type=media_type, clean=file)


def _extract(found: Found) -> Extract:
    return Extract(
        pages=found.pages,
        cover=found.cover or None,
        small_cover=found.small_cover or None,
        words=found.words,
        removed=found.removed,
    )


def check_text(content: BinaryIO) -> None:
    """Raises `Refused` where this is not UTF-8 without zero bytes, or nothing but blanks."""
    rest, seen = b"", False
    while chunk := content.read(TEXT_CHUNK):
        rest = _undecoded(rest + chunk)
        seen = seen or bool(chunk.strip())
    if rest:
        raise Refused(Objection.FILE_UNREADABLE)
    if not seen:
        raise Refused(Objection.FILE_EMPTY)


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
