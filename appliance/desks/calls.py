"""Calls for help: raised here, heard from others, shown to everybody while they live. The rules: mesh/spec/distress-v1.md."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from appliance.answers import Account, Session
from appliance.calling import Call
from appliance.commons.names import visible
from appliance.desks.awaited import Awaiting
from appliance.errors import Objection, Refused
from appliance.ledger.transfer import AccountId
from appliance.store.calls import Calls
from appliance.store.phones import Phones
from appliance.textdoor.cutting import clip
from mesh.airform import node_handle
from mesh.alarms import CALLS_OF_A_NODE_MAX, MINUTE_S, Alarms, Hearing, Held
from mesh.distress import LIFE_MAX, PERSON_MAX, WORDS_SIZE_MAX, Caller, Distress, Level
from mesh.errors import BadSignature
from mesh.keys import NodeId, PublicKey

RAISED_PER_HOUR: Final = 6
RAISED_AT_ONCE: Final = 3
SAME_WITHIN_S: Final = 120  # the same call again so soon was sent twice, and is one
INCARNATION_BITS: Final = 14  # a restored node counts on above all that it said before, though it forgot


class Calling(Awaiting):
    @cached_property
    def _calls(self) -> Calls:
        return Calls(self.database, self.private)

    @cached_property
    def _limits(self) -> Phones:
        return Phones(self.database, self.private)

    @cached_property
    def _alarms(self) -> Alarms:
        return Alarms(self._calls, self._author, self.clock.monotonic)

    # --- what people do

    def raise_call(self, author: Account, level: str, minutes: int, words: str) -> Call:
        """Call for help, in the place of the author's earlier call. On the card when this returns. Raises `Refused`.

        A node that only reads calls as well: nobody's books hang on it. The same again within two minutes is the same call.
        """
        number = self._number_here(author)
        words = call_words(words)
        if level not in ("watch", "help", "danger") or not 1 <= minutes <= LIFE_MAX:
            raise Refused(Objection.CALL_UNREADABLE, hours=LIFE_MAX // 60)
        with self.database.writing():
            earlier = self._calls.of(self.node_id, number)
            if earlier and _is_again(earlier, level, minutes, words):
                return self._call(earlier, None)
            if not (earlier and earlier.is_alive):
                self._make_room()
            if wait_s := self._limits.spend("call", number.to_bytes(4, "big"), RAISED_PER_HOUR, RAISED_AT_ONCE):
                raise Refused(Objection.TRY_LATER, seconds=wait_s)
            self._say_call(number, Level[level.upper()], minutes, words)
        return self._call_of(number)

    def end_call(self, call_id: str, session: Session) -> None:
        """Tell everybody that it is over: the one who called may, and any keeper of the node where it was raised."""
        held = next((held for held in self._calls.all() if self._id(held) == call_id), None)
        if held is None or held.call.level is Level.OVER or not held.is_alive:
            raise Refused(Objection.NOT_FOUND)
        if not self._may_end(held, session):
            raise Refused(Objection.NOT_YOURS)
        self._end(held)

    def end_own_call(self, author: Account) -> bool:
        """The same by the one who called; whether there was a call to end."""
        held = self._calls.of(self.node_id, self._number_here(author))
        if held is None or held.call.level is Level.OVER or not held.is_alive:
            return False
        self._end(held)
        return True

    def calls(self, session: Session | None = None) -> list[Call]:
        """Return the calls that live, the worst first, and behind them those that are over and still told."""
        return [self._call(held, session) for held in self._alarms.living()]

    def _end(self, held: Held) -> None:
        with self.database.writing():
            self._say_call(held.call.caller.person, Level.OVER, held.call.life, held.call.words)

    def _number_here(self, author: Account) -> int:
        number = AccountId.read(author.id).number
        if not author.is_here or number > PERSON_MAX:
            raise Refused(Objection.SIGN_IN_ELSEWHERE, name=author.name, home=author.home_name)
        return number

    def _say_call(self, number: int, level: Level, minutes: int, words: str) -> None:
        incarnation = self.own_log(self.commons).incarnation
        turn = max(self._calls.next_turn(self.node_id), incarnation << INCARNATION_BITS)
        caller = Caller(node_handle(self.node_id), number)
        call = Distress(0, caller, turn, level, minutes, self.clock.now(), words).signed(self.key, self.commons)
        self._alarms.raised(self.node_id, call)

    def _make_room(self) -> None:
        own = [held for held in self._calls.all() if held.node == self.node_id]
        if sum(held.is_alive and held.call.level > Level.OVER for held in own) >= CALLS_OF_A_NODE_MAX:
            raise Refused(Objection.CALLS_TOO_MANY, limit=CALLS_OF_A_NODE_MAX)
        self._alarms.clear_out(own)

    # --- what the roads bring and take

    def accept_call(self, call: Distress) -> Hearing:
        """Take in a call that was heard. Raises `BadSignature` where no node known here said so."""
        with self.database.writing():
            return self._alarms.accept(call)

    def _author(self, call: Distress) -> NodeId:
        for node, public_key in self._calls.authors(call.caller.node):
            if self._is_known(node) and self._said(call, public_key):
                return node
        raise BadSignature("no node that is known here called for help so")

    def _said(self, call: Distress, public_key: PublicKey) -> bool:
        try:
            call.check(self.commons, public_key)
        except BadSignature:
            return False
        return True

    def calls_on_air(self) -> list[Distress]:
        """Return what is to be said on every road, each at its present age."""
        self._calls.count_down()
        return self._alarms.on_air()

    # --- for the pages

    def _call_of(self, number: int) -> Call:
        held = self._calls.of(self.node_id, number)
        assert held is not None
        return self._call(held, None)

    def _call(self, held: Held, session: Session | None) -> Call:
        return Call(
            id=self._id(held),
            author=self.account_at(AccountId(held.node, held.call.caller.person)),
            level=held.call.level.name.lower(),
            words=held.call.words,
            at=held.call.at,
            left_s=int(held.left_s),
            may_end=held.call.level is not Level.OVER and session is not None and self._may_end(held, session),
        )

    def _may_end(self, held: Held, session: Session) -> bool:
        if held.node != self.node_id:
            return False
        return session.is_keeper or AccountId.read(session.account.id).number == held.call.caller.person

    def _id(self, held: Held) -> str:
        return f"{held.node.hex()}.{held.call.caller.person}.{held.call.turn}"


def _is_again(earlier: Held, level: str, minutes: int, words: str) -> bool:
    """Whether somebody pressed twice, or a program did not hear the answer."""
    is_young = earlier.left_s > minutes * MINUTE_S - SAME_WITHIN_S
    call = earlier.call
    return is_young and (call.level, call.life, call.words) == (Level[level.upper()], minutes, words)


def call_words(typed: str) -> str:
    """Return what a call says of what was typed: one line that can be seen, as long as a packet has room for."""
    return clip(" ".join(visible(typed).split()), WORDS_SIZE_MAX).rstrip()
