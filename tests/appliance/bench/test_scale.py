"""What the engine reads for a packet or a tick stays the same as records become more: counted here, timed in the benchmark."""

import json

import pytest
from click.testing import CliRunner

from appliance.bench import scale
from appliance.bench.meters import Meters
from appliance.bench.scale import AIMS, BROAD, RADIO, Figures, Pair, Profiles
from appliance.cli.bench import bench
from mesh.aircode import shared

LOGS = 3
FEW = LOGS * 208  # records: each log holds more than the codec learns from
MANY = FEW + LOGS * 512
ROUNDS = 3
Measured = tuple[Figures, Profiles]


def counts(taken: list[Meters]) -> list[tuple[int, ...]]:
    """Return how often everything was done in each round, and how many records were read."""
    return [
        (one.hear.calls, one.tick.calls, one.pack.calls, one.unpack.calls, one.looks, one.reads, one.records)
        for one in taken
    ]


@pytest.mark.parametrize("packet_size_max", [RADIO, BROAD])
def test_nothing_that_is_read_grows_with_the_records(packet_size_max: int) -> None:
    pair = Pair(LOGS)
    pair.grow(FEW)
    few = counts(pair.taken(ROUNDS, packet_size_max))
    pair.grow(MANY)
    assert counts(pair.taken(ROUNDS, packet_size_max)) == few
    assert all(one.hear.calls and one.tick.calls for one in pair.taken(1, packet_size_max))


def test_a_codec_that_learned_from_all_records_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "WINDOW", 1 << 20)
    pair = Pair(LOGS)
    pair.grow(FEW)
    few = sum(one.records for one in pair.taken(1))
    pair.grow(MANY)
    assert sum(one.records for one in pair.taken(1)) > 2 * few


@pytest.mark.long
def test_what_an_engine_keeps_grows_with_the_logs_and_not_with_the_records() -> None:
    few, many = Pair(LOGS), Pair(60)
    few.grow(60)
    many.grow(60)
    at_first = few.memory()["engine_bytes"]
    few.grow(FEW)
    assert 0 < few.memory()["engine_bytes"] < 1.2 * at_first
    assert many.memory()["engine_bytes"] > at_first


def test_the_lessons_that_a_codec_keeps_stay_within_its_memory() -> None:
    pair = Pair(20)
    pair.grow(20 * 130)
    assert 500_000 < pair.memory()["lessons_bytes"] < AIMS["codec_bytes"] / 2


@pytest.fixture(scope="module")
def small() -> Measured:
    return scale.measure((2, 4), (64, 80), 1)


@pytest.mark.long
def test_the_codec_stays_within_its_memory(small: Measured) -> None:
    assert 500_000 < small[0]["codec_bytes"] <= AIMS["codec_bytes"] / 2  # the other half is for lessons


@pytest.mark.long
def test_the_command_tells_figures_their_ratios_and_where_the_time_goes(
    small: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "measure", lambda: small)
    told = json.loads(CliRunner().invoke(bench, ["scale", "--json"]).stdout)
    assert {"name", "figures", "peers", "machine", "aims", "profile", "plain_profile"} == set(told)
    assert told["figures"] == small[0]
    for name in ("hear_us", "tick_us", "plain_hear_us", "plain_tick_us", "pack_ms", "unpack_ms"):
        assert all(told["figures"][f"{name}_{logs}_logs_ratio_80_to_64_records"] > 0 for logs in (2, 4))
    assert set(AIMS) | {"engine_bytes_per_1000_logs"} <= set(told["figures"])
    for name, lines in small[1].items():
        assert [one["function"] for one in told[name]] == [line.function for line in lines]
        assert len(lines) == scale.TOP
        assert all(0 < line.own_share < 1 and line.calls for line in lines)
    assert any(one["function"].startswith("mesh/aircode/") for one in told["profile"])
    assert not any(one["function"].startswith("mesh/aircode/") for one in told["plain_profile"])
    assert "own share" in CliRunner().invoke(bench, ["scale"]).stdout
