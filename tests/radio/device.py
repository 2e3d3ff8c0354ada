"""What one device does, without a socket: its settings, its answers, its two queues, and how it misbehaves.

Modelled on firmware 2.8 as far as a client can tell: the handshake, refusals by `queueStatus.res`, repeated packet ids
ignored in silence, the duty limit checked at hand-over, settings that make it begin anew, a short queue to the client that
overflows in silence, small broadcasts that it signs, and what it says by itself (`chatter.py`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, Final

from meshtastic.protobuf import admin_pb2, channel_pb2, config_pb2, mesh_pb2, portnums_pb2, telemetry_pb2

from mesh.airtime import HOUR_MS, airtime_ms
from mesh.transports.medium import PACKET_SIZE_MAX, QUEUE_SIZE_MAX
from tests.radio.chatter import Habits
from tests.radio.frame import BROADCAST, SEAL_SIZE, SIGNED_SIZE_MAX, Address, Frame

TEXT_GAP_MS: Final = 2000.0
IDS_REMEMBERED: Final = 20
STATISTICS_S: Final = 900.0  # how often a device tells its client how much it has sent
OPEN_KEY: Final = b"\x01"  # of the channel that every phone app has
TAKEN, TOO_LARGE, DUTY_SPENT, QUEUE_FULL, KEY_WRONG, TOO_SOON = 0, 7, 9, 32, 34, 38
LORA = config_pb2.Config.LoRaConfig


class Mood(Enum):
    """How a device behaves towards its client."""

    WELL = auto()
    MUTE = auto()  # takes connections and bytes, and says nothing
    HALF = auto()  # begins the handshake and never ends it
    DEAF = auto()  # reads nothing any more, so that the client's writes pile up
    GONE = auto()  # closed, and refuses


@dataclass
class Air:
    """The part of the ether that a device touches: offer a frame, ask how many of its frames wait, and what time it is."""

    offer: Callable[[str, Frame], bool]
    waiting: Callable[[str], int]
    now_ms: Callable[[], float]
    key_of: Callable[[int], bytes | None]


@dataclass
class Device:
    """One device. `locked` keeps its settings whatever a client says; `duty` is the share of an hour it may talk."""

    name: str
    node: int
    air: Air
    region: str = "EU_868"
    preset: str = "LONG_FAST"
    channel: tuple[str, bytes] = ("LongFast", b"\x01")
    settled: bool = False  # whether all else is set as a node sets it
    locked: bool = False
    duty: float = 1.0
    answer_s: float = 0.0  # how slowly it answers
    refusing: int = 0  # how many packets it will refuse as if its queue were full, though it told of room
    signs: bool = False  # whether it signs its broadcasts of up to 165 bytes
    strict: bool = False  # whether it drops broadcasts that are not signed
    clock_s: int = 0  # seconds since 1970 that it writes on what it receives; 0 while nobody told it
    client_queue: int = 32  # how many packets wait for the client at most: 8 to 32
    speaks: bool = False  # whether it broadcasts who it is, how it is and where, as its settings say
    noisy: bool = False  # whether it prints its log between the frames
    mood: Mood = Mood.WELL
    counters: Counter[str] = field(default_factory=Counter)
    accepted: list[Any] = field(default_factory=list)  # the packets that went into its queue
    reboots: Callable[[], None] = lambda: None  # what the link does when it begins anew

    def __post_init__(self) -> None:
        self._ids: deque[int] = deque(maxlen=IDS_REMEMBERED)
        self._spent: deque[tuple[float, float]] = deque()
        self._editing = False
        self._changed = False
        self.for_client: deque[Any] = deque()
        self.habits = Habits()
        self.sent = 0  # frames since its start, those that wait for the air included
        self._told_s = 0.0
        self._text_ms = -TEXT_GAP_MS
        self.lora = LORA(
            region=LORA.RegionCode.Value(self.region),
            modem_preset=LORA.ModemPreset.Value(self.preset),
            use_preset=True,
            tx_enabled=True,
            hop_limit=3,
        )
        self.channels = [channel_pb2.Channel(index=number) for number in range(8)]
        self.channels[0].role = channel_pb2.Channel.Role.PRIMARY
        self.channels[0].settings.name, self.channels[0].settings.psk = self.channel
        if self.settled:
            self.habits.quieten()
            self.channels[1].role, self.channels[1].settings.psk = channel_pb2.Channel.Role.SECONDARY, OPEN_KEY

    @property
    def tuned(self) -> tuple[str, bytes]:
        """Name and key of its first channel."""
        return self.keyed(0)

    def keyed(self, index: int) -> tuple[str, bytes]:
        """Name and key of a channel; one without a name is called as the preset."""
        settings = self.channels[index].settings
        return settings.name or self._preset_name(), settings.psk

    @property
    def public_key(self) -> bytes:
        """What texts to it are sealed to."""
        return blake2b(self.name.encode() + self.node.to_bytes(4, "big"), digest_size=32).digest()

    def receive(self, wish: Any) -> list[Any]:
        """Return the answers to one `ToRadio`."""
        kind = wish.WhichOneof("payload_variant")
        if kind == "want_config_id":
            return self._handshake(wish.want_config_id)
        if kind == "heartbeat":
            return [self._status(TAKEN, 0)]
        if kind == "packet":
            return self._hand_over(wish.packet)
        return []

    def heard(self, heard: Frame) -> list[Any]:
        """Return what the client is told of a frame on the antenna; nothing of one that it cannot open or that is for another."""
        at = heard.address
        channels = [index for index in range(8) if self.channels[index].role and self.keyed(index) == at.channel]
        if at.to not in (BROADCAST, self.node) or not (channels or at.sealed_by):
            return []
        if self.strict and at.to == BROADCAST and not at.is_signed:
            self.counters["unsigned"] += 1
            return []
        number = at.packet or hash((heard, at.sender)) & 0x7FFFFFFF
        packet = mesh_pb2.MeshPacket(to=at.to, id=number, channel=0 if at.sealed_by else channels[0], rx_rssi=-60)
        packet.rx_time = self.clock_s
        setattr(packet, "from", at.sender)
        packet.decoded.portnum, packet.decoded.payload = at.port, bytes(heard)
        packet.via_mqtt, packet.pki_encrypted, packet.public_key = at.via_mqtt, bool(at.sealed_by), at.sealed_by
        return [mesh_pb2.FromRadio(packet=packet)]

    def queue_for_client(self, message: Any) -> None:
        """Keep a packet until the client takes it. A full queue drops it in silence; for a text, its oldest (`sendToPhone`)."""
        if len(self.for_client) >= self.client_queue:
            self.counters["dropped for the client"] += 1
            if message.packet.decoded.portnum != portnums_pb2.PortNum.TEXT_MESSAGE_APP:
                return
            self.for_client.popleft()
        self.for_client.append(message)

    def speak(self, now_s: float) -> None:
        """Broadcast by itself what is due; nobody is asked, and the client learns of it by the count of frames only."""
        for port, payload in self.habits.due(now_s, self.node) if self.speaks else ():
            said = Frame.of(payload, Address(port, self.node, self.tuned, is_signed=self._signs(payload)))
            if self.air.offer(self.name, said):
                self.sent += 1
                self.counters["said by itself"] += 1
                self.counters["ms by itself"] += round(airtime_ms(self._preset_name(), said.size_on_air))
        if self.speaks and now_s - self._told_s >= STATISTICS_S:
            self._told_s = now_s
            self.queue_for_client(self.statistics())

    def statistics(self) -> Any:
        """Return the count of frames since its start, which a device tells its client every quarter of an hour."""
        told = telemetry_pb2.Telemetry()
        told.local_stats.uptime_seconds = 900
        told.local_stats.num_packets_tx = self.sent
        packet = mesh_pb2.MeshPacket(to=BROADCAST, id=9)
        setattr(packet, "from", self.node)
        packet.decoded.portnum = portnums_pb2.PortNum.TELEMETRY_APP
        packet.decoded.payload = told.SerializeToString()
        return mesh_pb2.FromRadio(packet=packet)

    def _signs(self, payload: bytes) -> bool:
        return self.signs and len(payload) <= SIGNED_SIZE_MAX

    def absurdities(self) -> list[Any]:
        """Return reports that cannot be true, as firmware has sent them."""
        measured = telemetry_pb2.Telemetry(time=0xFFFFFFFF)
        measured.device_metrics.channel_utilization = float("nan")
        measured.device_metrics.air_util_tx = 1e30
        measured.device_metrics.battery_level = 4_000_000_000
        told = []
        for sender in (self.node, 0, BROADCAST):
            packet = mesh_pb2.MeshPacket(to=BROADCAST, id=7)
            setattr(packet, "from", sender)
            packet.decoded.portnum = portnums_pb2.PortNum.TELEMETRY_APP
            packet.decoded.payload = measured.SerializeToString()
            told.append(mesh_pb2.FromRadio(packet=packet))
        stranger = mesh_pb2.NodeInfo(num=BROADCAST - 1, snr=float("inf"))
        return [*told, mesh_pb2.FromRadio(node_info=stranger)]

    def _handshake(self, nonce: int) -> list[Any]:
        mine = mesh_pb2.NodeInfo(num=self.node)
        mine.user.id, mine.user.long_name, mine.user.short_name = f"!{self.node:08x}", self.name, self.name[:4]
        told = [
            mesh_pb2.FromRadio(my_info=mesh_pb2.MyNodeInfo(my_node_num=self.node)),
            mesh_pb2.FromRadio(node_info=mine),
        ]
        if self.mood is Mood.HALF:
            return told
        told += [mesh_pb2.FromRadio(metadata=mesh_pb2.DeviceMetadata(firmware_version="2.8.0"))]
        told += [mesh_pb2.FromRadio(channel=channel) for channel in self.channels]
        told += [mesh_pb2.FromRadio(config=config_pb2.Config(lora=self.lora))]
        told += [mesh_pb2.FromRadio(config=config) for config in self.habits.configs()]
        told += [mesh_pb2.FromRadio(moduleConfig=config) for config in self.habits.module_configs()]
        return [*told, mesh_pb2.FromRadio(config_complete_id=nonce)]

    def _status(self, code: int, packet: int) -> Any:
        free = 0 if code == QUEUE_FULL else QUEUE_SIZE_MAX - self.air.waiting(self.name)
        status = mesh_pb2.QueueStatus(res=code, free=max(0, free), maxlen=QUEUE_SIZE_MAX, mesh_packet_id=packet)
        return mesh_pb2.FromRadio(queueStatus=status)

    def _hand_over(self, packet: Any) -> list[Any]:
        if packet.id in self._ids:
            self.counters["repeated"] += 1
            return []  # without a word, even where the first was refused
        self._ids.append(packet.id)
        if packet.to == self.node:
            return self._administer(packet)
        code = self._judged(packet)
        self.counters["accepted" if code == TAKEN else f"refused {code}"] += 1
        return [self._status(code, packet.id)]

    def _judged(self, packet: Any) -> int:
        said = self._framed(packet)
        if len(said) > PACKET_SIZE_MAX - SEAL_SIZE * bool(said.address.sealed_by):
            return TOO_LARGE
        if packet.public_key and packet.public_key != self.air.key_of(packet.to):
            return KEY_WRONG
        now_ms, took_ms = self.air.now_ms(), airtime_ms(self._preset_name(), said.size_on_air)
        return TOO_SOON if self._is_too_soon(said, now_ms) else self._queued(packet, said, now_ms, took_ms)

    def _is_too_soon(self, said: Frame, now_ms: float) -> bool:
        """One text in two seconds is what a client may send."""
        if said.address.port != portnums_pb2.PortNum.TEXT_MESSAGE_APP:
            return False
        last_ms, self._text_ms = self._text_ms, now_ms
        return now_ms - last_ms < TEXT_GAP_MS

    def _queued(self, packet: Any, said: Frame, now_ms: float, took_ms: float) -> int:
        while self._spent and self._spent[0][0] <= now_ms - HOUR_MS:
            self._spent.popleft()
        if sum(spent for _, spent in self._spent) > self.duty * HOUR_MS:
            return DUTY_SPENT
        if self.refusing > 0:
            self.refusing -= 1
            return QUEUE_FULL
        if not self.air.offer(self.name, said):
            return QUEUE_FULL
        self._spent.append((now_ms, took_ms))
        self.sent += 1
        self.counters["accepted bytes"] += len(said)
        self.accepted.append(packet)
        return TAKEN

    def _framed(self, packet: Any) -> Frame:
        """A packet to one device is sealed to its key wherever that is known, as firmware does by itself."""
        payload = packet.decoded.payload
        is_sealed = packet.to != BROADCAST and self.air.key_of(packet.to) is not None
        return Frame.of(
            payload,
            Address(
                port=packet.decoded.portnum,
                sender=self.node,
                channel=self.keyed(packet.channel),
                to=packet.to,
                packet=packet.id,
                sealed_by=self.public_key if is_sealed else b"",
                is_signed=packet.to == BROADCAST and self._signs(payload),
            ),
        )

    def _preset_name(self) -> str:
        return "".join(word.title() for word in LORA.ModemPreset.Name(self.lora.modem_preset).split("_"))

    def _administer(self, packet: Any) -> list[Any]:
        told = [self._status(TAKEN, packet.id)]
        if packet.decoded.portnum != portnums_pb2.PortNum.ADMIN_APP:
            return told
        order = admin_pb2.AdminMessage.FromString(packet.decoded.payload)
        kind = order.WhichOneof("payload_variant")
        if kind == "begin_edit_settings":
            self._editing = True
        elif kind == "commit_edit_settings":
            self._editing = False
        elif not self.locked:
            self._set(kind, order)
        if self._changed and not self._editing:
            self._changed = False
            self.counters["settings"] += 1
            self.reboots()
        return told

    def _set(self, kind: str | None, order: Any) -> None:
        if kind == "set_config" and order.set_config.HasField("lora"):
            self.lora.CopyFrom(order.set_config.lora)
            self._changed = True
        elif kind in ("set_config", "set_module_config"):
            self._changed = self.habits.set(getattr(order, kind)) or self._changed
        elif kind == "set_channel":
            self.channels[order.set_channel.index].CopyFrom(order.set_channel)
            self._changed = True
