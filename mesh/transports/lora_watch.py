"""When the process that owns the radio is started, asked, given up and started again; and what the keeper is told.

Pure: time is an argument, in seconds. An answer counts only where the device itself gave it, so a library that hangs
is noticed as surely as a device that does.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

from mesh.transports.lora_pipe import Fault, Misfit

SETTINGS_MAX: Final = 3  # a device that was set so often in vain is left as it is: its memory wears out
SAVED: Final = "Everything is saved and will leave by itself."


class Patience(NamedTuple):
    """In seconds. A radio that is well again is in service within `start` + `pause_max` + its own start, at worst.

    That is where it became well just after an attempt began that hangs, and the longest pause follows.
    """

    start: float = 25.0  # from the start of the process until the radio is in service
    ask: float = 5.0  # between two questions
    answer: float = 15.0  # without any answer of the device
    pause_min: float = 1.0
    pause_max: float = 10.0
    settle: float = 8.0  # what a device takes to begin anew with other settings
    parting: float = 2.0  # for the packet at hand, when we leave


class Due(Enum):
    """What the watch wants done now."""

    NOTHING = auto()
    START = auto()
    ASK = auto()
    GIVE_UP = auto()


class Watch:
    """The watch over one radio: resting, starting or in service."""

    def __init__(self, patience: Patience) -> None:
        self.in_service = False
        self.node = 0  # the device's own number; 0 before one was heard
        self.swaps = 0  # how often another device answered than before
        self._patience = patience
        self._settings = 0  # how often this device was set since it last was in service
        self._pause_s = patience.pause_min
        self.is_resting = True
        self._due_s = 0.0  # when to start, or when patience ends
        self._ask_s = 0.0

    @property
    def settable(self) -> bool:
        """Whether the device may be given our settings."""
        return self._settings < SETTINGS_MAX

    def due(self, now_s: float) -> Due:
        """What to do now; starting and asking are then taken as done."""
        if now_s >= self._due_s:
            if not self.is_resting:
                return Due.GIVE_UP
            self.is_resting, self._due_s = False, now_s + self._patience.start
            return Due.START
        if self.in_service and now_s >= self._ask_s:
            self._ask_s = now_s + self._patience.ask
            return Due.ASK
        return Due.NOTHING

    def rest_s(self, now_s: float) -> float:
        """Seconds until something may be due."""
        return max(0.0, (min(self._due_s, self._ask_s) if self.in_service else self._due_s) - now_s)

    def ready(self, node: int, now_s: float, *, insists: bool = False) -> None:
        """The device is in service. One that `insists` on a setting of its own is not set again each time it is met."""
        self._meet(node)
        self.in_service = True
        self._settings = self._settings if insists else 0
        self._pause_s = self._patience.pause_min
        self._ask_s = now_s + self._patience.ask
        self.answered(now_s)

    def answered(self, now_s: float) -> None:
        """The device gave an answer."""
        if self.in_service:
            self._due_s = now_s + self._patience.answer

    def changed(self, node: int, now_s: float) -> None:
        """The device was given our settings: look again when it has begun anew."""
        self._meet(node)
        self._settings += 1
        self._rest(self._patience.settle, now_s)

    def lost(self, now_s: float) -> None:
        """The process ended or was ended: rest, longer each time, and start anew."""
        self._rest(self._pause_s, now_s)
        self._pause_s = min(2 * self._pause_s, self._patience.pause_max)

    def unfit(self, node: int, now_s: float) -> None:
        """The device keeps other settings than ours. Looked at again after the longest pause; another one may be set."""
        self._meet(node)
        self._rest(self._patience.pause_max, now_s)

    def _meet(self, node: int) -> None:
        if self.node not in (0, node):
            self.swaps += 1
            self._settings = 0
        self.node = node

    def _rest(self, pause_s: float, now_s: float) -> None:
        self.in_service, self.is_resting = False, True
        self._due_s = now_s + pause_s


def at_first(device: str) -> str:
    """Return what is told before the radio answered for the first time."""
    return f"The radio at {device} has not answered yet. {SAVED}"


def being_set(device: str) -> str:
    """Return what is told while the radio begins anew with our settings."""
    return f"The radio at {device} was set up for this street and is starting. {SAVED}"


def sentence(fault: Fault, misfits: Misfit, device: str, wanted: dict[Misfit, str]) -> str:
    """Return what the keeper is told: what is wrong, and what to do. `wanted` names our settings."""
    return f"{_FAULTS.get(fault, '').format(device=device) or _unfit(misfits, device, wanted)} {SAVED}"


def _unfit(misfits: Misfit, device: str, wanted: dict[Misfit, str]) -> str:
    names = " and ".join(name for misfit, name in wanted.items() if misfit & misfits)
    return f"The radio at {device} cannot be set to {names}. Set it with Meshtastic's own app, or use another radio."


_FAULTS: Final = {
    Fault.ABSENT: "There is no radio at {device}. Plug the radio into a USB port, or see that it has power.",
    Fault.SILENT: "The radio at {device} does not answer and is tried again. If this stays, unplug it and plug it in again.",
    Fault.LEFT: "The radio at {device} went away and is tried again. If this stays, look at its cable and its power.",
    Fault.BROKEN: "The radio at {device} could not be used and is tried again. If this stays, try another radio.",
    Fault.CROWDED: "The radio at {device} needed too much memory and is started again.",
}
