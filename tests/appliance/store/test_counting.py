"""THE property: what a set of signed records amounts to does not depend on the order in which it was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.settings import Settings
from appliance.store.counting import Counting
from appliance.store.ledger_views import LogBooks
from appliance.store.records import Log
from appliance.store.views import AllViews
from mesh import links
from mesh.links import Opening
from mesh.record import Record
from tests.appliance.chronicles import Chronicle
from tests.appliance.scribes import stranger_in_the_street
from tests.appliance.witness import Witness

HISTORIES: Final = 18
SCHEDULES: Final = 6


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return stranger_in_the_street(tmp_path_factory.mktemp("street") / "blank")


def hear_all(seeds: Iterable[int], blank: Settings, directory: Path) -> None:
    for seed in seeds:
        witness = Witness(Chronicle(seed), blank, directory)
        for schedule in range(SCHEDULES):
            witness.hear(schedule)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_whatever_the_order_equal_frontiers_are_equal_books(seed: int, blank: Settings, tmp_path: Path) -> None:
    hear_all([seed], blank, tmp_path)


# Each of these plants one fault, and the property must find it.


def ignores_absorbs(patch: pytest.MonkeyPatch) -> None:
    waits = Counting._obstacle

    def obstacle(self: Counting, log: Log, seq: int, record: Record) -> Any:
        return (None, []) if record.kind == links.ABSORB else waits(self, log, seq, record)

    patch.setattr(Counting, "_obstacle", obstacle)


def counts_logs_that_wait(patch: pytest.MonkeyPatch) -> None:
    def obstacle_to_open(self: Counting, opening: Opening) -> bytes | None:
        """Count whoever has not been let in yet, but not whoever comes back."""
        left = opening.continues
        return left.log if left and not self._counts(opening.scope, left) else None

    patch.setattr(Counting, "_obstacle_to_open", obstacle_to_open)


def never_begins_anew(patch: pytest.MonkeyPatch) -> None:
    """What was counted of a log before its end was heard goes on counting."""
    patch.setattr(Counting, "rebuild", lambda _: None)


def wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Counting, "_waiting_for", lambda *_: [])


def leaves_texts_on_the_board(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AllViews, "forget", lambda *_: None)


def judges_by_what_is_here(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LogBooks, "_has_counted", lambda *_: True)


FAULTS: Final[tuple[Callable[[pytest.MonkeyPatch], None], ...]] = (
    ignores_absorbs,
    counts_logs_that_wait,
    never_begins_anew,
    wakes_nobody,
    leaves_texts_on_the_board,
    judges_by_what_is_here,
)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_the_property_finds_a_planted_fault(
    plant: Callable[[pytest.MonkeyPatch], None], blank: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        hear_all(range(HISTORIES), blank, tmp_path)
