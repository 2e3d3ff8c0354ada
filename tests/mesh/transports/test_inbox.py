"""The box between a road's thread and the daemon, and the rules for names and sizes that all roads share."""

from __future__ import annotations

import threading
import time

import pytest

from mesh.transports import Heard, Inbox, checked_packet, checked_station

NEWS = Heard("loopback", "ana", b"news")


def test_what_came_first_goes_out_first_and_only_once() -> None:
    inbox = Inbox()
    arrivals = [Heard("mqtt", "bo", b"%d" % number) for number in range(5)]
    assert all(inbox.put(heard) for heard in arrivals)
    assert inbox.drain() == arrivals
    assert inbox.drain() == []


def test_256_wait_and_the_next_is_dropped_and_counted() -> None:
    inbox = Inbox()
    assert [inbox.put(NEWS) for _ in range(258)] == [True] * 256 + [False] * 2
    assert inbox.dropped == 2
    assert len(inbox.drain()) == 256
    assert inbox.put(NEWS)


def test_waiting_ends_with_an_arrival_or_in_time() -> None:
    inbox = Inbox()
    assert not inbox.wait(0.01)
    later = threading.Timer(0.05, inbox.put, [NEWS])
    later.start()
    began_s = time.monotonic()
    assert inbox.wait(10)
    assert time.monotonic() - began_s < 5
    later.join()
    assert inbox.wait(10), "what is there already needs no waiting"


def test_many_threads_lose_nothing_between_them() -> None:
    inbox = Inbox(size_max=100_000)
    writers = [threading.Thread(target=lambda: [inbox.put(NEWS) for _ in range(2_000)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    taken = 0
    while any(writer.is_alive() for writer in writers) or inbox.wait(0):
        taken += len(inbox.drain())
    assert taken == 8_000


@pytest.mark.parametrize("name", ["", "a" * 65, "ana bo", "ana/bo", "+", "#", "añá", "ana\n"])
def test_a_name_that_could_mean_more_than_a_name_is_no_station(name: str) -> None:
    with pytest.raises(ValueError, match="station"):
        checked_station(name)


def test_names_and_sizes_at_their_limits_are_fine() -> None:
    assert checked_station("A-z_0" + "9" * 59)
    assert checked_packet(b"x", 231) == b"x"
    assert checked_packet(bytes(231), 231) == bytes(231)
