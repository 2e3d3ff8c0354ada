"""How urgent a record is on the air. What kinds of records mean is known to the layer above, which may hand in its own rank."""

from __future__ import annotations

from collections.abc import Callable

from mesh.governor import Priority
from mesh.keys import PUBLIC, Scope

Rank = Callable[[Scope, int], Priority]  # of a record's kind, in a scope


def by_scope(scope: Scope, kind: int) -> Priority:  # noqa: ARG001 (whoever knows kinds hands in another rank)
    """Return how urgent a record is whose kind tells nothing: a commons moves its ledger, what is public are zines."""
    return Priority.MANIFESTS if scope == PUBLIC else Priority.LEDGER
