"""A payment that waits for earlier news: on the pages of those whom it concerns, in words, and in no balance."""

from __future__ import annotations

from pathlib import Path

from tests.appliance.gap import gap_in
from tests.appliance.street import PIN
from tests.webui.visitor import Visitor
from webui import create_app


def test_it_stands_apart_from_what_came_and_went(tmp_path: Path):
    with gap_in(tmp_path) as gap:
        app = create_app(gap.ash)
        dan, eva = (Visitor(app).sign_in(name, PIN) for name in ("Dan", "Eva"))
        words = dan.page("/ledger").words
        assert "On their way" in words
        assert "+30 hours from Cara" in words
        assert "beams not yet counted" in words
        assert words.index("beams") < words.index("What came and went Nothing yet.")
        assert "On their way" not in eva.page("/ledger").words
        receipt = dan.page(f"/ledger/{gap.paid.id}").words
        assert "It counts as soon as the rest has come, and is in no balance until then." in receipt
        assert "Was it a mistake?" not in receipt
        assert "in question" not in receipt
        gap.street.settle()
        assert "On their way" not in dan.page("/ledger").words
