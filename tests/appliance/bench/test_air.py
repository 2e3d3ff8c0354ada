"""The figures of the air repeat exactly, and none stands without its witness."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.bench import air
from appliance.bench.floor import floor_bytes, packets_of_an_ideal_code
from appliance.bench.rows import ROWS
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
    "w_100_payload_bytes": 1688,
    "w_100_on_air_bytes": 1880,
    "w_100_packets": 8,
    "w_10_payload_bytes": 784,
    "w_100_one_author_payload_bytes": 1100,
    "w_10_one_author_payload_bytes": 187,
    "lone_on_air_bytes_mean": 105.94,
    "lone_on_air_bytes_max": 110,
    "s_record_bytes": 30.6,
    "s_165_record_bytes": 39.64,
    "s_loss10_record_bytes": 40.16,
    "s_loss30_record_bytes": 58.12,
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


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_no_figure_gets_worse(figures: dict[str, float], name: str) -> None:
    assert 0 < figures[name] <= BOUNDS[name]


def test_the_same_session_costs_the_same_bytes_twice() -> None:
    payments = read_workload(None)[:300]
    one, other = (air._session(payments, 20) for _ in range(2))
    assert one.captured == other.captured
    assert one.captured


@pytest.mark.long
def test_what_is_paid_is_below_the_floor_of_general_compressors(figures: dict[str, float]) -> None:
    """Its compressors know the memos of the base too, but not what an amount or a name is likely to be."""
    assert 640 < figures["w_100_payload_bytes"] < figures["w_100_floor_bytes"] < 2 * figures["w_100_payload_bytes"]
    assert floor_bytes(read_workload(None), 1) > 64


MEMOS: dict[str, list[str]] = {
    "other languages": [
        "zwei Stunden Garten",
        "ساعتان في الحديقة",
        "两条面包",
        "δύο ψωμιά",
        "хліб та мед",
        "dört yumurta",
    ],
    "emoji": ["🥖🥖 für 🧑‍🌾", "👍", "🇵🇹 pão", "e\u0301 and \u00e9", "\u2028 a line of its own", "\x00 and \x7f"],
    "nothing said": [""],
    "long ones": ["a long story about bread, " * 40, "x" * 900],
}


def file_of(tmp_path: Path, rows: list[dict[str, object]]) -> Path:
    file = tmp_path / "other.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("memos", MEMOS.values(), ids=[*MEMOS])
def test_a_file_the_project_never_saw(tmp_path: Path, memos: list[str]) -> None:
    """Other authors, payees of other nodes, amounts as large as they come: a second process finds each record."""
    amounts = (1, 7, 2**31, 2**53)
    rows: list[dict[str, object]] = [
        {
            **LINE,
            "author": 3 * (number % 4),
            "from": f"Zoë {number % 3}",
            "to": f"ben@{3 * ((number + 1) % 4)}" if number % 2 else "Łukasz",
            "amount": amounts[number % 4],
            "at": 60 * (number * 7919 % 100),
            "memo": memos[number % len(memos)],
        }
        for number in range(40)
    ]
    file = file_of(tmp_path, rows)
    channel = air._session(read_workload(file), 16)
    air._ask_witness(channel, file, 16)
    assert channel.payload_bytes() > 4 * 64


def test_a_single_author_who_says_more_than_a_message_holds(tmp_path: Path) -> None:
    rows = [{**LINE, "amount": number + 1, "memo": f"{number} " + "loaves of rye, " * 20} for number in range(80)]
    file = file_of(tmp_path, rows)
    channel = air._session(read_workload(file), 80)
    air._ask_witness(channel, file, 80)
    assert channel.is_equal()


@pytest.mark.long
def test_a_floor_knows_where_an_ideal_code_would_stand(figures: dict[str, float]) -> None:
    assert packets_of_an_ideal_code(6, 4, 0.0) == 6
    assert packets_of_an_ideal_code(1, 1, 0.5) == pytest.approx(2.0)
    assert packets_of_an_ideal_code(6, 4, 0.1) == pytest.approx(7.6, abs=0.05)
    for row in ROWS:
        shown = row.shown(figures)
        assert shown["value"] is not None
        assert row.floor is None or 0 < shown["floor"] < 1.3 * shown["value"]  # type: ignore[operator]


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
        json.dumps({**LINE, "to": "ben@-1"}),
        json.dumps({**LINE, "to": "@1"}),
        json.dumps({**LINE, "from": ""}),
        json.dumps({**LINE, "author": 10**9}),
        json.dumps({**LINE, "author": True}),
        json.dumps({**LINE, "amount": 0}),
        json.dumps({**LINE, "amount": 2**70}),
        json.dumps({**LINE, "at": -1}),
        json.dumps({**LINE, "memo": "x" * 9000}),
        json.dumps({**LINE, "memo": "\ud800"}),
        "[" * 5000,
    ],
)
def test_a_line_that_is_no_payment_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + line + "\n")
    with pytest.raises(SettingsFault, match="line 2 of the workload"):
        read_workload(file)


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xff\xfe", b"\n" * 100_001 + b"{}"])
def test_a_file_that_is_no_workload_is_refused_in_a_sentence(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(raw)
    with pytest.raises(SettingsFault, match="workload"):
        read_workload(file)
    with pytest.raises(SettingsFault, match="cannot be read"):
        read_workload(tmp_path)


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
    assert {row["figure"] for row in answer["rows"]} == {row.figure for row in ROWS}
