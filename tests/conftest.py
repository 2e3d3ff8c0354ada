"""What every test may lean on: a Hypothesis profile that repeats exactly, free ports, quick PINs, turns on the machine."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from appliance.desks import people
from tests.ports import free_ports
from tests.turns import Turns

# `ci` is the default: the same examples on every machine, and no failure because a machine is slow.
# `pytest --hypothesis-profile=search` looks further, with new examples on each run.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, database=None)
settings.register_profile("search", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

TURNS = pytest.StashKey[TemporaryDirectory[str]]()


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago, for programs that must be told their port."""
    return free_ports(1)


@pytest.fixture(scope="session", autouse=True)
def quick_pins() -> Iterator[PasswordHasher]:
    """Hash PINs in a moment, in this process; it yields what hashes them in earnest."""
    in_earnest = people.HASHER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield in_earnest


LONG = (
    "long: pure, and takes a quarter of a minute or more; left out of `make check`, which is to be over in two minutes"
)


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark that `make check` asks for beside `real` (pyproject.toml)."""
    config.addinivalue_line("markers", LONG)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real parts come first: they take minutes, and what takes seconds fills the workers' last ones."""
    real = {item.path for item in items if item.get_closest_marker("real")}
    items.sort(key=lambda item: item.path not in real)


# Workers side by side (pytest-xdist) meet in a directory to take turns.


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker that is about to start where the others are met."""
    stash = node.config.stash
    if TURNS not in stash:
        stash[TURNS] = TemporaryDirectory(prefix="hedgerow-turns-")
    node.workerinput["turns"] = stash[TURNS].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the meeting place down."""
    if directory := config.stash.get(TURNS, None):
        directory.cleanup()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait for the turn outside of the test's own time-out. Without workers there is nobody to wait for."""
    worker: dict[str, str] | None = getattr(item.config, "workerinput", None)
    alone = item.get_closest_marker("alone") is not None
    with Turns(Path(worker["turns"])).turn(alone=alone) if worker else nullcontext():
        return (yield)
