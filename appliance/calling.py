"""Calls for help and paired phones, as the node tells of them: plain values for pages."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.answers import Account


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help."""

    id: str
    author: Account
    level: str  # "danger", "help", "watch"; "over" where it was taken back
    words: str
    at: int  # seconds since 1970 by the author's clock, 0 where it was unsure
    left_s: int  # how long it is still shown
    may_end: bool

    @property
    def is_over(self) -> bool:
        return self.level == "over"


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that is paired with a member. `id` is the hex of its public key, `short` how people tell it from another."""

    id: str
    short: str
