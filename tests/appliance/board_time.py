"""A board whose clock may be wrong, restarted and lied to, as `Upkeep` treats it."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.clock import Clock
from appliance.timekeeping import BUILT_AT, YEAR_S, Hint, Kept, stepped, with_floor, with_hint


@dataclass
class Board:
    """`truth`: what time it is; `kept`: what the node knows over every start."""

    truth: int = BUILT_AT + YEAR_S
    wall_off: int = 0
    uptime: int = 0
    kept: Kept = field(default_factory=Kept)
    hints: tuple[Hint, ...] = ()

    def now(self) -> int:
        at = self.truth + self.wall_off
        return Clock(wall=lambda: at, ticks=lambda: self.uptime, kept=lambda: self.kept).now()

    def look(self) -> None:
        board = Hint("board", self.truth + self.wall_off - self.uptime)
        self.kept = with_floor(stepped(self.kept, (*self.hints, board), self.uptime), self.uptime)

    def passes(self, seconds: int) -> None:
        self.truth += seconds
        self.uptime += seconds

    def starts(self, wall: int) -> None:
        self.kept, self.hints, self.uptime = Kept(self.kept.floor), (), 0
        self.wall_off = wall - self.truth

    def hears(self, source: str, off: int) -> None:
        self.hints = with_hint(self.hints, Hint(source, self.truth + off - self.uptime))
