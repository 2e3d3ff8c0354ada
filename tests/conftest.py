"""What every test may lean on: one Hypothesis profile that repeats exactly, and ports to listen on."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.ports import free_ports

# `ci` is the default: the same examples on every machine, and no failure because a machine is slow.
# `pytest --hypothesis-profile=search` looks further, with new examples on each run.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile("search", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago, for programs that must be told their port."""
    return free_ports(1)
