"""How much a device says by itself, counted from its own reports."""

from __future__ import annotations

from mesh.transports.lora_tally import Tally


def test_what_we_handed_over_is_not_the_devices_own() -> None:
    tally = Tally()
    assert tally.own(100, 0.0) == 0, "the first report tells where to count from"
    tally.handed += 10
    assert tally.own(112, 900.0) == 2
    assert tally.own(112, 1800.0) == 0


def test_what_still_waits_in_the_device_is_counted_once() -> None:
    tally = Tally()
    tally.own(100, 0.0)
    tally.handed += 10
    assert tally.own(104, 900.0) == 0, "six of ours wait, and maybe it said some itself"
    assert tally.own(113, 1800.0) == 3


def test_a_report_that_cannot_be_true_is_left_out() -> None:
    tally = Tally()
    tally.own(100, 0.0)
    assert tally.own(2**32 - 1, 900.0) == 0
    assert tally.own(5, 1800.0) == 0, "and lower numbers than before are no news"
