"""Ports of 127.0.0.1 for what a test starts, and may start again."""

from __future__ import annotations

import socket
from random import randrange


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row on which nobody listened a moment ago.

    They lie below those that the system gives to outgoing connections: one of these must not stand in the way of a node
    that is started again (ip(7), ip_local_port_range).
    """
    while True:
        first = randrange(10_000, 32_000)
        if all(is_free(first + more) for more in range(count)):
            return first


def is_free(port: int) -> bool:
    """Whether a port of 127.0.0.1 can be had now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
