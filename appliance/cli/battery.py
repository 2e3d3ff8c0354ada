"""The watch over a battery, in this process. Only who has one reads this module in."""

from __future__ import annotations

from appliance import power_watch, processes
from appliance.cli.nodes import opened_node
from appliance.settings import Settings
from appliance.settings_power import Power


def watch(found: Settings, power: Power) -> None:
    """Watch until SIGTERM or SIGINT. Raises `SettingsFault`, `StoreFault`."""
    ending = processes.until_told()
    processes.hold(found.data, "power")
    with opened_node() as node:
        halt = power_watch.command(power.halt_command)
        power_watch.Watch(node, power, power.open_sensor(), halt).run(ending)
