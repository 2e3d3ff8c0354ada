"""The simulated radio over its real ether: true airtime, a full queue, loss, islands, strangers, ethers that die."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mesh.airtime import airtime_ms
from mesh.errors import AirtimeSpent, TransportDown
from mesh.transports import Inbox
from mesh.transports.datagram import Bye, Datagram, Hello, Offer, Overheard, Reason, Refusal, Report, encode, parse
from mesh.transports.ether import Ether, Register
from mesh.transports.loopback import HELLO_EVERY_S, QUEUE_SIZE_MAX, Line, LoopbackRadio
from tests.mesh.transports.streets import LoopbackStreet, send_when_up, trouble, until

pytestmark = pytest.mark.real


@contextmanager
def loopback_street(preset: str = "LongFast", loss: float = 0.0, speed: float = 100.0) -> Iterator[LoopbackStreet]:
    made = LoopbackStreet(preset, loss, speed)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def bare_station(ether: tuple[str, int]) -> Iterator[socket.socket]:
    """A socket that talks to an ether as it pleases."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
        station.connect(ether)
        station.settimeout(5)
        yield station


def ask(station: socket.socket, datagram: Datagram) -> Datagram:
    station.send(encode(datagram))
    return parse(station.recv(4096))


def packets(inbox: Inbox, count: int) -> list[bytes]:
    """The first `count` arrivals."""
    arrived: list[bytes] = []
    deadline_s = time.monotonic() + 15
    while len(arrived) < count and time.monotonic() < deadline_s:
        inbox.wait(0.1)
        arrived += [heard.packet for heard in inbox.drain()]
    return arrived


def test_a_frame_takes_its_true_time_in_real_seconds() -> None:
    with loopback_street("ShortFast", speed=1.0) as street:
        inbox = Inbox()
        sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
        began_s = time.monotonic()
        for _ in range(2):
            sender.send(bytes(231))
        assert len(packets(inbox, 2)) == 2
        took_s = time.monotonic() - began_s
        air_s = 2 * airtime_ms("ShortFast", 255) / 1000
        assert air_s < took_s < air_s + 1.0, "two frames of 0.2 s, some slots, and a slow machine"
        assert sender.airtime_ms(231) == airtime_ms("ShortFast", 255)


def test_a_burst_fills_the_queue_and_then_the_sender_is_told() -> None:
    with loopback_street(speed=20.0) as street:
        inbox = Inbox()
        sender, _ = street.open("ana", Inbox()), street.open("bo", inbox)
        for number in range(QUEUE_SIZE_MAX):
            sender.send(b"%d" % number)
        with pytest.raises(AirtimeSpent, match="as much to say as it can hold"):
            sender.send(b"16")
        assert sender.trouble is None, "a busy radio is not a broken one"
        assert packets(inbox, 16) == [b"%d" % number for number in range(16)]
        send_when_up(sender, b"room again")
        assert packets(inbox, 1) == [b"room again"]
        assert sender.counters["refused"] == 0, "who watches the queue is never refused"


def test_who_does_not_watch_the_queue_is_refused_by_number() -> None:
    with loopback_street(speed=1.0) as street, bare_station(street.ether.address) as station:
        assert ask(station, Hello("ana", "LongFast", 0)) == Report(0, 0)
        answers = [ask(station, Offer(number, b"x")) for number in range(1, 20)]
        assert answers[:16] == [Report(number, number) for number in range(1, 17)]
        assert answers[16:] == [Refusal(number, Reason.QUEUE_FULL) for number in (17, 18, 19)]
        assert street.ether.counters["queue_full"] == 3


def test_half_of_the_frames_at_loss_one_half_and_none_at_loss_one() -> None:
    with loopback_street("ShortTurbo", loss=0.5, speed=200.0) as street:
        inbox = Inbox()
        sender, listener = street.open("ana", Inbox()), street.open("bo", inbox)
        for _ in range(200):
            send_when_up(sender, b"?")
        until(lambda: street.ether.counters["delivered"] + street.ether.counters["lost"] == 200)
        until(lambda: listener.counters["heard_packets"] == street.ether.counters["delivered"])
        assert abs(listener.counters["heard_packets"] - 100) < 36, "five standard deviations"
        street.ether.set_loss(1.0)
        before = listener.counters["heard_packets"]
        for _ in range(20):
            send_when_up(sender, b"?")
        until(lambda: street.ether.counters["delivered"] + street.ether.counters["lost"] == 220)
        assert listener.counters["heard_packets"] == before


def test_cut_islands_hear_nothing_of_each_other_until_healed() -> None:
    with loopback_street() as street:
        inboxes = {name: Inbox() for name in ("ana", "bo", "cho")}
        roads = {name: street.open(name, inbox) for name, inbox in inboxes.items()}
        street.ether.cut([{"ana", "bo"}, {"cho"}])
        roads["ana"].send(b"among us")
        assert packets(inboxes["bo"], 1) == [b"among us"]
        street.ether.heal()
        roads["ana"].send(b"to all")
        assert packets(inboxes["cho"], 1) == [b"to all"]


def test_a_large_packet_a_stranger_and_another_preset_are_refused() -> None:
    with loopback_street() as street, bare_station(street.ether.address) as station:
        assert ask(station, Offer(1, b"x")) == Refusal(1, Reason.UNKNOWN_STATION)
        assert ask(station, Hello("ana", "LongSlow", 0)) == Refusal(0, Reason.OTHER_PRESET)
        assert ask(station, Hello("ana", "LongFast", 4)) == Report(4, 0)
        assert ask(station, Offer(5, bytes(232))) == Refusal(5, Reason.TOO_LARGE)
        assert ask(station, Offer(6, bytes(231))) == Report(6, 1)
        station.send(encode(Overheard("bo", b"x")))  # only an ether says that
        until(lambda: street.ether.counters["garbage"] == 1)


def test_there_is_room_for_64_stations_and_a_bye_makes_room() -> None:
    with loopback_street() as street, bare_station(street.ether.address) as late:
        sockets = []
        for number in range(64):
            station = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            station.connect(street.ether.address)
            station.settimeout(5)
            sockets.append(station)
            assert ask(station, Hello(f"n{number}", "LongFast", 0)) == Report(0, 0)
        assert ask(late, Hello("late", "LongFast", 0)) == Refusal(0, Reason.TOO_MANY_STATIONS)
        sockets[3].send(encode(Bye()))
        assert ask(late, Hello("late", "LongFast", 0)) == Report(0, 0)
        for station in sockets:
            station.close()


def test_a_restarted_station_takes_its_name_over_at_once() -> None:
    with loopback_street() as street, bare_station(street.ether.address) as old:
        assert ask(old, Hello("ana", "LongFast", 9)) == Report(9, 0)
        inbox = Inbox()
        street.open("ana", inbox)
        street.open("bo", Inbox()).send(b"to ana")
        assert packets(inbox, 1) == [b"to ana"]
        assert ask(old, Offer(10, b"x")) == Refusal(10, Reason.UNKNOWN_STATION)


def test_a_station_of_another_preset_says_so() -> None:
    with loopback_street("ShortFast") as street:
        radio = LoopbackRadio(street.ether.address, "ana", "LongFast")
        radio.open(Inbox())
        until(lambda: "another modem preset" in trouble(radio))
        radio.close()


def test_what_an_ether_should_not_say_is_counted_by_the_station() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ether:
        ether.bind(("127.0.0.1", 0))
        ether.settimeout(5)
        inbox = Inbox()
        radio = LoopbackRadio(ether.getsockname(), "ana", "LongFast", packet_size_max=165)
        radio.open(inbox)
        _, station = ether.recvfrom(4096)
        ether.sendto(encode(Report(0, 0)), station)
        until(lambda: radio.trouble is None)
        for raw in (b"", b"\x01", b"\x02\x11", b"\x01\x11\x00", bytes(9000), encode(Hello("bo", "LongFast", 0))):
            ether.sendto(raw, station)
        ether.sendto(encode(Overheard("bo", bytes(166))), station)
        ether.sendto(encode(Overheard("bo", bytes(165))), station)
        assert packets(inbox, 1) == [bytes(165)]
        assert radio.counters["garbage"] == 6
        assert radio.counters["oversize"] == 1
        radio.close()


def test_an_ether_as_its_own_process_killed_and_started_again() -> None:
    ether, port = start_process()
    inbox = Inbox()
    sender, listener = (LoopbackRadio(("127.0.0.1", port), name, "ShortTurbo") for name in ("ana", "bo"))
    try:
        sender.open(Inbox())
        listener.open(inbox)
        until(lambda: sender.trouble is None and listener.trouble is None)
        sender.send(b"one")
        assert packets(inbox, 1) == [b"one"]
        ether.kill()
        ether.wait(10)
        with pytest.raises(TransportDown):  # the kernel tells at once that nobody is there
            sender.send(b"into the void")
        ether, _ = start_process(port)
        listener.send(b"hello to a stranger")  # it has noticed nothing; the new ether refuses, and it greets again
        until(lambda: listener.counters["refused"] == 1)
        until(lambda: listener.counters["connections"] == sender.counters["connections"] == 2)
        sender.send(b"two")
        assert packets(inbox, 1) == [b"two"]
    finally:
        sender.close()
        listener.close()
        ether.send_signal(signal.SIGTERM)
        assert ether.wait(10) == 0


def start_process(port: int = 0) -> tuple[subprocess.Popen[str], int]:
    """`python -m mesh.transports.ether`, and the port it tells."""
    command = [sys.executable, "-m", "mesh.transports.ether", "--port", str(port), "--preset", "ShortTurbo"]
    ether = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert ether.stderr is not None
    with ether.stderr as told:
        found = re.search(r"127\.0\.0\.1:(\d+)", told.readline())
    assert found, "the ether did not tell its address"
    return ether, int(found[1])


@pytest.mark.parametrize("wrong", [["--loss", "2"], ["--preset", "Loud"], ["--port", "70000"], ["--speed", "0"]])
def test_wrong_options_end_with_one_sentence(wrong: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mesh.transports.ether", *wrong], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("python -m mesh.transports.ether: error: ")


def test_a_port_in_use_is_told() -> None:
    with loopback_street() as street:
        second = Ether(port=street.ether.address[1])
        with pytest.raises(TransportDown, match=f"port {street.ether.address[1]}: Address already in use"):
            second.start()
        second.close()


def test_a_station_that_falls_silent_is_forgotten_after_a_minute() -> None:
    register, here, there = Register(), ("127.0.0.1", 1), ("127.0.0.1", 2)
    ana, _ = register.greet(Hello("ana", "LongFast", 0), here, now_s=0.0)
    bo, _ = register.greet(Hello("bo", "LongFast", 0), there, now_s=0.0)
    assert ana is not None
    assert bo is not None
    register.greet(Hello("bo", "LongFast", 0), there, now_s=50.0)
    assert register.silent(60.0) == []
    assert register.silent(60.1) == [ana]
    register.forget(ana)
    assert register.at(here) is None
    assert register.everybody() == [bo]


def test_a_station_greets_soon_at_first_then_rarely_and_every_15_s_once_answered() -> None:
    line, now_s, pauses_s = Line(), 0.0, []
    for _ in range(8):
        assert line.hello_due(now_s)
        assert not line.hello_due(now_s)
        pauses_s.append(round(line.rest_s(now_s), 3))
        now_s += line.rest_s(now_s)
    assert pauses_s == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert line.hello_due(now_s)
    assert line.reported(Report(0, 0), now_s)
    assert line.trouble is None
    assert line.rest_s(now_s) == pytest.approx(HELLO_EVERY_S)
    assert not line.reported(Report(1, 0), now_s + 14), "a report between does not put the next hello off"
    assert line.rest_s(now_s + 14) == pytest.approx(1)
    now_s += 15
    assert line.hello_due(now_s)
    assert line.trouble is None, "one late answer is no loss yet"
    assert line.rest_s(now_s) == 2
    assert line.hello_due(now_s + 2)
    assert line.trouble is not None
