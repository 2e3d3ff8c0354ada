"""One Meshtastic device through the `meshtastic` package, 2.6 or 2.7. The only user of that package.

Everything here may block for as long as the library pleases or the device hangs: only `lora_child` calls it, in a
process that somebody watches. The library's own queue is kept empty, because it waits without end where the device has
no room, and sends again, under the same number, what a device refuses: such repeats a device ignores without a word.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, Final, NamedTuple

from meshtastic.mesh_interface import MeshInterface
from meshtastic.protobuf import channel_pb2, config_pb2, mesh_pb2
from meshtastic.serial_interface import SerialInterface
from meshtastic.tcp_interface import TCPInterface
from pubsub import pub

from mesh.transports.lora_pipe import PACKET_SIZE_MAX, Fault, Misfit, Tune

ANSWER_WITHIN_S: Final = 6.0
STATUSES_MAX: Final = 64
FLUSH_S: Final = 0.5

ARRIVED: Final = "meshtastic.receive.data"
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


class Device:
    """One device, opened once. `hear` and `lose` are called by the library's threads and must not wait for anything.

    `hear` gets the talker's number and its packet, empty for one that is none of ours.
    """

    def __init__(self, tune: Tune, hear: Callable[[int, bytes], None], lose: Callable[[], None]) -> None:
        self._tune = tune
        self._hear = hear
        self._lose = lose
        self._statuses: Queue[Status] = Queue(STATUSES_MAX)
        self._interface: Any = None
        self._met: Any = None
        pub.subscribe(self._on_packet, ARRIVED)
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
        return found

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
        node = self._interface.localNode
        self._call(node.beginSettingsTransaction)
        self._call(node.writeConfig, "lora")
        self._call(node.writeChannel, 0)
        self._call(node.commitSettingsTransaction)
        time.sleep(FLUSH_S)
        return True

    def _channel(self) -> Any:
        return self._interface.localNode.channels[0]

    def ask(self) -> Status | None:
        """Let the device say how much room it has; None where it says nothing in time. Raises Unusable."""
        self._call(self._interface.sendHeartbeat)
        return self._status(0)

    def send(self, packet: bytes) -> Status | None:
        """Hand over a broadcast on our port; None where the device does not answer in time. Raises Unusable.

        No hop and no acknowledgement: with one, the firmware raises the hop limit and strangers' radios pay for it.
        """
        sent = self._call(
            self._interface.sendData, packet, portNum=self._tune.port, wantAck=False, hopLimit=0, priority=_DEFAULT
        )
        return self._status(sent.id)

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
        if heard.decoded.portnum != self._tune.port or heard.channel != 0:
            return
        content = bytes(heard.decoded.payload)
        ours = not heard.via_mqtt and len(content) <= PACKET_SIZE_MAX
        self._hear(getattr(heard, "from"), content if ours else b"")

    def _on_lost(self, interface: Any) -> None:  # noqa: ARG002 (the name is the library's)
        self._lose()


_PRIMARY: Final = channel_pb2.Channel.Role.PRIMARY
_DEFAULT: Final = mesh_pb2.MeshPacket.Priority.DEFAULT
_PRESETS: Final = config_pb2.Config.LoRaConfig.ModemPreset


def _number(names: Any, name: str) -> int | None:
    return int(names.Value(name)) if name in names.keys() else None  # noqa: SIM118 (no mapping, it only looks like one)


def _preset_name(preset: str) -> str:
    """Return LONG_FAST for LongFast."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", preset).upper()
