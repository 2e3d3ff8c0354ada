"""Waiting for what other processes do, with the time it took on the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

Found = TypeVar("Found")
LOOK_EVERY_S = 0.25


def wait_until(what: str, look: Callable[[], Found], within_s: float, told: Callable[[], str] = str) -> Found:
    """Return what `look` finds as soon as it finds something; fail with what `told` says when that takes too long."""
    began_s = time.monotonic()
    while not (found := look()):
        took_s = time.monotonic() - began_s
        assert took_s < within_s, f"{what}: not within {within_s:.0f} s. {told()}"
        time.sleep(LOOK_EVERY_S)
    print(f"{what}: after {time.monotonic() - began_s:.1f} s")
    return found


class Answering(Protocol):
    """A node that can be asked how it is."""

    @property
    def state(self) -> str: ...
    @property
    def heights(self) -> dict[str, int]: ...


def wait_until_equal(what: str, nodes: Iterable[Answering], within_s: float, other_than: str = "") -> str:
    """Return the state that all nodes have come to, and which is not `other_than`."""
    asked = list(nodes)

    def common() -> str:
        states = {node.state for node in asked}
        return states.pop() if len(states) == 1 and states != {other_than} else ""

    def told() -> str:
        return "\n" + "\n".join(f"{node.state[:12]} {node.heights}" for node in asked)

    return wait_until(what, common, within_s, told)
