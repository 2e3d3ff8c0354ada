"""Checking everything again, and changing nothing: signatures, chains, texts, files, views and the laws of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.ledger.verdicts import Verdict
from appliance.store.blobs import Blobs
from appliance.store.database import Database
from appliance.store.records import Log, Records
from mesh.errors import PeerFault
from mesh.keys import PublicKey, written
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof, first_head, next_head
from mesh.record import NO_TEXT, Record, RecordId

CHUNK: Final = 512
# Every balance beside the sum of its postings, where the two differ; either may be missing.
BALANCES_AND_SUMS: Final = """
    SELECT node, number, currency, sum(amount), sum(total) FROM (
        SELECT node, number, currency, amount, 0 AS total FROM balance
        UNION ALL SELECT node, number, currency, 0, sum(amount) FROM posting GROUP BY node, number, currency
    ) GROUP BY node, number, currency HAVING sum(amount) <> sum(total)"""


def broken_facts(database: Database, records: Records) -> Iterator[str]:
    """Yield a sentence for each fact that does not hold together."""
    sound = database.value("PRAGMA integrity_check")
    if sound != "ok":
        yield f"the database file is damaged: {sound}"
    for log in records.logs():
        yield from _broken_log(database, records, log)
    for key, one, other in database.rows("SELECT public_key, one, other FROM fork_proof JOIN log USING (log)"):
        yield from _broken_proof(PublicKey(key), one, other)


def _broken_log(database: Database, records: Records, log: Log) -> Iterator[str]:
    name, head, seq = written(log.log), first_head(log.log), 0
    certificates = dict(_checkpoints(database, log))
    if max(certificates, default=0) != log.certified or (
        log.certified and certificates[log.certified].head != log.certified_head
    ):
        yield f"log {name} is not signed up to {log.certified}, as it says"
    while chunk := records.span(log.no, seq, seq + CHUNK):
        noted = _noted(database, log, seq)
        for record in chunk:
            seq += 1
            head = next_head(head, record)
            yield from _broken_record(records, log, seq, record)
            if noted.get(seq) != (head, _kind(record)):
                yield f"what is noted beside {RecordId(log.log, seq)} is not what stands there"
            if seq in certificates:
                yield from _broken_checkpoint(log, certificates.pop(seq), head)
    if (seq, head) != (log.height, log.head):
        yield f"log {name} should end at {log.height}, but its chain ends at {seq}"
    if certificates:
        yield f"log {name} has checkpoints above its last entry"
    yield from _broken_opening(records, log)


def _noted(database: Database, log: Log, after: int) -> dict[int, tuple[bytes, int]]:
    """Return what the table says of records: their heads and kinds."""
    rows = database.rows(
        "SELECT seq, head, kind FROM record WHERE log_no = ? AND seq > ? AND seq <= ?", log.no, after, after + CHUNK
    )
    return {seq: (head, kind) for seq, head, kind in rows}


def _kind(record: Record) -> int | None:
    try:
        return record.kind
    except PeerFault:
        return None


def _broken_proof(public_key: PublicKey, one: bytes, other: bytes) -> Iterator[str]:
    try:
        ForkProof(public_key, Checkpoint.parse(one), Checkpoint.parse(other)).check()
    except PeerFault:
        yield "a proof that a node told two stories proves nothing"


def _checkpoints(database: Database, log: Log) -> Iterator[tuple[int, Checkpoint]]:
    for seq, previous, head, signature in database.rows(
        "SELECT seq, previous, head, signature FROM checkpoint WHERE log_no = ?", log.no
    ):
        yield seq, Checkpoint(log.log, previous, seq, head, signature)


def _broken_checkpoint(log: Log, checkpoint: Checkpoint, head: bytes) -> Iterator[str]:
    try:
        checkpoint.check(log.public_key)
    except PeerFault:
        yield f"the signature at {written(log.log)}-{checkpoint.seq} is wrong"
    if checkpoint.head != head:
        yield f"the signature at {written(log.log)}-{checkpoint.seq} covers other entries"


def _broken_record(records: Records, log: Log, seq: int, record: Record) -> Iterator[str]:
    place = RecordId(log.log, seq)
    try:
        if Record.parse(record.encode()) != record:
            yield f"the text of {place} is not the one that was signed"
    except PeerFault as fault:
        yield f"{place} cannot be read: {fault}"
    if record.text is None and record.text_digest != NO_TEXT and not records.is_withdrawn(place):
        yield f"the text of {place} is missing, and nobody took it back"


def _broken_opening(records: Records, log: Log) -> Iterator[str]:
    first = records.record(RecordId(log.log, 1))
    if first is None:
        if log.height:
            yield f"log {written(log.log)} has no opening"
        return
    try:
        opening = Opening.read(first)
    except PeerFault as fault:
        yield f"the opening of {written(log.log)} is wrong: {fault}"
        return
    names = (opening.log, opening.scope, opening.node, opening.public_key, opening.incarnation)
    if names != (log.log, log.scope, log.node, log.public_key, log.incarnation):
        yield f"the opening of {written(log.log)} is that of another log"


def broken_laws(database: Database) -> Iterator[str]:
    """Yield a sentence for each law of the ledger that does not hold: sums of zero, floors, no debit from elsewhere."""
    for currency, total in database.rows(
        "SELECT currency, sum(amount) FROM balance GROUP BY currency HAVING sum(amount) <> 0"
    ):
        yield f"currency {currency} sums to {total}, not to zero"
    for node, number, currency, amount, total in database.rows(BALANCES_AND_SUMS):
        yield f"account {written(node)}.{number} stands at {amount} in currency {currency}, but its entries sum to {total}"
    for node, number, currency, amount, floor in database.rows(
        "SELECT node, member, currency, amount, floor FROM (SELECT node, balance.number AS member, currency, amount, floor"
        " FROM balance JOIN currency ON currency.number = currency) WHERE amount < floor"
    ):
        yield f"account {written(node)}.{number} stands at {amount} in currency {currency}, below its floor of {floor}"
    for log, seq in database.rows(
        "SELECT log.log, posting.seq FROM posting JOIN log ON log_no = log.no WHERE amount < 0 AND posting.node <> log.node"
    ):
        yield f"{written(log)}-{seq} takes from an account of another home"
    for (places,) in database.rows(
        "SELECT count(*) FROM transfer WHERE reverses_log IS NOT NULL AND verdict = ? GROUP BY reverses_log, reverses_seq"
        " HAVING count(*) > 1",
        Verdict.ACCEPTED.code,
    ):
        yield f"a payment was given back {places} times"


def broken_files(blobs: Blobs) -> Iterator[str]:
    """Yield a sentence for each file whose content is not what its name says."""
    for blob in blobs.names():
        if not blobs.is_sound(blob):
            yield f"file {blob.hex()} is damaged; ask for it again"
