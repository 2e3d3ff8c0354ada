"""What a node tells of the air it used: in hours of uptime, the silent ones among them."""

from __future__ import annotations

from pathlib import Path

from appliance.node import Node
from appliance.store.private import AirUse
from tests.appliance.test_calls import Ticks, turn_clock

HOUR_S = 3600


def test_a_day_is_a_day_though_hardly_anything_is_said(elm: Path) -> None:
    """Neighbours who agree speak once in six hours: then most hours leave no row."""
    node, ticks = Node.open(elm), Ticks()
    turn_clock(node, ticks)
    for _ in range(4):
        node.note_air({"sent": AirUse(1000, 1, 50)})
        ticks.now += 6 * HOUR_S
    assert (node.air_day().used_ms, node.air().used_ms_hour) == (3000, 0)
    node.note_air({"sent": AirUse(1000, 1, 50)})
    assert (node.air_day().used_ms, node.air().used_ms_hour) == (4000, 1000)
    ticks.now += 24 * HOUR_S
    assert node.air_day().used_ms == 0
    node.close()
