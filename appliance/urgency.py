"""How urgent a record is on a radio, by its kind: the books go before what hangs on the board, and that before zines."""

from __future__ import annotations

from typing import Final

from appliance import kinds
from mesh import rank
from mesh.governor import Priority
from mesh.keys import Scope

OF_KINDS: Final = {kinds.POST: Priority.NOTICES, kinds.ZINE: Priority.MANIFESTS, kinds.NOTE: Priority.MANIFESTS}


def urgency(scope: Scope, kind: int) -> Priority:
    """Return how urgent a record of this kind is. Of a kind that a newer program writes only the scope is known."""
    return OF_KINDS.get(kind) or rank.by_scope(scope, kind)
