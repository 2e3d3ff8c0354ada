"""The node as everything above it sees it: one door in, one desk for each noun, one object for each process.

    here    pages → `Node.pay` (judge, sign) → the door (one transaction: record and view) → the card
    away    the daemon reads the card and speaks; what it hears goes through `Node.accept`

Each method is one short transaction and may raise `StoreFault`; reads never wait for writers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from appliance import doctor, settings
from appliance.answers import Check
from appliance.desks.care import Care
from mesh.keys import written


class Node(Care):
    @classmethod
    def open(cls, data: Path) -> Self:
        """Open the node that lives in directory `data`. Raises `SettingsFault` or `StoreFault`."""
        return cls(settings.load(data))

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def commons_name(self) -> str:
        return self.settings.commons

    @property
    def id(self) -> str:
        """The node's id as it is written."""
        return written(self.node_id)

    def checks(self) -> list[Check]:
        """Return what the doctor finds."""
        return doctor.examine(self)
