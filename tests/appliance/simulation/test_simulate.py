"""`hedgerow simulate`: a fixed set of seeds, the form of the answer, and that it never depends on anything but the seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.simulation import running
from appliance.simulation.scenario_file import Wishes, read_scenario
from mesh.aircode.packing import AirCodec
from mesh.simulation.outcome import Outcome
from mesh.simulation.shared_codec import SharedCodec

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HEDGEROW = [sys.executable, "-m", "appliance.cli"]
KEYS = [
    "seed",
    "hops",
    "cut_hours",
    "nodes",
    "hours",
    "loss",
    "preset",
    "records",
    "converged",
    "converged_s",
    "distinct_states",
    "packets",
    "bytes_on_air",
    "airtime_ms",
    "airtime_ms_worst_node_hour",
    "bytes_per_record",
    "floor_bytes",
    "ratio_to_floor",
    "latency_p50_s",
    "latency_p95_s",
    "shown_early",
    "calls_raised",
    "calls_slowest_s",
    "violations",
]
FIXED = [("storm", seed) for seed in (1, 2, 3)] + [("echo", seed) for seed in (3, 4)] + [("narrow", 2)]
FIXED += [("credit", seed) for seed in (4, 8)] + [("alarm", seed) for seed in (2, 8)]


def run(name: str, seed: int) -> Outcome:
    return running.run(read_scenario(SCENARIOS / f"{name}.yaml", Wishes(seed=seed)))


def simulate(*words: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [*HEDGEROW, "simulate", *words], env=env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(("name", "seed"), FIXED)
def test_the_fixed_seeds_break_no_rule_and_end_in_one_state(name: str, seed: int) -> None:
    outcome = run(name, seed)
    replay = f"hedgerow simulate tests/scenarios/{name}.yaml --seed {seed}"
    assert [*outcome.violations, *outcome.disappointments()] == [], replay


@pytest.mark.long
def test_the_newest_is_seen_before_a_gap_has_closed() -> None:
    """Newest first over the simulated air: what comes ahead is checked, shown, and counts once the rest is there."""
    outcome = run("behind", 5)
    assert [*outcome.violations, *outcome.disappointments()] == [], "hedgerow simulate tests/scenarios/behind.yaml"
    assert outcome.shown_early > 0


def test_books_that_nodes_keep_give_one_answer_too() -> None:
    """Stores of the disk and clocks of the machine are behind them: nothing of either may show."""
    words = (str(SCENARIOS / "credit.yaml"), "--hours", "3", "--records", "40", "--seed", "4", "--json")
    one, other = simulate(*words, hash_seed="1"), simulate(*words, hash_seed="2")
    assert one.stdout == other.stdout
    assert json.loads(one.stdout)["records"] > 0


def test_one_seed_gives_one_answer_whatever_python_hashes() -> None:
    words = ("--nodes", "5", "--hours", "3", "--records", "8", "--seed", "6", "--json")
    one, other = simulate(*words, hash_seed="1"), simulate(*words, hash_seed="2")
    assert one.stdout == other.stdout
    figures = json.loads(one.stdout)
    assert list(figures) == KEYS
    assert (figures["seed"], figures["nodes"], figures["records"], figures["violations"]) == (6, 5, 8, [])
    assert one.returncode == (0 if figures["converged"] else 1), one.stderr


def test_what_is_shared_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A street whose nodes each pack and unpack for themselves ends alike, to the byte."""
    shared = run("echo", 4).figures()
    monkeypatch.setattr(SharedCodec, "pack", lambda self, runs, ground: AirCodec().pack(runs, ground))
    monkeypatch.setattr(SharedCodec, "unpack", lambda self, packed, ground: AirCodec().unpack(packed, ground))
    assert run("echo", 4).figures() == shared


def test_another_seed_gives_another_answer() -> None:
    words = ("--nodes", "4", "--hours", "1", "--records", "2", "--json")
    assert simulate(*words, "--seed", "1").stdout != simulate(*words, "--seed", "2").stdout


def test_a_street_that_disappoints_says_how_to_see_it_again(tmp_path: Path) -> None:
    file = tmp_path / "apart.yaml"
    file.write_text("nodes: 3\nlinks: [[0, 1, 0.0]]\nhours: 1\nrecords: {count: 4, until_h: 0.5}\n")
    told = simulate(str(file), "--seed", "11", "--records", "3")
    assert told.returncode == 1
    assert "2 states" in told.stderr or "3 states" in told.stderr
    assert f"hedgerow simulate {file} --records 3 --seed 11" in told.stderr
    assert "Hedgerow 0" in told.stderr
    commit = subprocess.run(
        ["git", "-C", str(SCENARIOS), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    assert commit.stdout.strip() in told.stderr


def test_a_slip_in_a_file_is_a_fault_of_usage(tmp_path: Path) -> None:
    file = tmp_path / "slip.yaml"
    file.write_text("nods: 3\n")
    told = simulate(str(file))
    assert (told.returncode, "Did you mean nodes?" in told.stderr) == (2, True)
