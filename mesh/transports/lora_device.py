"""One Meshtastic device through the `meshtastic` package, 2.6 or 2.7. The only user of that package.

Everything here may block for as long as the library pleases or the device hangs: only `lora_child` calls it, in a
process that somebody watches. The library's own queue is kept empty, because it waits without end where the device has
no room, and sends again, under the same number, what a device refuses: such repeats a device ignores without a word.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, Final, NamedTuple, Protocol

from google.protobuf.message import DecodeError
from meshtastic.mesh_interface import MeshInterface
from meshtastic.protobuf import channel_pb2, config_pb2, mesh_pb2, portnums_pb2, telemetry_pb2
from meshtastic.serial_interface import SerialInterface
from meshtastic.tcp_interface import TCPInterface
from pubsub import pub

from mesh.distress import HEAD as CALL
from mesh.transports.lora_pipe import (
    HOPS_MAX,
    KEY_SIZE,
    PACKET_SIZE_MAX,
    TEXT_SIZE_MAX,
    Fault,
    Misfit,
    Say,
    TextBy,
    Tune,
)
from mesh.transports.lora_tally import Tally

ANSWER_WITHIN_S: Final = 6.0
STATUSES_MAX: Final = 64
FLUSH_S: Final = 0.5
PEOPLE: Final = (
    1  # the channel that every phone app has: no name, so it is called as the preset; and a key known to all
)
PEOPLE_KEY: Final = b"\x01"
DAY_S: Final = 86_400
NEVER_S: Final = 2**31 - 1  # the firmware counts on in milliseconds: this is the longest that all versions take

ARRIVED: Final = "meshtastic.receive.data"
WRITTEN: Final = "meshtastic.receive.text"
MEASURED: Final = "meshtastic.receive.telemetry"
LOST: Final = "meshtastic.connection.lost"

# What the library is known to raise when a device or a link misbehaves.
RAISED: Final = (
    OSError,
    MeshInterface.MeshInterfaceError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
)


class Unusable(Exception):
    """The device cannot be used any more, and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


class Status(NamedTuple):
    """What the device says of its transmit queue. `packet` is the number it answers, 0 for a question; `code` 0: taken."""

    packet: int
    code: int
    free: int


class _Frank:
    """Hands on what the library keeps to itself, each word of the device about its queue; and never waits for room.

    The library would wait inside a call, without end, where the device's answer to that very call tells of a full queue.
    """

    def __init__(self, statuses: Queue[Status], *place: Any, **more: Any) -> None:
        self._frank_statuses = statuses
        super().__init__(*place, **more)

    def _queueHasFreeSpace(self) -> bool:  # noqa: N802 (the library's own name)
        return True  # who calls has looked

    def _handleQueueStatusFromRadio(self, queueStatus: Any) -> None:  # noqa: N802, N803 (the library's own names)
        super()._handleQueueStatusFromRadio(queueStatus)  # type: ignore[misc] # it stands beside a class of the library
        with suppress(Full):
            self._frank_statuses.put_nowait(Status(queueStatus.mesh_packet_id, queueStatus.res, queueStatus.free))


class _Serial(_Frank, SerialInterface):  # type: ignore[misc] # the library has no types
    """A device on a serial line."""


class _Tcp(_Frank, TCPInterface):  # type: ignore[misc] # as above
    """A device on the network."""


class Listener(Protocol):
    """Who is told what the device says. The library's threads call it, and it must not wait for anything."""

    def hear(self, talker: int, packet: bytes) -> None:
        """A packet came to our port; it is empty where it is none of ours."""

    def read(self, text: TextBy) -> None:
        """Somebody sent a text to this device alone."""

    def count(self, packets: int) -> None:
        """The device has sent so many packets by itself."""

    def date(self, at: int) -> None:
        """The device's clock stands at so many seconds since 1970."""

    def lose(self) -> None:
        """The link broke."""


class Device:
    """One device, opened once."""

    def __init__(self, tune: Tune, listener: Listener) -> None:
        self._tune = tune
        self._listener = listener
        self._tally = Tally()
        self._statuses: Queue[Status] = Queue(STATUSES_MAX)
        self._interface: Any = None
        self._met: Any = None
        pub.subscribe(self._on_packet, ARRIVED)
        pub.subscribe(self._on_text, WRITTEN)
        pub.subscribe(self._on_measured, MEASURED)
        pub.subscribe(self._on_lost, LOST)

    @property
    def node(self) -> int:
        """The device's own number."""
        return int(self._met.my_node_num)

    @property
    def is_same(self) -> bool:
        """Whether nothing began anew since `open`. The library reconnects by itself, maybe to another device."""
        return self._interface is not None and self._interface.myInfo is self._met

    def open(self, where: str) -> None:
        """Reach the device, a path or host:port, and learn its settings. Blocks. Raises Unusable."""
        try:
            self._interface = self._opened(where)
            self._met = self._interface.myInfo
        except OSError as fault:
            raise Unusable(Fault.SILENT if isinstance(fault, TimeoutError) else Fault.ABSENT) from fault
        except MeshInterface.MeshInterfaceError as fault:
            raise Unusable(Fault.SILENT) from fault
        except RAISED as fault:
            raise Unusable(Fault.BROKEN) from fault

    def _opened(self, where: str) -> Any:
        if where.startswith("/"):
            return _Serial(self._statuses, where, noNodes=True)
        host, _, port = where.rpartition(":")
        return _Tcp(self._statuses, host.strip("[]"), portNumber=int(port), noNodes=True)

    def misfits(self) -> Misfit:
        """Return which settings are others than ours."""
        lora, channel = self._interface.localNode.localConfig.lora, self._channel()
        found = Misfit(0)
        if lora.region != _number(config_pb2.Config.LoRaConfig.RegionCode, self._tune.region):
            found |= Misfit.REGION
        if not lora.use_preset or lora.modem_preset != _number(_PRESETS, _preset_name(self._tune.preset)):
            found |= Misfit.PRESET
        if (channel.settings.name, channel.settings.psk, channel.role) != (
            self._tune.channel,
            self._tune.key,
            _PRIMARY,
        ):
            found |= Misfit.CHANNEL
        if not lora.tx_enabled or lora.override_duty_cycle or lora.override_frequency or lora.channel_num:
            found |= Misfit.REST
        if any(self._chatty_sections()):
            found |= Misfit.CHATTER
        people = self._channel(PEOPLE)
        if (people.settings.name, people.settings.psk, people.role) != ("", PEOPLE_KEY, _SECONDARY):
            found |= Misfit.PEOPLE
        return found

    def _chatty_sections(self) -> Iterator[str]:
        """Name the sections of settings by which the device would say more by itself than it has to."""
        for name, wanted in _QUIET.items():
            section = self._section(name)
            if not all(_is_quiet(section, field, value) for field, value in wanted.items()):
                yield name

    def _section(self, name: str) -> Any:
        node = self._interface.localNode
        return getattr(node.localConfig if hasattr(node.localConfig, name) else node.moduleConfig, name)

    def adjust(self) -> bool:
        """Give the device our settings; it begins anew with them. False where the library does not know them."""
        lora, channel = self._interface.localNode.localConfig.lora, self._channel()
        region = _number(config_pb2.Config.LoRaConfig.RegionCode, self._tune.region)
        preset = _number(_PRESETS, _preset_name(self._tune.preset))
        if region is None or preset is None:
            return False
        lora.region, lora.modem_preset, lora.use_preset, lora.tx_enabled = region, preset, True, True
        lora.override_duty_cycle, lora.override_frequency, lora.channel_num = False, 0.0, 0
        channel.settings.name, channel.settings.psk, channel.role = self._tune.channel, self._tune.key, _PRIMARY
        channel.settings.uplink_enabled = channel.settings.downlink_enabled = False
        node, chatty = self._interface.localNode, [*self._chatty_sections()]
        self._call(node.beginSettingsTransaction)
        self._call(node.writeConfig, "lora")
        for name in chatty:
            _quieten(self._section(name), _QUIET[name])
            self._call(node.writeConfig, name)
        people = self._channel(PEOPLE)
        people.settings.name, people.settings.psk, people.role = "", PEOPLE_KEY, _SECONDARY
        people.settings.uplink_enabled = people.settings.downlink_enabled = False
        self._call(node.writeChannel, 0)
        self._call(node.writeChannel, PEOPLE)
        self._call(node.commitSettingsTransaction)
        time.sleep(FLUSH_S)
        return True

    def _channel(self, number: int = 0) -> Any:
        return self._interface.localNode.channels[number]

    def ask(self) -> Status | None:
        """Let the device say how much room it has; None where it says nothing in time. Raises Unusable."""
        self._call(self._interface.sendHeartbeat)
        return self._status(0)

    def send(self, packet: bytes) -> Status | None:
        """Hand over a broadcast on our port; None where the device does not answer in time. Raises Unusable.

        No hop and no acknowledgement: with one, the firmware raises the hop limit and strangers' radios pay for it.
        """
        priority = _ALERT if packet.startswith(CALL) else _DEFAULT
        sent = self._call(
            self._interface.sendData, packet, portNum=self._tune.port, wantAck=False, hopLimit=0, priority=priority
        )
        return self._taken(self._status(sent.id))

    def say(self, wish: Say) -> Status | None:
        """Hand over a text: sealed to one device, or for everybody on the channel that every phone app has."""
        sealed = {"pkiEncrypted": True, "publicKey": wish.key} if wish.key else {"channelIndex": PEOPLE}
        sent = self._call(
            self._interface.sendData,
            wish.text,
            wish.to,
            portNum=portnums_pb2.PortNum.TEXT_MESSAGE_APP,
            hopLimit=wish.hops,
            priority=_DEFAULT,
            **sealed,
        )
        return self._taken(self._status(sent.id))

    def _taken(self, status: Status | None) -> Status | None:
        if status is not None and status.code == 0:
            self._tally.handed += 1
        return status

    def _call(self, call: Callable[..., Any], *place: Any, **more: Any) -> Any:
        """Call into the library with its queue empty, so that it repeats nothing."""
        while not self._statuses.empty():
            self._statuses.get_nowait()
        self._interface.queue.clear()
        try:
            return call(*place, **more)
        except OSError as fault:
            raise Unusable(Fault.LEFT) from fault
        except RAISED as fault:
            raise Unusable(Fault.BROKEN) from fault

    def _status(self, packet: int) -> Status | None:
        until_s = time.monotonic() + ANSWER_WITHIN_S
        with suppress(Empty):
            while (left_s := until_s - time.monotonic()) > 0:
                status = self._statuses.get(timeout=left_s)
                if status.packet == packet:
                    return status
        return None

    def _on_packet(self, packet: Any, interface: Any) -> None:  # noqa: ARG002 (the names are the library's)
        """The library calls this for whatever arrives on a port that it has no reader for."""
        heard = packet["raw"]
        self._note_time(heard)
        if heard.decoded.portnum != self._tune.port or heard.channel != 0:
            return
        content = bytes(heard.decoded.payload)
        ours = not heard.via_mqtt and len(content) <= PACKET_SIZE_MAX
        self._listener.hear(getattr(heard, "from"), content if ours else b"")

    def _on_text(self, packet: Any, interface: Any) -> None:  # noqa: ARG002 (the names are the library's)
        """Pass on a text to this device alone. Only a device that opened it with its own key says whose it is."""
        heard = packet["raw"]
        self._note_time(heard)
        text, key = bytes(heard.decoded.payload), bytes(heard.public_key)
        if heard.to != self.node or heard.via_mqtt or not 1 <= len(text) <= TEXT_SIZE_MAX:
            return
        hops = min(max(0, heard.hop_start - heard.hop_limit), HOPS_MAX)
        is_sealed = heard.pki_encrypted and len(key) == KEY_SIZE
        self._listener.read(TextBy(getattr(heard, "from"), heard.id, hops, key if is_sealed else b"", text))

    def _note_time(self, heard: Any) -> None:
        """Learn the time at which the device itself received a packet: 0 where its satellites, phone or net never told it."""
        if heard.rx_time:
            self._listener.date(heard.rx_time)

    def _on_measured(self, packet: Any, interface: Any) -> None:  # noqa: ARG002 (the names are the library's)
        """Learn from the device's own report how much it has sent that nobody here asked for."""
        heard = packet["raw"]
        try:
            told = telemetry_pb2.Telemetry.FromString(heard.decoded.payload)
        except DecodeError:
            return
        if getattr(heard, "from") == self.node and told.HasField("local_stats"):
            packets = self._tally.own(told.local_stats.num_packets_tx, time.monotonic())
            if packets:
                self._listener.count(packets)

    def _on_lost(self, interface: Any) -> None:  # noqa: ARG002 (the name is the library's)
        self._listener.lose()


# What a device says by itself is no record and costs the same air: who it is goes out once a day, all else not at all. An
# interval of 0 means the firmware's own, so the longest that it takes stands beside each switch, for firmware without that
# switch. A mute client repeats nobody's packets, as ours are not repeated either; it still hears all of them.
_QUIET: Final[dict[str, dict[str, int]]] = {
    "device": {
        "role": config_pb2.Config.DeviceConfig.Role.CLIENT_MUTE,
        "rebroadcast_mode": config_pb2.Config.DeviceConfig.RebroadcastMode.ALL,  # some others do not pass on private ports
        "node_info_broadcast_secs": DAY_S,
    },
    "position": {"position_broadcast_secs": NEVER_S, "position_broadcast_smart_enabled": False},
    "telemetry": {
        "device_telemetry_enabled": False,
        "device_update_interval": NEVER_S,
        "environment_measurement_enabled": False,
        "air_quality_enabled": False,
        "power_measurement_enabled": False,
        "health_measurement_enabled": False,
    },
    "neighbor_info": {"enabled": False, "transmit_over_lora": False},
    "range_test": {"enabled": False},
    "store_forward": {"heartbeat": False},
    "paxcounter": {"enabled": False},
}


def _is_quiet(section: Any, field: str, wanted: int) -> bool:
    """Whether a setting is as we want it, or an even longer interval. What a version of the package does not know is so."""
    if field not in section.DESCRIPTOR.fields_by_name:
        return True
    value = getattr(section, field)
    return bool(value >= DAY_S if wanted >= DAY_S else value == wanted)


def _quieten(section: Any, wanted: dict[str, int]) -> None:
    for field, value in wanted.items():
        if not _is_quiet(section, field, value):
            setattr(section, field, value)


_PRIMARY: Final = channel_pb2.Channel.Role.PRIMARY
_SECONDARY: Final = channel_pb2.Channel.Role.SECONDARY
_DEFAULT: Final = mesh_pb2.MeshPacket.Priority.DEFAULT
_ALERT: Final = mesh_pb2.MeshPacket.Priority.ALERT  # goes first in the device's queue
_PRESETS: Final = config_pb2.Config.LoRaConfig.ModemPreset


def _number(names: Any, name: str) -> int | None:
    return int(names.Value(name)) if name in names.keys() else None  # noqa: SIM118 (no mapping, it only looks like one)


def _preset_name(preset: str) -> str:
    """Return LONG_FAST for LongFast."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", preset).upper()
