"""What came of a run, as figures, and whether that was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mesh.airtime import REGIONS
from mesh.simulation.scenario import HOUR_S, REGION, Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one run; honest nodes only. Latencies are seconds until each record was held by each other node.

    `changed_s` is when anybody's state changed last. `floor_bytes`: what the records' information takes at least, said as
    often as it must be said at least.
    """

    scenario: Scenario
    hops: int
    records: int
    states: int
    changed_s: float
    packets: int
    bytes_on_air: int
    airtime_s: float
    airtime_worst_hour_s: float
    airtime_worst_hour_besides_calls_s: float
    quiet_packets: float
    floor_bytes: int
    latencies_s: Sequence[float]
    shown_early: int  # records that some node showed as not counted yet, above a gap
    calls_raised: int
    calls_slowest_s: float | None  # until the last node showed a call that had to show it
    violations: Sequence[str]

    law_share: float = REGIONS[REGION]

    @property
    def converged_s(self) -> float | None:
        """Return how long after the expected moment the last change was; None where nodes disagree at the end."""
        if self.states != 1:
            return None
        return max(0.0, self.changed_s - self.scenario.expect.after_h * HOUR_S)

    @property
    def converged(self) -> bool:
        """Whether all honest nodes came to hold one state within the time that the scenario allows."""
        return self.converged_s is not None and self.converged_s <= self.scenario.expect.converged_within_h * HOUR_S

    def disappointments(self) -> list[str]:
        """Return what the scenario expected and did not get, a sentence each."""
        expect, found = self.scenario.expect, []
        if not self.converged:
            found.append(
                f"The nodes were to agree within {expect.converged_within_h:g} hours; "
                + (
                    f"there are {self.states} states."
                    if self.converged_s is None
                    else f"{self.converged_s:.0f} s passed."
                )
            )
        if self.airtime_worst_hour_besides_calls_s > expect.airtime_share_max * HOUR_S:
            found.append(f"A node talked for {self.airtime_worst_hour_besides_calls_s:.1f} s within an hour.")
        if self.airtime_worst_hour_s > self.law_share * HOUR_S:
            found.append(
                f"A node talked for {self.airtime_worst_hour_s:.1f} s within an hour, beyond what the law gives it."
            )
        if self.quiet_packets > expect.quiet_packets_max:
            found.append(f"Nodes that agreed went on to send {self.quiet_packets:.1f} packets an hour.")
        return found

    def figures(self) -> dict[str, object]:
        """Return the object of `simulate --json`. Losses are shares; what is unknown is null."""
        links = self.scenario.links
        return {
            "seed": self.scenario.seed,
            "hops": self.hops,
            "cut_hours": sum(cut.until_h - cut.from_h for cut in self.scenario.cuts),
            "nodes": self.scenario.nodes,
            "hours": self.scenario.hours,
            "loss": round(sum(link.loss for link in links) / max(1, len(links)), 4),
            "preset": self.scenario.preset,
            "records": self.records,
            "converged": self.converged,
            "converged_s": None if self.converged_s is None else round(self.converged_s, 1),
            "distinct_states": self.states,
            "packets": self.packets,
            "bytes_on_air": self.bytes_on_air,
            "airtime_ms": round(self.airtime_s * 1000),
            "airtime_ms_worst_node_hour": round(self.airtime_worst_hour_s * 1000),
            "bytes_per_record": _ratio(self.bytes_on_air, self.records),
            "floor_bytes": self.floor_bytes,
            "ratio_to_floor": _ratio(self.bytes_on_air, self.floor_bytes),
            "latency_p50_s": self._latency(0.50),
            "latency_p95_s": self._latency(0.95),
            "shown_early": self.shown_early,
            "calls_raised": self.calls_raised,
            "calls_slowest_s": None if self.calls_slowest_s is None else round(self.calls_slowest_s, 1),
            "violations": [*self.violations],
        }

    def _latency(self, share: float) -> float | None:
        """Return a percentile, by nearest rank."""
        ranked = sorted(self.latencies_s)
        return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 1) if ranked else None


def _ratio(whole: float, part: float) -> float | None:
    return round(whole / part, 2) if part else None
