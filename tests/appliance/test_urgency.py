"""What goes first on the air: the books, then the board, then zines."""

from __future__ import annotations

import pytest

from appliance import kinds
from appliance.urgency import urgency
from mesh import links
from mesh.governor import Priority
from mesh.keys import PUBLIC, Scope

COMMONS = Scope(bytes([1]) * 16)


@pytest.mark.parametrize(
    ("scope", "kind", "expected"),
    [
        (COMMONS, kinds.TRANSFER, Priority.LEDGER),
        (COMMONS, kinds.MEMBER, Priority.LEDGER),
        (COMMONS, links.ABSORB, Priority.LEDGER),
        (COMMONS, kinds.POST, Priority.NOTICES),
        (PUBLIC, kinds.POST, Priority.NOTICES),
        (PUBLIC, kinds.ZINE, Priority.MANIFESTS),
        (COMMONS, kinds.NOTE, Priority.MANIFESTS),
        (PUBLIC, links.OPEN, Priority.MANIFESTS),
        (COMMONS, 999, Priority.LEDGER),  # of a newer program
    ],
)
def test_the_books_go_before_the_board_and_the_board_before_zines(scope: Scope, kind: int, expected: Priority) -> None:
    assert urgency(scope, kind) is expected
