"""Streets that are taken down whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.transports.streets import LoopbackStreet, MqttStreet, Street


@pytest.fixture(params=["loopback", "mqtt"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Street]:
    made: Street = LoopbackStreet() if request.param == "loopback" else MqttStreet(tmp_path)
    yield made
    made.close()


@pytest.fixture
def mqtt_street(tmp_path: Path) -> Iterator[MqttStreet]:
    made = MqttStreet(tmp_path)
    yield made
    made.close()
