"""Runs a scenario, with the books of its nodes in a directory that is gone afterwards, where they keep any."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.simulation.ledgers import CountersPenman, Ledgers
from appliance.simulation.payments import PaymentsPenman
from appliance.simulation.scenario_file import dealer_for
from mesh.simulation.outcome import Outcome
from mesh.simulation.scenario import Scenario
from mesh.simulation.street import Street


def run(scenario: Scenario) -> Outcome:
    """Let a street live through its hours. The same seed gives the same outcome."""
    dealer = dealer_for(scenario.seed)
    if not scenario.has_books:
        return Street(scenario, dealer, PaymentsPenman).run()
    with TemporaryDirectory(prefix="hedgerow-street-") as directory, closing(Ledgers(Path(directory))) as ledgers:
        return Street(scenario, dealer, partial(CountersPenman, ledgers), ledgers.open).run()
