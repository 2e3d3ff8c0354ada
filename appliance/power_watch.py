"""The watch over the battery: a process of its own, so that a hung radio or a busy page never keeps a node from halting in time.

It reads the sensor every ten seconds and writes down what changed, at most a few times an hour. When the ladder says halt, it
has all that was written signed, notes why the node ends, and runs the keeper's command.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from appliance.answers import PowerState
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.power.gauge import Gauge
from appliance.power.ladder import Step
from appliance.power.sensor import Sensor, SensorSilent
from appliance.power.waking import sleeps_s
from appliance.settings_power import Power

LOOK_S: Final = 10.0
TELL_S: Final = 900.0
POINTS: Final = 2  # percent; smaller changes wait
COMMAND_S: Final = 60.0
AGAIN_S: Final = 300.0  # a command that did not halt the board is run again after so long

LOG: Final = logging.getLogger("hedgerow.power")

Halt = Callable[[int], None]


class Watch:
    """Reads `sensor` for `node`. `halt` is called with the seconds after which the board should look again."""

    def __init__(
        self, node: Node, power: Power, sensor: Sensor, halt: Halt, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._node, self._power, self._sensor, self._halt, self._ticks = node, power, sensor, halt, ticks
        self._kept = node.kept_power()
        self._goes_on = node.power() is not None  # this process is new, the board is not
        self._looks = self._kept.looks if self._kept else 0
        self._gauge: Gauge | None = None
        self._read_at = 0.0
        self._told: PowerState | None = None
        self._told_at = 0.0
        self._halt_at = -AGAIN_S

    def run(self, ending: Event) -> None:
        """Watch until `ending` is set. A card that cannot be written to is no reason to look away."""
        while not ending.is_set():
            try:
                self.step()
            except StoreFault as fault:
                LOG.error("%s", fault)
            ending.wait(LOOK_S)
        self._sensor.close()

    def step(self) -> None:
        """Look once, and do what follows. Raises `StoreFault`, after what keeps the battery whole was done."""
        try:
            self._read()
        except SensorSilent as silence:
            self._tell(str(silence))
            return
        assert self._gauge is not None
        if self._gauge.step is not Step.HALT:
            self._looks = 0
        try:
            self._tell("")
        finally:
            self._end_if_due(self._gauge.step)

    def _read(self) -> None:
        reading, now = self._sensor.read(), self._ticks()
        if self._gauge is None:
            share = self._kept.percent / 100 if self._kept and self._kept.percent is not None else None
            step = Step[self._kept.step.upper()] if self._kept and self._goes_on else None
            has_halted = self._kept is not None and self._kept.step == "halt"
            self._gauge = Gauge.begun(
                self._power.battery, self._power.rungs, reading, share, step, has_halted=has_halted
            )
            self._looks += has_halted and self._gauge.step is Step.HALT
        else:
            self._gauge = self._gauge.read(reading, now - self._read_at)
        self._read_at = now

    def _end_if_due(self, step: Step) -> None:
        if step is not Step.HALT or self._ticks() < self._halt_at + AGAIN_S:
            return
        self._halt_at = self._ticks()
        sleep_s = sleeps_s(self._looks)
        LOG.warning("The battery is nearly empty: this node halts, and looks again in %d minutes.", sleep_s // 60)
        try:
            self._node.seal()
        finally:
            self._halt(sleep_s)

    def _tell(self, trouble: str) -> None:
        state = self._state(trouble)
        if self._told is None or _differs(self._told, state) or self._ticks() >= self._told_at + TELL_S:
            if trouble and (self._told is None or trouble != self._told.trouble):
                LOG.warning("%s", trouble)
            self._node.note_power(state)
            self._told, self._told_at = state, self._ticks()

    def _state(self, trouble: str) -> PowerState:
        gauge = self._gauge
        if gauge is None:
            return PowerState("normal", trouble=trouble)
        hours = gauge.hours_left
        return PowerState(
            step=gauge.step.name.lower(),
            percent=round(gauge.share * 100),
            is_counted=gauge.charge.is_counted,
            volts=round(gauge.reading.volts, 2),
            amps=round(gauge.reading.amps, 3),
            hours_left=None if hours is None else round(hours, 1),
            trouble=trouble,
            looks=self._looks,
        )


def _differs(told: PowerState, state: PowerState) -> bool:
    """Whether something changed that others should know soon."""
    moved = abs((told.percent or 0) - (state.percent or 0)) >= POINTS
    return moved or (told.step, told.trouble, told.looks) != (state.step, state.trouble, state.looks)


def command(words: str) -> Halt:
    """Return what runs the keeper's command; without one, what only says that there is none."""
    if not words:
        return lambda _: LOG.error("There is no power.halt_command in node.yaml, so nothing halts this board.")

    def run(sleep_s: int) -> None:
        environment = os.environ | {"HEDGEROW_SLEEP_S": str(sleep_s)}
        try:
            subprocess.run(shlex.split(words), env=environment, check=True, timeout=COMMAND_S)
        except (OSError, subprocess.SubprocessError) as fault:
            LOG.error("power.halt_command failed: %s. It is tried again in %.0f minutes.", fault, AGAIN_S / 60)

    return run
