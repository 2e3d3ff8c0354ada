"""Receipts: a record with all that is needed to check its signature, in plain JSON.

The checker of tests/checkers/check_record.py reads this form and knows nothing of ours: a receipt outlives the node, and
the program too.
"""

from __future__ import annotations

from typing import Any

from appliance.store.records import Records
from mesh.keys import written
from mesh.record import RecordId


def paper(records: Records, place: RecordId) -> dict[str, Any] | None:
    """Return the receipt of one record; None where no checkpoint certifies it yet.

    The chain is shown from the record to the next checkpoint. Of others on the way only the digests of their texts are
    told: who shows a receipt tells nobody what a neighbour wrote.
    """
    log, run = records.log(place.log), records.run(place.log, place.seq - 1, 0)
    if log is None or run is None:
        return None
    shown = [run.records[0], *(record.without_text() for record in run.records[1:])]
    return {
        "log": written(log.log),
        "seq": place.seq,
        "public_key": log.public_key.hex(),
        "incarnation": log.incarnation,
        "scope": log.scope.hex(),
        "after": run.after,
        "head_after": records.head_at(log, run.after).hex(),
        "records": [record.encode().hex() for record in shown],
        "checkpoint": {"previous": run.previous, "seq": run.upto, "signature": run.signature.hex()},
    }
