"""The figures of the air repeat exactly, and none stands without its witness."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.bench import air
from appliance.bench.floor import floor_bytes
from appliance.bench.workload import found, holder, read_workload, split
from appliance.errors import MeasurementFault, SettingsFault

LINE = {
    "author": 0,
    "from": "ana",
    "to": "ben",
    "amount": 30,
    "currency": "hours",
    "at": 1760000000,
    "memo": "two loaves, rye",
}

# A figure that gets worse fails here; one that gets better is written down here.
BOUNDS = {
    "w_100_payload_bytes": 1713,
    "w_100_on_air_bytes": 1904,
    "w_100_packets": 8,
    "w_10_payload_bytes": 801,
    "w_100_one_author_payload_bytes": 1111,
    "w_10_one_author_payload_bytes": 187,
    "lone_on_air_bytes_mean": 105.94,
    "lone_on_air_bytes_max": 110,
    "s_record_bytes": 30.6,
    "s_165_record_bytes": 39.64,
    "s_loss10_record_bytes": 50.3,
    "s_loss30_record_bytes": 80.7,
    "bulk_record_bytes": 23.9,
    "nothing_new_payload_bytes": 25,
    "beacon_on_air_bytes": 39,
    "idle_day_bytes": 128,
    "idle_day_airtime_ms": 1909,
    "want40_on_air_bytes": 75,
    "reconcile_known_record_bytes": 1.56,
    "reconcile_unknown_record_bytes": 2.03,
    "one_record_latency_p50_s": 5.0,  # of sixty tellings, in which chance has its part: a little room is left for that
    "one_record_latency_p95_s": 25.0,
}


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    return air.measure(None, 100)


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_no_figure_gets_worse(figures: dict[str, float], name: str) -> None:
    assert 0 < figures[name] <= BOUNDS[name]


def test_the_same_session_costs_the_same_bytes_twice() -> None:
    payments = read_workload(None)[:300]
    one, other = (air._session(payments, 20) for _ in range(2))
    assert one.captured == other.captured
    assert one.captured


def test_what_is_paid_is_below_the_floor_of_general_compressors(figures: dict[str, float]) -> None:
    """Its compressors know the memos of the base too, but not what an amount or a name is likely to be."""
    assert 640 < figures["w_100_payload_bytes"] < figures["w_100_floor_bytes"] < 2 * figures["w_100_payload_bytes"]
    assert floor_bytes(read_workload(None), 1) > 64


def test_a_file_the_project_never_saw(tmp_path: Path) -> None:
    rows = [{**LINE, "author": number % 2, "amount": number + 1, "memo": f"loaf {number}"} for number in range(30)]
    file = tmp_path / "other.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    channel = air._session(read_workload(file), 10)
    air._ask_witness(channel, file, 10)
    assert channel.payload_bytes() > 2 * 64


def test_a_capture_that_lacks_a_packet_is_no_proof() -> None:
    channel = air._session(read_workload(None), 10)
    air._ask_witness(channel, None, 10)
    del channel.captured[0]
    with pytest.raises(MeasurementFault):
        air._ask_witness(channel, None, 10)


def test_the_base_holds_none_of_the_news() -> None:
    payments = read_workload(None)[:200]
    street, base, news = split(payments, 20)
    _, alone = found(payments, 20)
    assert base == alone
    assert sum(len(run.records) for run in news) == 20
    assert len(street.authors) == 10
    behind = holder(street, base, 0).frontier(street.scope)
    assert all(behind.height(run.log) == run.after for run in news)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{",
        '"text"',
        json.dumps({**LINE, "more": 1}),
        json.dumps({**LINE, "amount": 1.5}),
        json.dumps({**LINE, "to": "a@b"}),
    ],
)
def test_a_line_that_is_no_payment_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + line + "\n")
    with pytest.raises(SettingsFault, match="line 2 of the workload"):
        read_workload(file)


@pytest.mark.real
def test_the_command_prints_one_object(tmp_path: Path) -> None:
    rows = [{**LINE, "author": number % 2, "amount": number + 1} for number in range(600)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    command = [sys.executable, "-m", "appliance.cli", "bench", "air", "--json", "--workload", str(file), "--new", "20"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(told.stdout)
    assert answer["name"] == "air"
    assert answer["figures"]["w_100_payload_bytes"] > 0
