"""The service that writes the next card in a reader of the node itself, as a keeper's page wishes.

Only a card that is put in after the wish is ever looked at, and only the one that the keeper then says yes to is written. A card
that was just put in may be mounted for a moment, for each stick is exchanged with; that is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from appliance import seed as seeds
from appliance.errors import ApplianceError, Refused, SettingsFault
from appliance.handover import Handover, Progress, Stage
from appliance.seed import Seed
from provisioning import disks as machine
from provisioning import writing
from provisioning.disks import Danger, Disk
from provisioning.writing import Layers, Phase

INSERT_S: Final = 300
FREE_S: Final = 120  # that a stick's exchange may take
YES_S: Final = 600
LOOK_S: Final = 1.0
GIVEN_UP: Final = "It was given up. Nothing was written."
STAGES: Final = {Phase.WRITING: Stage.WRITING, Phase.READING_BACK: Stage.READING_BACK}
Make = Callable[[Seed], AbstractContextManager[Layers]]


class Reader:
    """Carries out one wish. `make` yields what is to lie on the card; `root` is where this machine's /sys and /dev are."""

    def __init__(
        self, desk: Handover, make: Make, root: Path = Path("/"), rest: Callable[[float], None] = time.sleep
    ) -> None:
        self._desk, self._make, self._root, self._rest = desk, make, root, rest
        self._told = Progress()

    def carry_out(self) -> str:
        """Return what was done, or why not; the page is told the same, and the wish is gone."""
        self._tell(Progress(Stage.PREPARING))
        try:
            before = machine.disks(self._root)
            seed = seeds.read_whole(self._desk.wish / seeds.FILE_NAME, seeds.DATA)
            with self._make(seed) as layers:
                disk = self._agreed(self._arrived(before), layers.size_bytes)
                done = writing.write(layers, disk.device, self._show)
            self._tell(replace(self._told, stage=Stage.DONE, fingerprint=done.fingerprint))
            return f"{disk.in_words} was written, and each byte read back."
        except ApplianceError as fault:
            self._tell(Progress(Stage.FAILED, why=str(fault)))
            return str(fault)
        finally:
            self._desk.give_up()

    def _arrived(self, before: list[Disk]) -> Disk:
        self._tell(Progress(Stage.WAITING))
        for _ in self._seconds(INSERT_S):
            if disk := machine.arrived(before, machine.disks(self._root)):
                return disk
        raise Refused(Danger.NONE_CAME, seconds=INSERT_S)

    def _agreed(self, disk: Disk, needed: int) -> Disk:
        """Return the card once it is free, was shown, and the keeper said yes to it."""
        disk = self._free(disk, needed)
        self._tell(Progress(Stage.ASKING, disk.in_words, f"{disk.name} {disk.turn}"))
        for _ in self._seconds(YES_S):
            if self._desk.is_agreed(self._told.mark):
                now = machine.named(disk.name, self._root)
                if not machine.is_the_same(disk, now):
                    raise Refused(Danger.CHANGED, disk=disk.name)
                machine.judge(now, needed)
                return now
        raise SettingsFault("Nobody said yes in time. Nothing was written.")

    def _free(self, disk: Disk, needed: int) -> Disk:
        """Return the card when nothing uses it any more. Raises `Refused` where it may not be written to."""
        now = disk
        for _ in self._seconds(FREE_S):
            now = machine.named(disk.name, self._root)
            if not machine.is_the_same(disk, now):
                raise Refused(Danger.CHANGED, disk=disk.name)
            if not now.mounted or now.is_of_the_system:
                break
        machine.judge(now, needed)
        return now

    def _seconds(self, count: int) -> Iterator[None]:
        """Yield once a second, so often, and no longer than the wish stands. Raises `SettingsFault` where it was given up."""
        for _ in range(count):
            if not self._desk.is_wished:
                raise SettingsFault(GIVEN_UP)
            yield
            self._rest(LOOK_S)

    def _show(self, progress: writing.Progress) -> None:
        percent = 100 * progress.done_bytes // max(1, progress.whole_bytes)
        stage = STAGES[progress.phase]
        if (stage, percent) != (self._told.stage, self._told.percent):
            self._tell(replace(self._told, stage=stage, percent=percent))

    def _tell(self, progress: Progress) -> None:
        self._told = progress
        self._desk.tell(progress)
