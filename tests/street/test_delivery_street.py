"""Held by so many of so many neighbours, as people see it in a browser while one neighbour after another catches up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mesh.transports.ether import Ether
from tests.street.browser import Neighbour, chromium
from tests.street.node import RunningNode
from tests.street.street import Street, air
from tests.street.waiting import wait_until, wait_until_equal

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SPEED = 60.0
WITHIN_S = 90
NAMES = ("Elm", "Oak", "Ash", "Yew")


@pytest.fixture
def ether() -> Iterator[Ether]:
    with closing(Ether(seed=7, speed=SPEED)) as ether:
        ether.start()
        yield ether


@pytest.fixture
def nodes(ether: Ether, tmp_path: Path) -> Iterator[list[RunningNode]]:
    """Elm, where Ana and Ben are at home, and three neighbours who have heard all of each other."""
    with Street(tmp_path) as street:
        for name in NAMES:
            node = street.make(name, air(ether, SPEED))
            node.start()
        street.move_in(street.nodes[0], "Ana", "Ben")
        wait_until_equal("all agree", street.nodes, WITHIN_S)
        yield street.nodes


def wait_for(neighbour: Neighbour, path: str, wanted: str) -> None:
    """Open a page again and again, until it says that so many hold what it is about."""
    wait_until(f"{path[:7]} {wanted}", lambda: f"Held by {wanted} neighbour nodes." in neighbour.words(path), WITHIN_S)


def test_neighbours_catch_up_one_by_one_on_a_payment_and_a_notice(
    ether: Ether, nodes: list[RunningNode], tmp_path: Path
) -> None:
    elm, stations = nodes[0], [node.status["node_id"] for node in nodes]
    wait_until("three neighbours were heard", lambda: len([one for one in elm.status["peers"] if one["road"]]) == 3, 60)
    ether.cut([[station] for station in stations])
    with chromium() as browser:
        ana = Neighbour(browser, elm, "Ana")
        payment = ana.pay("Ben", "1.5", "two loaves, rye")
        notice = ana.put_up("/commons", "Street breakfast")
        token, seen = elm.sign_in("Ana"), []
        for reach in range(1, 5):
            ether.cut([stations[:reach], *([station] for station in stations[reach:])])
            wanted = f"{reach - 1} of 3"
            for path in (f"/ledger/{payment}", notice):
                wait_for(ana, path, wanted)
                ana.photograph(tmp_path / f"{path[1:5]}-{reach - 1}.png")
            told = elm.ask("GET", f"/transfers/{payment}", token=token).json
            seen.append((told["held_by"], told["neighbours"], told["state"]))
            assert elm.tells("held", payment)["held_by"] == reach - 1
        assert seen == [(0, 3, "good"), (1, 3, "settled"), (2, 3, "settled"), (3, 3, "settled")]
        wait_until_equal("all agree again", nodes, WITHIN_S)
        elm.does("radio", "off")  # what was spent is noted once a minute, and when the air is left
        wait_until("the air meter has counted", lambda: elm.status["air"]["used_ms_hour"] > 0, 70)
        meter = ana.words("/mesh")
        ana.photograph(tmp_path / "meter.png")
        said, heard = (
            float(re.search(rf"{words}\s+([0-9.]+)", meter)[1])  # type: ignore[index]
            for words in ("Spoken by this node", "Heard from others")
        )
        assert 0 < said < 108
        assert heard > 0
        assert "This node allows itself" in meter
