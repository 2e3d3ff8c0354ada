"""Which phone belongs to whom, what it was asked, and how much each may still ask. Rows that never leave this node."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Final, NamedTuple

from appliance.store.database import Database
from appliance.store.private import Private

CODE_LIVES_S: Final = 900
QUESTION_LIVES_S: Final = 300
ALLOWANCES_MAX: Final = 256


class Question(NamedTuple):
    """A payment that waits for its code. `nonce` names it for good, so that it is made once."""

    code: str
    nonce: str
    payee: str
    amount: int
    currency: int
    memo: str
    is_fresh: bool


class Phones:
    def __init__(self, database: Database, private: Private) -> None:
        self._database = database
        self._private = private

    # pairing

    def set_code(self, number: int, code: str) -> None:
        """Let a member's phone be paired by this code for a quarter of an hour; an earlier code is worth nothing any more."""
        tick, boot = self._private.uptime()
        self._database.run("INSERT OR REPLACE INTO pairing VALUES (?, ?, ?, ?)", number, _digest(code), tick, boot)

    def use_code(self, code: str) -> int | None:
        """Return whose code this is, and forget it; None where it is nobody's, or too old."""
        row = self._database.row("SELECT number, tick, boot FROM pairing WHERE code = ?", _digest(code))
        if row is None:
            return None
        self._database.run("DELETE FROM pairing WHERE number = ?", row[0])
        return int(row[0]) if self._is_within(row[1], row[2], CODE_LIVES_S) else None

    def pair(self, key: bytes, number: int) -> None:
        """Let a phone be this member's. What it was asked as somebody else's is forgotten."""
        if self.owner(key) != number:
            self._database.run("DELETE FROM question WHERE key = ?", key)
        self._database.run(
            "INSERT OR REPLACE INTO phone (key, number, no) SELECT ?1, ?2, coalesce(max(no), 0) + 1 FROM phone",
            *(key, number),
        )

    def unpair(self, key: bytes, number: int) -> bool:
        """Whether this phone was the member's."""
        is_theirs = self.owner(key) == number
        if is_theirs:
            self._database.run("DELETE FROM phone WHERE key = ?", key)
            self._database.run("DELETE FROM question WHERE key = ?", key)
        return is_theirs

    def owner(self, key: bytes) -> int | None:
        number = self._database.value("SELECT number FROM phone WHERE key = ?", key)
        return None if number is None else int(number)

    def of(self, number: int) -> list[bytes]:
        """Return a member's phones, the one that was paired first in front."""
        rows = self._database.rows("SELECT key FROM phone WHERE number = ? ORDER BY no, key", number)
        return [bytes(key) for (key,) in rows]

    # payments that wait for a word

    def ask(self, key: bytes, question: Question) -> None:
        """Keep what a phone was asked, in the place of what it was asked before."""
        tick, boot = self._private.uptime()
        self._database.run(
            "INSERT OR REPLACE INTO question VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", key, *question[:-1], tick, boot
        )

    def question(self, key: bytes) -> Question | None:
        row = self._database.row(
            "SELECT code, nonce, payee, amount, currency, memo, tick, boot FROM question WHERE key = ?", key
        )
        if row is None:
            return None
        code, nonce, payee, amount, currency, memo, tick, boot = row
        is_fresh = self._is_within(tick, boot, QUESTION_LIVES_S)
        return Question(code, nonce, payee, amount, currency, memo, is_fresh)

    # allowances: what was spent comes back with time

    def spend(self, what: str, who: bytes, per_hour: int, at_once: int) -> int:
        """Count one more; return how many seconds to wait where it is one too many, and is not counted."""
        tick, boot = self._private.uptime()
        row = self._database.row("SELECT spent, tick, boot FROM allowance WHERE what = ? AND who = ?", what, who)
        spent, then, then_boot = row or (0.0, tick, boot)
        passed = max(0.0, tick - then) if then_boot == boot else 0.0
        spent = max(0.0, spent - passed * per_hour / 3600)
        is_one_too_many = spent + 1 > at_once
        wait_s = math.ceil((spent + 1 - at_once) * 3600 / per_hour) if is_one_too_many else 0
        if is_one_too_many and then_boot == boot:
            return wait_s  # nothing to write down: whoever asks in vain must not wear the card
        self._database.run(
            "INSERT OR REPLACE INTO allowance VALUES (?, ?, ?, ?, ?)",
            *(what, who, spent if is_one_too_many else spent + 1, tick, boot),
        )
        self._database.run(
            "DELETE FROM allowance WHERE rowid IN (SELECT rowid FROM allowance ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
            ALLOWANCES_MAX,
        )
        return wait_s

    def _is_within(self, tick: float, boot: str, seconds: float) -> bool:
        """Whether it is not longer ago. After a reboot nobody can tell, so it is not."""
        now, this_boot = self._private.uptime()
        return boot == this_boot and now - tick <= seconds


def _digest(code: str) -> bytes:
    return blake2b(code.encode(), digest_size=16, person=b"hedgerow phone").digest()
