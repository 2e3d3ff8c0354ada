"""Neighbours: who has an account, who may sign in, and slow answers to wrong PINs.

PINs are kept as Argon2id (RFC 9106) with 9 MiB, one at a time: the board has 512 MB, and a guesser should wait as well.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHash, VerificationError

from appliance.answers import Account, MemberCard, Session
from appliance.commons.names import clean_name, folded, visible
from appliance.desks.delivery import Deliveries
from appliance.errors import Objection, Refused
from appliance.kinds import Member
from appliance.ledger.transfer import AccountId
from appliance.ledger.verdicts import Verdict
from appliance.store.database import Row
from mesh.errors import Malformed
from mesh.keys import NodeId, written
from mesh.record import RecordId

PIN: Final = re.compile(r"\d{4,12}", re.ASCII)
NEW_PIN_DIGITS: Final = 6
NUMBERS_APART: Final = 1000
# As strong as 12 MiB in 3 rounds (OWASP Password Storage Cheat Sheet), and the portal has 80 MB for all it does.
HASHER: Final = PasswordHasher(time_cost=4, memory_cost=9 * 1024, parallelism=1)
ONE_AT_A_TIME: Final = threading.Lock()
ACCOUNT_COLUMNS: Final = "member.node, number, member.name, node_name.name"
ACCOUNT_TABLES: Final = "member LEFT JOIN node_name ON node_name.node = member.node"


class People(Deliveries):
    def add_member(self, name: str, pin: str | None = None, keeper: bool = False) -> MemberCard:
        """Open an account here. Without `pin` a fresh one is drawn for the paper card. Raises `Refused`."""
        name, pin = clean_name(name), _chosen_or_drawn(pin)
        pin_hash = _hash(pin)
        with self.saying():
            if not self.is_let_in():  # two neighbours would get one number
                raise Refused(Objection.NOT_LET_IN_YET)
            if self._number_of(name) is not None:
                raise Refused(Objection.NAME_TAKEN, name=name)
            number = self._next_number()
            self.say(self.commons, Member(number, name).record(self.clock.now(), self.salt(self.commons)))
            self.private.add_credential(number, pin_hash, keeper)
        return self._paper_card(number, pin)

    def _paper_card(self, number: int, pin: str) -> MemberCard:
        account = self.account_at(AccountId(self.node_id, number), required=True)
        return MemberCard(account, pin, self.settings.name, self.settings.address)

    def _once(self, number: int, key: str | None, request: bytes, say: Callable[[], RecordId]) -> RecordId:
        """Say something, or return where it was said when an account first asked under the same `key`. Only inside `saying`.

        `request` is a digest of what is asked for. Raises `Refused` where the key came with another request.
        """
        earlier = self.private.answer(number, key) if key else None
        if earlier and earlier[0] != request:
            raise Refused(Objection.KEY_REUSED)
        place = earlier[1] if earlier else say()
        if key and not earlier:
            self.private.remember_answer(number, key, request, place)
        return place

    def _next_number(self) -> int:
        """Each incarnation counts from another thousand: an account that a lost tail opened must not be opened again."""
        last = self.database.value("SELECT max(number) FROM member WHERE node = ?", self.node_id) or 0
        return max(int(last), self.own_log(self.commons).incarnation * NUMBERS_APART) + 1

    def accounts(self, query: str = "") -> list[Account]:
        """Return neighbours in the order of their names; with `query`, those whose names begin so."""
        rows = self.database.rows(
            f"SELECT {ACCOUNT_COLUMNS} FROM {ACCOUNT_TABLES} WHERE substr(folded, 1, length(?1)) = ?1"
            " AND member.name <> '' ORDER BY folded, member.node",
            folded(query.strip()),
        )
        return [self.account_of(row) for row in rows]

    def account(self, account_id: str) -> Account:
        try:
            wanted = AccountId.read(account_id)
        except Malformed as fault:
            raise Refused(Objection.NOT_FOUND) from fault
        return self.account_at(wanted, required=True)

    def account_at(self, wanted: AccountId, required: bool = False) -> Account:
        """Return an account by its place; a nameless one where its home has not told of it here yet."""
        row = self.database.row(
            f"SELECT {ACCOUNT_COLUMNS} FROM {ACCOUNT_TABLES} WHERE member.node = ? AND number = ?", *wanted
        )
        if row is None and required:
            raise Refused(Objection.NOT_FOUND)
        return self.account_of(row or (*wanted, "", None))

    def account_of(self, row: Row) -> Account:
        node, number, name, home = row
        is_here = node == self.node_id
        home_name = self.settings.name if is_here else home or written(node)[:8]
        return Account(str(AccountId(NodeId(node), number)), name, written(node), home_name, is_here)

    def find_payee(self, text: str) -> Account:
        """Return whom NAME, NAME@NODE or an account's id means; a neighbour of this node before others. Raises `Refused`."""
        text = visible(text).strip()
        name, _, home = text.partition("@")
        found = [account for account in self.accounts(name) if folded(account.name) == folded(name)]
        if home:
            found = [account for account in found if self._is_home(account, home)]
        here = [account for account in found if account.is_here]
        if len(here or found) == 1:
            return (here or found)[0]
        if found:
            raise Refused(Verdict.PAYEE_AMBIGUOUS, name=name, example=found[0].home_name)
        return self._account_by_id(text)

    def _account_by_id(self, text: str) -> Account:
        try:
            return self.account_at(AccountId.read(text), required=True)
        except (Malformed, Refused) as fault:
            raise Refused(Verdict.PAYEE_UNKNOWN, name=text[:40] or "nobody") from fault

    def _is_home(self, account: Account, home: str) -> bool:
        return folded(home.strip()) in (folded(account.home_name), account.node_id, account.node_id[:8])

    # signing in

    def sign_in(self, name: str, pin: str) -> Session:
        """Return a session. Wrong PINs make the next try wait, twice as long each time; the wait outlives a restart."""
        number = self._number_by_pin(name, pin)
        with self.database.writing():
            token = self.private.new_session(number)
        session = self.session(token)
        assert session is not None
        return session

    def _number_by_pin(self, name: str, pin: str) -> int:
        key = _tries_of(name)
        with self.database.writing():
            wait = self.private.wait_s(key)
            if not wait:
                self.private.note_failure(key)  # taken back below: a pulled plug must not give a free try
        if wait:
            raise Refused(Objection.TRY_LATER, seconds=wait)
        number = self._number_of(name.strip())
        credential = self.private.credential(number) if number is not None else None
        if not _matches(credential[0] if credential else None, pin) or number is None:
            self._send_home(name)
            raise Refused(Objection.SIGN_IN_FAILED)
        with self.database.writing():
            self.private.forget_failures(key)
        return number

    def _send_home(self, name: str) -> None:
        """Tell a neighbour whose account is kept elsewhere where to go."""
        elsewhere = [account for account in self.accounts(name) if folded(account.name) == folded(name.strip())]
        if elsewhere and not any(account.is_here for account in elsewhere):
            raise Refused(Objection.SIGN_IN_ELSEWHERE, name=elsewhere[0].name, home=elsewhere[0].home_name)

    def session(self, token: str) -> Session | None:
        """Return whose token this is. Sessions end by signing out or by newer ones, never by a clock."""
        known = self.private.session(token)
        if known is None:
            return None
        number, csrf = known
        credential = self.private.credential(number)
        account = self.account_at(AccountId(self.node_id, number))
        return Session(token, csrf, account, bool(credential and credential[1]))

    def sign_out(self, token: str) -> None:
        with self.database.writing():
            self.private.end_session(token)

    def change_pin(self, session: Session, old: str, new: str) -> None:
        """Set a new PIN and sign out everywhere else."""
        if not PIN.fullmatch(new):
            raise Refused(Objection.PIN_TOO_WEAK)
        number = self._number_by_pin(session.account.name, old)
        with self.database.writing():
            self.private.set_pin(number, _hash(new))
            self.private.end_sessions(number, but=session.token)

    def renew_pin(self, name: str, pin: str | None = None) -> MemberCard:
        """Give an account of this node another PIN without the old one, on a keeper's word; sign it out everywhere.

        Without `pin` a fresh one is drawn for the new paper card. Raises `Refused`.
        """
        pin, number = _chosen_or_drawn(pin), self._number_of(name.strip())
        if number is None:
            raise Refused(Objection.NOT_OUR_NEIGHBOUR, name=visible(name)[:40])
        pin_hash = _hash(pin)
        with self.database.writing():
            self.private.set_pin(number, pin_hash)
            self.private.end_sessions(number, but="")
            self.private.forget_failures(_tries_of(name))
        return self._paper_card(number, pin)

    def _number_of(self, name: str) -> int | None:
        number = self.database.value(
            "SELECT number FROM member WHERE node = ? AND folded = ?", self.node_id, folded(name)
        )
        return None if number is None else int(number)


def _chosen_or_drawn(pin: str | None) -> str:
    pin = pin or "".join(secrets.choice("0123456789") for _ in range(NEW_PIN_DIGITS))
    if not PIN.fullmatch(pin):
        raise Refused(Objection.PIN_TOO_WEAK)
    return pin


def _tries_of(name: str) -> str:
    """Return under what wrong PINs for a name are counted, whether there is such a neighbour or not."""
    return folded(name.strip())[:40]


def _hash(pin: str) -> str:
    with ONE_AT_A_TIME:
        return HASHER.hash(pin)


def _matches(pin_hash: str | None, pin: str) -> bool:
    """Compare in the same time whether there is such a member or not."""
    with ONE_AT_A_TIME:
        if pin_hash is None:
            HASHER.hash(pin[:64])
            return False
        try:
            return HASHER.verify(pin_hash, pin[:64])
        except (VerificationError, InvalidHash):
            return False
