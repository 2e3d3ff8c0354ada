"""What is more urgent goes first, whatever else is owed; and what may not be said waits without turning."""

from __future__ import annotations

from random import Random

from mesh.airform import log_handle, scope_handle
from mesh.effects import Send
from mesh.gossip import Engine
from mesh.governor import Priority
from mesh.keys import EpochKey, LogId, Scope
from mesh.packet import FIRST_HANDLE, LAST_HANDLE, Claim, Delivery, Want, parse
from mesh.timing import Timing
from tests.mesh.islands import MemoryHoldings, node_key

COMMONS = Scope(bytes([1]) * 16)
EPOCH_KEY = EpochKey(bytes([5]) * 32)
PAYMENT, POST = 20, 24
PLAIN = 2048  # bytes a packet: too wide for shorthand, and a message fits one


def ranked(scope: Scope, kind: int) -> Priority:
    return Priority.NOTICES if kind == POST else Priority.LEDGER


class Street:
    """A node that holds a log of payments and one of notices, and somebody who holds their first records."""

    def __init__(self, payments: int, notices: int, *, then_pays: bool = False) -> None:
        self.holdings = MemoryHoldings(node_key(1), COMMONS, EPOCH_KEY)
        self.ledger = self._log(50, [PAYMENT] * payments)
        self.board = self._log(51, [POST] * notices + [PAYMENT] * then_pays)
        self.engine = Engine(self.holdings.key.node_id, self.holdings, PLAIN, Random(1), Timing(), rank=ranked)

    def _log(self, author: int, kinds: list[int]) -> LogId:
        writer = MemoryHoldings(node_key(author), COMMONS, EPOCH_KEY)
        log = writer.write("opened", scope=COMMONS)  # with the first checkpoint, which both hold
        for kind in kinds:
            writer.write("words " * 20, scope=COMMONS, kind=kind)
        self.holdings.logs[log] = writer.logs[log]
        return log

    def want(self, now: float) -> None:
        claims = tuple(sorted(Claim(log_handle(log), 2) for log in (self.ledger, self.board)))
        packet = Want(scope_handle(COMMONS), b"near", FIRST_HANDLE, LAST_HANDLE, claims).encode()
        self.engine.receive("near", packet, now)

    def say(self, since: float, seconds: int, least: Priority) -> list[tuple[Priority, LogId]]:
        """Return what went out, with how urgent it was, and of which log."""
        said = []
        for second in range(seconds):
            for effect in self.engine.tick(since + second, least):
                if isinstance(effect, Send) and isinstance(packet := parse(effect.packet), Delivery):
                    names = {log_handle(log): log for log in (self.ledger, self.board)}
                    said += [(effect.priority, names[run.handle]) for run in packet.parcel.runs]
        return said


def test_payments_go_before_notices_however_many_there_are() -> None:
    street = Street(payments=9, notices=9)
    street.want(100.0)
    said = street.say(100.0, 120, Priority.CAROUSEL)
    logs = [log for _, log in said]
    assert set(logs) == {street.ledger, street.board}
    assert logs == sorted(logs, key=lambda log: log != street.ledger)
    assert {priority for priority, log in said if log == street.ledger} == {Priority.LEDGER}
    assert said[-1] == (Priority.NOTICES, street.board)


def test_where_only_payments_may_be_said_notices_wait_and_nobody_turns_for_them() -> None:
    street = Street(payments=2, notices=2)
    street.want(100.0)
    assert {log for _, log in street.say(100.0, 60, Priority.LEDGER)} == {street.ledger}
    street.engine.tick(4000.0, Priority.LEDGER)
    assert street.engine.next_wake(4000.0) > 10
    assert {log for _, log in street.say(4001.0, 60, Priority.NOTICES)} == {street.board}


def test_a_payment_behind_notices_of_its_own_log_brings_them_along() -> None:
    """A log has no gaps: what is urgent cannot leave before what stands below it."""
    street = Street(payments=0, notices=2)
    street.want(100.0)
    assert street.say(100.0, 60, Priority.LEDGER) == []
    street = Street(payments=0, notices=2, then_pays=True)
    street.want(100.0)
    assert street.say(100.0, 60, Priority.LEDGER) == [(Priority.LEDGER, street.board)]
