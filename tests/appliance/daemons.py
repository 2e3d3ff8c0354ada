"""Daemons in threads of their own, for the length of a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 30


@contextmanager
def in_a_thread(gossip: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let `gossip` go on beside the test. It must end when the event is set."""
    ending = threading.Event()
    thread = threading.Thread(target=gossip, args=(ending,))
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
