"""Newer than what is here: on the pages it belongs to, in words, for those whom it concerns."""

from __future__ import annotations

from pathlib import Path

from tests.appliance.street import PIN, Street
from tests.appliance.test_awaited import make_gap
from tests.webui.visitor import Visitor
from webui import create_app


def test_a_notice_and_a_payment_are_shown_as_not_yet_counted_to_whom_they_concern(tmp_path: Path) -> None:
    with Street(tmp_path) as street:
        gap = make_gap(street)
        street.neighbour(gap.oak, "Eva")
        app = create_app(gap.oak)
        visitor, dan, eva = Visitor(app), *(Visitor(app).sign_in(name, PIN) for name in ("Dan", "Eva"))
        assert "not yet counted" not in visitor.page("/commons").words
        assert gap.oak.accept_aside(gap.run, gap.head)
        words = visitor.page("/commons").words
        assert "Arrived, not yet counted" in words
        assert "The pump is mended not yet counted" in words
        assert "a lamp" not in words
        for path in ("/market", "/archive"):
            assert "not yet counted" not in visitor.page(path).words
        words = dan.page("/ledger").words
        assert "from Ana" in words
        assert "a lamp not yet counted" in words
        assert words.index("a lamp") < words.index("What came and went")
        assert "a lamp" not in eva.page("/ledger").words
        street.settle()
        assert "not yet counted" not in visitor.page("/commons").words
        assert "a lamp" in dan.page("/ledger").words
        assert "Arrived, not yet counted" not in dan.page("/ledger").words
