"""The notice board and the market: notices, offers and wants."""

from __future__ import annotations

from hashlib import blake2b

from appliance.answers import Account, Board, Page, Post, Session, goes_on_below
from appliance.commons.names import BODY_LENGTH_MAX, TITLE_LENGTH_MAX, clean_text
from appliance.desks.places import place_of
from appliance.desks.printing import Printing
from appliance.errors import Objection, Refused
from appliance.kinds import PostCard
from appliance.ledger.transfer import AccountId
from appliance.ledger.verdicts import Verdict
from appliance.store.database import Row
from mesh import canonical
from mesh.keys import LogId, NodeId
from mesh.record import RecordId

COLUMNS = "post.no, log.log, post.seq, log.node, board, author, title, body, record.core"
TABLES = "post JOIN log ON post.log_no = log.no JOIN record ON record.log_no = post.log_no AND record.seq = post.seq"


class Boards(Printing):
    def post(self, board: Board, title: str, body: str, author: Account, idempotency_key: str | None = None) -> Post:
        """Pin something to a board. Raises `Refused`."""
        if not author.is_here:
            raise Refused(Verdict.HOME_IS_ELSEWHERE, name=author.name, home=author.home_name)
        number = AccountId.read(author.id).number
        card = PostCard(
            board.value,
            number,
            clean_text(" ".join(title.split()), TITLE_LENGTH_MAX),
            clean_text(body, BODY_LENGTH_MAX, required=False),
        )
        digest = blake2b(canonical.encode([card.board, card.title, card.body]), digest_size=16).digest()
        with self.saying():
            place = self._once(number, idempotency_key, digest, lambda: self._pin(card, number))
        return self.post_at(str(place))

    def _pin(self, card: PostCard, number: int) -> RecordId:
        place = self.say(self.commons, card.record(self.clock.now(), self.salt(self.commons)))
        self.database.run("INSERT INTO publisher VALUES (?, ?, ?)", *place, number)
        return place

    def posts(
        self, board: Board | None = None, older: str = "", limit: int = 20, session: Session | None = None
    ) -> Page[Post]:
        """Return what hangs on a board, or on all, newest first."""
        below = goes_on_below(older)
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM {TABLES} WHERE post.no < ?1 AND board = coalesce(?2, board) ORDER BY post.no DESC LIMIT ?3",
            *(below, board.value if board else None, limit + 1),
        )
        return Page.cut(rows, limit, lambda row: self._post(row, session))

    def post_at(self, post_id: str, session: Session | None = None) -> Post:
        return self._post(self._post_row(post_id), session)

    def withdraw_post(self, post_id: str, session: Session | None = None) -> None:
        """Take a post back, everywhere. Raises `Refused`."""
        self._post_row(post_id)
        self._take_back(place_of(post_id), session)

    def _post_row(self, post_id: str) -> Row:
        sought = f"SELECT {COLUMNS} FROM {TABLES} WHERE log.log = ? AND post.seq = ?"
        row = self.database.row(sought, *place_of(post_id))
        if row is None:
            raise Refused(Objection.NOT_FOUND)
        return row

    def _post(self, row: Row, session: Session | None) -> Post:
        _, log, seq, node, board, author, title, body, core = row
        place = RecordId(LogId(log), seq)
        return Post(
            id=str(place),
            board=Board(board),
            title=title,
            body=body,
            author=self.account_at(AccountId(NodeId(node), author)),
            at=canonical.decode(core)[1],
            may_withdraw=node == self.node_id and session is not None and self._may_take_back(place, session),
        )
