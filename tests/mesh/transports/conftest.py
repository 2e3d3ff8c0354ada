"""Streets that are taken down whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mesh.transports.streets import LoopbackStreet, LoraStreet, MqttStreet, Street


@pytest.fixture(params=["loopback", "lora", "mqtt"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Street]:
    make: dict[str, Callable[[], Street]] = {
        "loopback": LoopbackStreet,
        "lora": LoraStreet,
        "mqtt": lambda: MqttStreet(tmp_path),
    }
    made = make[request.param]()
    yield made
    made.close()


@pytest.fixture
def mqtt_street(tmp_path: Path) -> Iterator[MqttStreet]:
    made = MqttStreet(tmp_path)
    yield made
    made.close()
