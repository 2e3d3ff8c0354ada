"""Scenario files are read as strictly as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import SettingsFault
from appliance.simulation.scenario_file import Wishes, read_scenario
from mesh.distress import Level
from mesh.simulation.scenario import Alarm, Burst, Link, Malice, Sleep
from mesh.simulation.streets import Map

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NOTHING = Wishes()


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "street.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_scenario_of_ours_can_be_read_and_holds_together(file: Path) -> None:
    scenario = read_scenario(file, NOTHING)
    assert scenario.name == file.stem
    hostile = {node for node, _ in scenario.hostile}
    assert Map(scenario.nodes, scenario.links).holds_together(hostile)


def test_all_keys_arrive(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "nodes: 3\nlinks: [[0, 1, 0.1], [1, 2, 0.2]]\nhours: 5\n"
        "asleep: [{nodes: [1], from: 22, until: 4}]\n"
        "faults: {burst_loss: {share: 0.1, length_s: 9}, reboots_per_node_day: 2, couriers: 1, until_h: 3}\n"
        "hostile: [{node: 2, does: flood}]\nrecords: {count: 7, until_h: 2}\nbooks: true\n"
        "calls: [{node: 1, at_h: 1, level: help, minutes: 30, over_h: 2}, {node: 1, shown_within_s: 9}]\n",
    )
    scenario = read_scenario(file, NOTHING)
    assert scenario.links == (Link(0, 1, 0.1), Link(1, 2, 0.2))
    assert scenario.asleep == (Sleep(frozenset({1}), 22.0, 4.0),)
    assert (scenario.faults.burst, scenario.faults.reboots) == (Burst(0.1, 9.0), 2.0)
    assert scenario.faults_end_s == 3 * 3600
    assert scenario.has_books
    assert scenario.calls == (
        Alarm(1, 1, 1.0, Level.HELP, 30, 300.0, 2.0),
        Alarm(1, 2, 0.0, Level.DANGER, 60, 9.0, None),
    )
    assert scenario.hostile == ((2, Malice.FLOOD),)
    assert scenario.records.authors == (0, 1)


def test_wishes_of_the_command_line_go_first(tmp_path: Path) -> None:
    file = written(tmp_path, "nodes: 3\nlinks: [[0, 1, 0.1], [1, 2, 0.2]]\n")
    scenario = read_scenario(file, Wishes(hours=2.0, records=5, loss=0.5, preset="ShortFast", seed=9))
    assert {link.loss for link in scenario.links} == {0.5}
    assert (scenario.hours, scenario.records.count, scenario.preset, scenario.seed) == (2.0, 5, "ShortFast", 9)


def test_a_street_without_a_file_is_drawn_from_the_seed() -> None:
    one, same, other = (read_scenario(None, Wishes(nodes=30, seed=seed)).links for seed in (4, 4, 5))
    assert one == same != other
    assert Map(30, one).holds_together(())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nods: 3", "Did you mean nodes?"),
        ("nodes: 3\nfaults: {reboot_per_node_day: 1}", "Did you mean reboots_per_node_day?"),
        ("nodes: 3\nrecords: {cuont: 1}", "Did you mean count?"),
        ("nodes: 3\nexpect: {after: 1}", "Did you mean after_h?"),
        ("nodes: 3\npreset: LongFats", "Did you mean LongFast?"),
        ("nodes: 3\nlinks: [[0, 3, 0.1]]", "two nodes from 0 to 2"),
        ("nodes: 3\nlinks: [[0, 0, 0.1]]", "two nodes from 0 to 2"),
        ("nodes: 3\nlinks: [[0, 1, 1.5]]", "two nodes from 0 to 2"),
        ("nodes: 3\ncuts: [{between: [[0, 1]]}]", "two groups"),
        ("nodes: 3\ncuts: [{between: [[0], [7]]}]", "a list of nodes"),
        ("nodes: 3\nasleep: [{from: 1, until: 2}]", "a list of nodes"),
        ("nodes: 3\nlinks: [[0, 1, 0.1], [1, 2, 0.1]]\nhostile: [{does: flood}, {does: flood}, {does: flood}, {}]", "too many"),
        ("nodes: 3\nhostile: [{does: lie}]", "Did you mean"),
        ("nodes: 3\nbooks: true\nrecords: {authors: [1, 2]}", "node 0"),
        ("nodes: 3\nlinks: {mean_degre: 2}", "Did you mean mean_degree?"),
        ("nodes: 3\ncalls: [{node: 3}]", "calls[0].node"),
        ("nodes: 3\ncalls: [{level: over}]", "level"),
        ("nodes: 3\ncalls: [{at_h: 2, over_h: 1}]", "over_h"),
        ("nodes: 3\ncalls: [{}, {}, {}, {}, {}]", "one too many"),
        ("nodes: 3\nlinks: [[0, 1, 0.1], [1, 2, 0.1]]\nhostile: [{node: 2}]\ncalls: [{node: 2}]", "calls for help"),
    ],
)  # fmt: skip
def test_slips_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsFault, match=r"street\.yaml") as fault:
        read_scenario(written(tmp_path, text), NOTHING)
    assert says in str(fault.value)


def test_a_file_that_lists_links_keeps_its_number_of_nodes(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match="Leave --nodes out"):
        read_scenario(written(tmp_path, "nodes: 3\nlinks: [[0, 1, 0.1]]"), Wishes(nodes=5))
