"""What a device says by itself, by its settings: who it is, how it is, where it is, whom it hears.

Intervals and what 0 means are those of the firmware (`Default.h`, `NodeInfoModule`, `DeviceTelemetry`, `PositionModule`,
`NeighborInfoModule`); all of it goes out as a broadcast that the client does not ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from meshtastic.protobuf import config_pb2, mesh_pb2, module_config_pb2, portnums_pb2, telemetry_pb2

MODULE: Final = module_config_pb2.ModuleConfig
CONFIG: Final = config_pb2.Config
DEFAULT_S: Final = {"nodeinfo": 3 * 3600, "telemetry": 1800, "position": 900, "neighbours": 6 * 3600}
START_S: Final = 30.0


class Habits:
    """The settings that decide over it, fresh from the shop; and when each thing was said last."""

    def __init__(self) -> None:
        self.device = CONFIG.DeviceConfig()
        self.position = CONFIG.PositionConfig(position_broadcast_smart_enabled=True)
        self.telemetry = MODULE.TelemetryConfig()
        if "device_telemetry_enabled" in MODULE.TelemetryConfig.DESCRIPTOR.fields_by_name:
            self.telemetry.device_telemetry_enabled = True
        self.neighbor_info = MODULE.NeighborInfoConfig(enabled=True, transmit_over_lora=True)
        self.has_place = True  # a place by hand, or from its phone
        self._last_s: dict[str, float] = {}

    def quieten(self) -> None:
        """Be set as a node would set it."""
        self.device.role = CONFIG.DeviceConfig.Role.CLIENT_MUTE
        self.device.node_info_broadcast_secs = 86_400
        self.position.position_broadcast_secs = self.telemetry.device_update_interval = 2**31 - 1
        self.position.position_broadcast_smart_enabled = False
        if "device_telemetry_enabled" in MODULE.TelemetryConfig.DESCRIPTOR.fields_by_name:
            self.telemetry.device_telemetry_enabled = False
        self.neighbor_info.Clear()

    def configs(self) -> list[Any]:
        return [CONFIG(device=self.device), CONFIG(position=self.position)]

    def module_configs(self) -> list[Any]:
        return [MODULE(telemetry=self.telemetry), MODULE(neighbor_info=self.neighbor_info)]

    def set(self, config: Any) -> bool:
        """Take over a section that a client wrote; whether it is one of these."""
        kind = config.WhichOneof("payload_variant")
        if kind not in ("device", "position", "telemetry", "neighbor_info"):
            return False
        getattr(self, kind).CopyFrom(getattr(config, kind))
        return True

    def due(self, now_s: float, node: int) -> Iterator[tuple[int, bytes]]:
        """Yield port and payload of each broadcast that is due."""
        for name, interval_s in self._intervals().items():
            begun_s = self._last_s.setdefault(name, now_s - interval_s + START_S)
            if now_s - begun_s >= interval_s:
                self._last_s[name] = now_s
                yield self._said(name, node)

    def _intervals(self) -> dict[str, float]:
        told = {"nodeinfo": self.device.node_info_broadcast_secs}
        if getattr(self.telemetry, "device_telemetry_enabled", True):
            told["telemetry"] = self.telemetry.device_update_interval
        if self.has_place:
            told["position"] = self.position.position_broadcast_secs
        if self.neighbor_info.enabled and self.neighbor_info.transmit_over_lora:
            told["neighbours"] = self.neighbor_info.update_interval
        return {name: float(interval_s or DEFAULT_S[name]) for name, interval_s in told.items()}

    def _said(self, name: str, node: int) -> tuple[int, bytes]:
        port = portnums_pb2.PortNum
        if name == "nodeinfo":
            user = mesh_pb2.User(id=f"!{node:08x}", long_name=f"Meshtastic {node:04x}", short_name="mesh")
            user.public_key = bytes(32)
            return port.NODEINFO_APP, user.SerializeToString()
        if name == "telemetry":
            measured = telemetry_pb2.Telemetry(time=1)
            measured.device_metrics.battery_level, measured.device_metrics.voltage = 101, 4.2
            measured.device_metrics.air_util_tx = 0.5
            return port.TELEMETRY_APP, measured.SerializeToString()
        if name == "position":
            place = mesh_pb2.Position(latitude_i=500000000, longitude_i=80000000, time=1)
            return port.POSITION_APP, place.SerializeToString()
        return port.NEIGHBORINFO_APP, mesh_pb2.NeighborInfo(node_id=node).SerializeToString()
