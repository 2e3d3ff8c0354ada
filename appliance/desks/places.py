"""Ids of records as pages, the API and commands hand them in."""

from __future__ import annotations

from appliance.errors import Objection, Refused
from mesh.errors import Malformed
from mesh.record import RecordId


def place_of(record_id: str) -> RecordId:
    """Return where the record with this id stands, or would stand. Raises `Refused` where it is no id."""
    try:
        return RecordId.read(record_id)
    except Malformed as fault:
        raise Refused(Objection.NOT_FOUND) from fault
