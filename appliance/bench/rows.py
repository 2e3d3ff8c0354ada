"""The rows of what sync costs the air: the aim, the floor, and what others take for the same work.

The figures of others are exact: measured by running them on the same records, or computed from the constants of their formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """`aim` is what the figure is to stay at or below; `floor` the key of another figure; `others` by their names."""

    figure: str
    aim: float
    floor: str | None = None
    others: Mapping[str, float] | None = None

    def shown(self, figures: Mapping[str, float]) -> dict[str, object]:
        """Return the row as an object: what is unknown is null."""
        floor = figures.get(self.floor) if self.floor else None
        value = figures.get(self.figure)
        return {"figure": self.figure, "value": value, "aim": self.aim, "floor": floor, "others": self.others or {}}


ROWS: Final = (
    Row(
        "w_100_payload_bytes",
        1800,
        "w_100_floor_bytes",
        {
            "f1": 1878,
            "f2": 1668,
            "lxmf": 31496,
            "lxmf_ten_a_message": 9845,
            "lxmf_propagation": 37823,
            "negentropy": 11589,
            "pinsketch": 11234,
            "json_signed": 22260,
            "mqtt_cbor_signed": 12049,
        },
    ),
    Row("w_100_on_air_bytes", 2050),
    Row("w_100_packets", 10),
    Row(
        "w_100_one_author_payload_bytes",
        1200,
        "w_100_one_author_floor_bytes",
        {"f1": 1299, "f2": 1094, "lxmf": 3581},
    ),
    Row("w_10_payload_bytes", 820, "w_10_floor_bytes", {"f1": 777, "lxmf": 3164, "negentropy": 2287}),
    Row("w_10_one_author_payload_bytes", 220, "w_10_one_author_floor_bytes", {"f1": 199}),
    Row("lone_on_air_bytes_mean", 106, "lone_floor_bytes_mean", {"lxmf_payload": 310, "cbor_signed_payload": 101}),
    Row("lone_on_air_bytes_max", 128),
    Row("nothing_new_payload_bytes", 25, None, {"negentropy": 344}),
    Row(
        "s_record_bytes",
        31,
        "s_floor_record_bytes",
        {"tinyssb": 143, "noshtastic": 216, "lxmf_least": 226, "lxmf_most": 1240, "tc2_bbs": 504},
    ),
    Row("s_165_record_bytes", 45, "s_floor_record_bytes", {"plain_signed_text": 108}),
    Row("s_loss10_record_bytes", 43, "s_loss10_floor_record_bytes"),
    Row("s_loss30_record_bytes", 62, "s_loss30_floor_record_bytes"),
    Row("bulk_record_bytes", 26, "bulk_floor_record_bytes"),
    Row("want40_on_air_bytes", 83, None, {"ssb": 1280}),
    Row("reconcile_known_record_bytes", 2, None, {"lxmf": 34, "negentropy_least": 72, "negentropy_most": 919}),
    Row("reconcile_unknown_record_bytes", 5, None, {"lxmf": 34, "negentropy_least": 72, "negentropy_most": 919}),
    Row("one_record_latency_p50_s", 10),
    Row("one_record_latency_p95_s", 60),
    Row("beacon_on_air_bytes", 39, None, {"reticulum_announce": 167}),
    Row("idle_day_bytes", 210, None, {"tinyssb": 690_000}),
    Row("idle_day_airtime_ms", 6000),
)

OTHERS: Final = {f"{name}_{row.figure}": value for row in ROWS for name, value in (row.others or {}).items()}
