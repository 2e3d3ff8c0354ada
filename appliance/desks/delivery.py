"""Delivery: which neighbour nodes are known to hold a record. By what they last showed of themselves, never by a receipt."""

from __future__ import annotations

from typing import Final

from appliance.answers import LATELY_S, Delivery
from appliance.desks.places import place_of
from appliance.door import Door
from appliance.errors import Objection, Refused
from mesh.keys import PUBLIC
from mesh.record import RecordId

# Neighbours are other nodes that were ever heard and follow the scope: in a commons, those that it let in.
HOLDERS: Final = (
    "SELECT coalesce(sum(is_near AND holds), 0), coalesce(sum(is_near), 0), coalesce(sum(NOT is_near AND holds), 0) FROM ("
    "  SELECT peer.boot = ?1 AND peer.heard_tick >= ?2 AS is_near, coalesce(held.height, 0) >= ?3 AS holds"
    "  FROM peer LEFT JOIN holds held ON held.node = peer.node AND held.log = ?4"
    "  WHERE peer.heard_tick IS NOT NULL AND peer.node <> ?5"
    "  AND (?6 OR peer.node IN (SELECT node FROM admitted)))"
)


class Deliveries(Door):
    def delivery(self, record_id: str) -> Delivery:
        """Return who else holds a record of any kind. Raises `Refused` where it is not here."""
        place = place_of(record_id)
        if self.records.record(place) is None:
            raise Refused(Objection.NOT_FOUND)
        return self.delivery_of(place)

    def delivery_of(self, place: RecordId) -> Delivery:
        """Return who else holds the record at this place. Costs a look at each neighbour, however long the logs are."""
        log = self.records.log(place.log)
        boot, since = self.private.heard_since(LATELY_S)
        is_public = log is not None and log.scope == PUBLIC
        row = self.database.row(HOLDERS, boot, since, place.seq, place.log, self.node_id, is_public)
        return Delivery(*row) if row else Delivery(0, 0, 0)
