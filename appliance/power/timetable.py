"""When a node that saves power talks to its neighbours: all of them at the same time, without a word about it.

The windows lie on the clock (the first five minutes of each half hour), so neighbours whose clocks agree within a minute or two
meet without arranging anything. Who does not know the time is woken by ear: whoever is heard is awake, so a window opens then.
"""

from __future__ import annotations

from typing import Final

from appliance.power.ladder import Step

WINDOW_S: Final = 300
PERIOD_S: Final = 1800


def is_open(step: Step, wall: int, since_heard_s: float | None) -> bool:
    """Whether to talk now. `wall`: seconds since 1970, 0 where nobody knows; `since_heard_s`: None before anybody was heard."""
    if step < Step.TIMETABLE:
        return True
    by_clock = wall > 0 and wall % PERIOD_S < WINDOW_S
    return by_clock or (since_heard_s is not None and since_heard_s < WINDOW_S)
