"""The bundle that is timed is a whole one: all of it is written, read and checked."""

from __future__ import annotations

import pytest

from appliance.bench import carrying
from appliance.bench.carrying import AIMS

pytestmark = pytest.mark.real


def test_a_bundle_is_written_and_read_beside_cp_and_b2sum() -> None:
    figures = carrying.measure(files=2, file_bytes=1 << 20, rounds=1)
    print(figures)
    assert set(AIMS) <= set(figures)
    assert figures["bundle_bytes"] > 2 << 20
    assert all(value > 0 for value in figures.values())
