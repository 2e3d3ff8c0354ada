"""The archive: find, read, ask for, take back."""

from __future__ import annotations

from typing import BinaryIO

from appliance.answers import Account, Page, Session, goes_on_below
from appliance.commons.names import visible
from appliance.desks.bringing import Bringing
from appliance.desks.places import place_of
from appliance.errors import Objection, Refused
from appliance.kinds import TEXTS
from appliance.ledger.transfer import AccountId
from appliance.library import Rack, Zine, ZineFile, ZineForm
from appliance.store.shelf import Card
from mesh import links
from mesh.keys import LogId, written
from mesh.record import RecordId


class Zines(Bringing):
    def publish(
        self,
        form: ZineForm,
        content: BinaryIO,
        file_name: str,
        publisher: Account | None,
        idempotency_key: str | None = None,
    ) -> Zine:
        """Put a file on the shelf, as `bring` does, and return the zine that it is now."""
        return self.zine(str(self.bring(form, content, file_name, publisher, idempotency_key)))

    def zines(self, query: str = "", older: str = "", limit: int = 20, rack: Rack = Rack.SHELF) -> Page[Zine]:
        """Return zines of a rack that hold every word of `query`, newest first."""
        below = goes_on_below(older)
        rows = self.shelf.cards(visible(query[:200]), below, limit + 1, rack)
        return Page.cut(rows, limit, lambda row: self._zine(row, None))

    def zine(self, zine_id: str, session: Session | None = None) -> Zine:
        """Return one zine. Raises `Refused`, for one that is hidden too, unless a keeper asks."""
        return self._zine(self._seen_card(zine_id, session), session)

    def zine_file(self, zine_id: str, session: Session | None = None) -> ZineFile:
        """Return where the file lies. Raises `Refused`."""
        row = self._seen_card(zine_id, session)
        blob, size, media_type = row.blob, row.size, row.media_type
        if not self.blobs.has(blob):
            raise Refused(Objection.NOT_HERE_YET)
        return ZineFile(self.blobs.path(blob), media_type, size, blob.hex())

    def zine_cover(self, zine_id: str, small: bool, session: Session | None = None) -> bytes:
        """Return a JPEG. Raises `Refused` where the zine has no cover, or its file is not here."""
        blob = self._seen_card(zine_id, session).blob
        cover = self.shelf.extracts.cover(blob, small) if self.blobs.has(blob) else None
        if cover is None:
            raise Refused(Objection.NOT_FOUND)
        return cover

    def ask_for(self, zine_id: str) -> None:
        """Ask the neighbours for the file of a zine. Raises `Refused`, also where the archive has no room for it."""
        card = self._seen_card(zine_id, None)
        blob, size = card.blob, card.size
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
        self._known_card(zine_id)
        self._take_back(place_of(zine_id), session)

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

    def _known_card(self, zine_id: str) -> Card:
        row = self.shelf.card(*place_of(zine_id))
        if row is None:
            raise Refused(Objection.NOT_FOUND)
        return row

    def _seen_card(self, zine_id: str, session: Session | None) -> Card:
        """Return the row of a zine that may be seen by whoever asks."""
        row = self._known_card(zine_id)
        if row.hidden and not (session and session.is_keeper):
            raise Refused(Objection.ZINE_PUT_AWAY)
        return row

    def _zine(self, card: Card, session: Session | None) -> Zine:
        place = RecordId(LogId(card.log), card.seq)
        is_ours = card.node == self.node_id
        return Zine(
            id=str(place),
            title=card.title,
            creator=card.creator,
            language=card.language,
            description=card.description,
            series=card.series,
            issue=card.issue,
            licence=card.licence,
            tags=tuple(card.tags.split("\n")) if card.tags else (),
            media_type=card.media_type,
            size=card.size,
            blob=card.blob.hex(),
            at=card.at,
            published_at=self.settings.name if is_ours else card.node_name or written(card.node)[:8],
            is_here=self.blobs.has(card.blob),
            wanted=bool(card.is_wanted),
            may_withdraw=is_ours and session is not None and self._may_take_back(place, session),
            shelved=bool(card.shelved),
            hidden=bool(card.hidden),
            pages=card.pages,
            has_cover=bool(card.has_cover),
            trouble=_trouble(card.trouble, card.media_type),
            removed=tuple(card.removed.split()),
            copies=card.copies,
        )

    def _node_name(self, node: bytes) -> str:
        if node == self.node_id:
            return self.settings.name
        return str(self.database.value("SELECT name FROM node_name WHERE node = ?", node) or written(node)[:8])


def _trouble(found: str | None, media_type: str) -> str:
    """Return why a file is not shown here. Text is shown in any case: it cannot do anything."""
    if found is None:  # nobody has looked into it
        return "" if media_type in TEXTS else Objection.NOT_LOOKED_INTO.name
    return found
