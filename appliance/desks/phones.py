"""What a paired phone may do by text. Its public key is who it is; a radio's number, which anybody can claim, is nothing here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from appliance.answers import Account, Board, Session
from appliance.calling import Phone
from appliance.desks.calls import call_words
from appliance.desks.carrying import Carrying
from appliance.errors import Objection, Refused
from appliance.ledger.amounts import write_amount
from appliance.ledger.transfer import AMOUNT_MAX, AccountId
from appliance.ledger.verdicts import Verdict
from appliance.store.phones import Question
from appliance.textdoor import commands
from appliance.textdoor.cutting import cut
from appliance.textdoor.sentences import Said

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
CODE_LENGTH: Final = 8  # 40 bits
QUESTION_LENGTH: Final = 4
PHONES_MAX: Final = 3  # of one member
NEWS_MAX: Final = 4
ZINES_MAX: Final = 5
CALL_MINUTES: Final = 240

TEXTS_PER_HOUR, TEXTS_AT_ONCE = 30, 12
STRANGERS: Final = b""  # who have no allowance of their own: keys cost nothing
STRANGERS_PER_HOUR, STRANGERS_AT_ONCE = 20, 10

URGENT: Final = (commands.Sos, commands.Safe)  # calls have limits of their own

Lines = Sequence[str]


class Texting(Carrying):
    # --- at the portal

    def pairing_code(self, session: Session) -> str:
        """Return a code that makes the phone which texts it the member's own, once and within a quarter of an hour."""
        code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
        with self.database.writing():
            self._limits.set_code(AccountId.read(session.account.id).number, code)
        return f"{code[:4]}-{code[4:]}"

    def phones(self, session: Session) -> list[Phone]:
        """Return the phones that are paired with a member."""
        keys = self._limits.of(AccountId.read(session.account.id).number)
        return [Phone(key.hex(), key.hex()[:8]) for key in keys]

    def radio(self) -> str:
        """Return how phone apps call this node's radio, "" where it has none in service."""
        is_up = any(is_up and road.startswith("lora") for road, is_up, *_ in self.private.roads())
        return self.private.mark("radio") if is_up else ""

    def note_radio(self, name: str) -> None:
        """Note how phone apps call this node's radio."""
        if self.private.mark("radio") != name:
            with self.database.writing():
                self.private.set_mark("radio", name)

    def unpair(self, session: Session, phone_id: str) -> None:
        """Let a phone be nobody's again. Raises `Refused`."""
        key = bytes.fromhex(phone_id) if len(phone_id) == 64 and phone_id.isascii() and phone_id.isalnum() else b""
        with self.database.writing():
            if not self._limits.unpair(key, AccountId.read(session.account.id).number):
                raise Refused(Objection.NOT_FOUND)

    # --- by text

    def text(self, key: bytes, text: str) -> list[str]:
        """Return the answers, each of at most 200 characters, to what the phone with this public key texted.

        Nothing where it had more answers than is right. What was done is on the card when this returns.
        """
        number, command = self._limits.owner(key), commands.read(text)
        is_urgent = number is not None and isinstance(command, URGENT)
        if self._is_too_much(key, number) and not is_urgent:
            return []
        try:
            lines = self._answer(key, number, command)
        except Refused as refusal:
            lines = [str(refusal)]
        return cut(lines)

    def _is_too_much(self, key: bytes, number: int | None) -> bool:
        with self.database.writing():
            if number is None:
                return self._limits.spend("text", STRANGERS, STRANGERS_PER_HOUR, STRANGERS_AT_ONCE) > 0
            return self._limits.spend("text", key, TEXTS_PER_HOUR, TEXTS_AT_ONCE) > 0

    def _answer(self, key: bytes, number: int | None, command: commands.Command) -> Lines:
        if isinstance(command, commands.Pair):
            return self._pair(key, command.code)
        if number is None:
            return [said(Said.NOT_PAIRED, node=self.settings.name)]
        who = self.account_at(AccountId(self.node_id, number))
        match command:
            case commands.Pay():
                return self._ask(key, command)
            case commands.Yes(code):
                return self._confirm(key, number, who, code)
            case commands.Sos(words):
                return self._sos(who, words)
        return self._tell(who, command)

    def _tell(self, who: Account, command: commands.Command) -> Lines:
        """Answer what moves nothing that could be lost."""
        lines: Lines = [said(Said.UNCLEAR)]
        match command:
            case commands.Help():
                lines = [said(Said.HELP)]
            case commands.Balance():
                lines = self._balance(who)
            case commands.News():
                lines = self._news()
            case commands.Zines(words):
                lines = self._zines(words)
            case commands.HalfPay():
                lines = [said(Said.HOW_TO_PAY)]
            case commands.Safe():
                lines = [said(Said.SAFE if self.end_own_call(who) else Said.NOTHING_TO_END)]
        return lines

    def _pair(self, key: bytes, code: str) -> Lines:
        with self.database.writing():
            number = self._limits.use_code(code)
            if number is None:
                return [said(Said.CODE_WRONG)]
            others = [other for other in self._limits.of(number) if other != key]
            for other in others[: max(0, len(others) - PHONES_MAX + 1)]:
                self._limits.unpair(other, number)
            self._limits.pair(key, number)
        return [said(Said.PAIRED, name=self.account_at(AccountId(self.node_id, number)).name)]

    def _balance(self, who: Account) -> Lines:
        return [
            said(
                Said.BALANCE,
                balance=write_amount(room.balance, room.currency.decimals),
                payable=write_amount(room.payable, room.currency.decimals),
                currency=room.currency.name,
            )
            for room in self.rooms(who)
        ]

    def _news(self) -> Lines:
        notices = self.posts(Board.NOTICE, limit=NEWS_MAX).rows
        return [": ".join(filter(None, (post.title, post.body))) for post in notices] or [said(Said.NO_NEWS)]

    def _zines(self, words: str) -> Lines:
        if not words:
            return [said(Said.WHICH_ZINES)]
        found = self.zines(words, limit=ZINES_MAX).rows
        return [", ".join(filter(None, (zine.title, zine.creator))) for zine in found] or [said(Said.NO_ZINES)]

    # --- payments: asked once, paid once

    def _ask(self, key: bytes, wanted: commands.Pay) -> Lines:
        """Ask back before anything is paid. What could not be paid is refused only then, by the rules that count."""
        payee = self.find_payee(wanted.to)
        first, _, more = wanted.rest.partition(" ")
        try:
            currency, memo = self.currency(first), more
        except Refused:
            currency, memo = self.currencies()[0], wanted.rest
        amount = self.read_amount(wanted.amount, currency)
        if amount > AMOUNT_MAX:
            raise Refused(Verdict.AMOUNT_TOO_LARGE)  # the only rule that is told before: the store holds no such number
        code = "".join(secrets.choice(LETTERS) for _ in range(QUESTION_LENGTH))
        question = Question(code, secrets.token_hex(16), payee.id, amount, currency.number, memo, is_fresh=True)
        with self.database.writing():
            self._limits.ask(key, question)
        return [
            said(
                Said.CONFIRM,
                amount=write_amount(amount, currency.decimals),
                currency=currency.name,
                to=f"{payee.name}@{payee.home_name}",
                memo=f" ({memo})" if memo else "",
                code=code,
            )
        ]

    def _confirm(self, key: bytes, number: int, who: Account, code: str) -> Lines:
        """Pay what was asked under this code. The question's nonce makes a repeated yes the same payment, also after a cut."""
        asked = self._limits.question(key)
        if asked is None or not secrets.compare_digest(asked.code, code.encode("ascii", "ignore").decode()):
            return [said(Said.NOTHING_WAITS)]
        if not asked.is_fresh and self.private.answer(number, asked.nonce) is None:
            return [said(Said.TOO_LATE)]
        currency = next(one for one in self.currencies() if one.number == asked.currency)
        payee = self.account(asked.payee)
        paid = self.pay(who, payee, asked.amount, currency, asked.memo, idempotency_key=asked.nonce)
        amount = write_amount(paid.amount, currency.decimals)
        return [said(Said.PAID, amount=amount, currency=currency.name, to=payee.name, standing=paid.standing.value)]

    # --- help

    def _sos(self, who: Account, words: str) -> Lines:
        """A text that comes twice calls once."""
        mine = [call for call in self.calls() if call.author.id == who.id and call.level == "danger"]
        if not any(call.words == call_words(words) for call in mine):
            self.raise_call(who, "danger", CALL_MINUTES, words)
        return [said(Said.CALLED)]


def said(sentence: Said, **details: object) -> str:
    """Fill in a sentence."""
    return sentence.value.format(**details)
