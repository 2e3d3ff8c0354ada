"""The stand-in refuses what a device refuses, so that tests through it mean something. No client package here."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from meshtastic.protobuf import mesh_pb2

from tests.radio.device import DUTY_SPENT, QUEUE_FULL, TAKEN, TOO_LARGE, Mood
from tests.radio.ether import NOISE, RadioEther
from tests.radio.frame import BROADCAST
from tests.radio.framing import START, Unframer, framed

pytestmark = pytest.mark.real
TEXT = 1  # the port of texts


@pytest.fixture
def ether() -> Iterator[RadioEther]:
    with RadioEther(speed=100.0) as made:
        yield made


class Client:
    """A client of few words."""

    def __init__(self, place: str) -> None:
        host, port = place.split(":")
        self.link = socket.create_connection((host, int(port)), 5)
        self._rest = b""

    def say(self, **wish: Any) -> None:
        self.link.sendall(framed(mesh_pb2.ToRadio(**wish)))

    def greet(self) -> None:
        """Go through the handshake: only then a device passes on what it has heard."""
        self.say(want_config_id=1)
        self.hears("config_complete_id")

    def hears(self, kind: str) -> Any:
        """The next word of this kind."""
        while True:
            told = self._next()
            if told.WhichOneof("payload_variant") == kind:
                return getattr(told, kind)

    def _next(self) -> Any:
        while True:
            begin = self._rest.find(START)
            size = int.from_bytes(self._rest[begin + 2 : begin + 4], "big")
            if begin >= 0 and len(self._rest) >= begin + 4 + size > begin + 4:
                raw, self._rest = self._rest[begin + 4 : begin + 4 + size], self._rest[begin + 4 + size :]
                return mesh_pb2.FromRadio.FromString(raw)
            more = self.link.recv(4096)
            assert more, "the device has hung up"
            self._rest += more

    def offer(self, payload: bytes, number: int | None = None) -> Any:
        """Hand a broadcast over; return the device's answer."""
        packet = mesh_pb2.MeshPacket(to=BROADCAST, id=number or random.randrange(1, 2**31))
        packet.decoded.portnum, packet.decoded.payload = 256, payload
        self.say(packet=packet)
        return self.hears("queueStatus")


@contextmanager
def client(place: str) -> Iterator[Client]:
    made = Client(place)
    try:
        yield made
    finally:
        made.link.close()


def test_the_handshake_ends_with_the_number_that_was_asked(ether: RadioEther) -> None:
    with client(ether.add("ana", 7, noisy=True)) as ana:
        ana.say(want_config_id=42)
        assert ana.hears("my_info").my_node_num == 7
        assert ana.hears("node_info").user.id == "!00000007"
        assert [ana.hears("channel").index for _ in range(8)] == list(range(8))
        assert ana.hears("config").lora.hop_limit == 3
        assert ana.hears("config_complete_id") == 42
        ana.say(heartbeat=mesh_pb2.Heartbeat())
        assert ana.hears("queueStatus").free == 16


def test_what_a_device_refuses() -> None:
    with RadioEther(speed=1.0) as ether, client(ether.add("ana", 7)) as ana:
        assert ana.offer(bytes(231)).res == TAKEN
        assert ana.offer(bytes(232)).res == TOO_LARGE
        codes = [ana.offer(b"x").res for _ in range(20)]
        assert codes[:15] == [TAKEN] * 15
        assert codes[-1] == QUEUE_FULL, "16 wait at most, and the first may be on the air by now"
        assert ana.offer(b"x").free == 0


def test_a_repeated_number_is_ignored_without_a_word(ether: RadioEther) -> None:
    with client(ether.add("ana", 7)) as ana:
        assert ana.offer(bytes(232), 99).res == TOO_LARGE
        packet = mesh_pb2.MeshPacket(to=BROADCAST, id=99)
        packet.decoded.payload = b"again"
        ana.say(packet=packet)
        ana.say(heartbeat=mesh_pb2.Heartbeat())
        assert ana.hears("queueStatus").mesh_packet_id == 0
        assert ether.device("ana").counters["repeated"] == 1


def test_the_laws_share_of_the_hour(ether: RadioEther) -> None:
    with client(ether.add("ana", 7, duty=0.001)) as ana:
        codes: list[int] = []
        while DUTY_SPENT not in codes and len(codes) < 10:
            codes.append(ana.offer(bytes(200)).res)
            time.sleep(0.05)
        assert codes == [TAKEN, TAKEN, DUTY_SPENT], "1.9 s each, 3.6 s an hour, looked at before the frame"


def test_a_new_client_puts_the_old_one_out(ether: RadioEther) -> None:
    place = ether.add("ana", 7)
    with client(place) as old, client(place) as new:
        new.say(heartbeat=mesh_pb2.Heartbeat())
        assert new.hears("queueStatus").maxlen == 16
        assert old.link.recv(1) == b""


def test_two_devices_hear_each_other_if_they_share_a_key(ether: RadioEther) -> None:
    sealed = ("Hedgerow", b"k" * 32)
    places = [ether.add("ana", 7, channel=sealed), ether.add("bo", 8, channel=sealed), ether.add("cho", 9)]
    with client(places[0]) as ana, client(places[1]) as bo, client(places[2]) as cho:
        for one in (bo, cho):
            one.greet()
        ana.offer(b"hello")
        packet = bo.hears("packet")
        assert (getattr(packet, "from"), packet.decoded.payload) == (7, b"hello")
        cho.link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            cho.hears("packet")
        assert ether.counters["frames"] == 1


def test_the_queue_to_the_client_overflows_in_silence(ether: RadioEther) -> None:
    ours = ("Hedgerow", b"k" * 32)
    with client(ether.add("ana", 7, channel=ours, client_queue=8)) as ana:
        ana.greet()
        ether.stall("ana", True)
        for number in range(10):
            ether.talk("ana", b"%d" % number, 256, ours)
        ether.talk("ana", b"hello", TEXT, ours)
        ether.talk("ana", b"late", 256, ours)
        ether.stall("ana", False)
        heard = [ana.hears("packet").decoded.payload for _ in range(8)]
        assert heard == [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"hello"], (
            "a text puts the oldest out, whatever it is"
        )
        assert ether.device("ana").counters["dropped for the client"] == 4


def test_what_is_heard_while_no_client_is_there_waits_for_it(ether: RadioEther) -> None:
    ours = ("Hedgerow", b"k" * 32)
    place = ether.add("ana", 7, channel=ours)
    for number in range(40):
        ether.talk("ana", b"%d" % number, 256, ours)
    with client(place) as ana:
        ana.greet()
        assert [ana.hears("packet").decoded.payload for _ in range(32)] == [b"%d" % number for number in range(32)]


def test_a_client_that_reads_nothing_fills_the_link_and_then_the_queue(ether: RadioEther) -> None:
    ours = ("Hedgerow", b"k" * 32)
    with client(ether.add("ana", 7, channel=ours)) as ana:
        ana.greet()
        said = [number.to_bytes(2, "big") * 115 for number in range(20_000)]
        for packet in said:
            ether.talk("ana", packet, 256, ours)
            if ether.device("ana").counters["dropped for the client"] >= 3:
                break
        heard = [ana.hears("packet").decoded.payload for _ in range(40)]
        assert heard == said[:40], "what is in the queue keeps its order"


def test_moods(ether: RadioEther) -> None:
    place = ether.add("ana", 7)
    with client(place) as ana:
        ether.become("ana", Mood.MUTE)
        ana.say(heartbeat=mesh_pb2.Heartbeat())
        ana.link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            ana.hears("queueStatus")
        ether.become("ana", Mood.GONE)
        assert ana.link.recv(1) == b""
        with pytest.raises(OSError, match="refused"):
            Client(place)
        ether.become("ana", Mood.HALF)
    with client(place) as ana:
        ana.link.settimeout(0.3)
        ana.say(want_config_id=42)
        assert ana.hears("my_info").my_node_num == 7
        with pytest.raises(TimeoutError):
            ana.hears("config_complete_id")


def test_frames_are_found_between_anything_else() -> None:
    wishes = [mesh_pb2.ToRadio(want_config_id=number) for number in (1, 2, 3)]
    raw = b"\xc3" * 32 + b"".join(NOISE[0] + framed(wish) for wish in wishes) + b"\x94\xc3\xff\xff" + framed(wishes[0])
    for step in (1, 5, 1000):
        unframer = Unframer()
        found = [wish for at in range(0, len(raw), step) for wish in unframer.feed(raw[at : at + step])]
        assert [wish.want_config_id for wish in found] == [1, 2, 3, 1]
