"""The node that a command is about, opened; apart from the rest, so that what needs no node starts without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.cli.terminal import data_directory
from appliance.node import Node


@contextmanager
def opened_node() -> Iterator[Node]:
    """Open the node the command is about, running or not."""
    node = Node.open(data_directory())
    try:
        yield node
    finally:
        node.close()
