"""When to ask again, and what an answer to heads is."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from mesh.asking import Asking
from mesh.gossip import Timing
from mesh.keys import PUBLIC
from tests.mesh.test_gossip import settled


def test_two_who_do_not_hear_each_other_do_not_ask_in_step_for_ever() -> None:
    """Both lack the same and are heard by one: where their rounds began together, the pauses part them."""
    islands_ = [Asking(Timing(), Random(seed)) for seed in range(2)]
    rounds = []
    for one in islands_:
        one.asked(0.0, 1200.0)
        moments = [one.at]
        for _ in range(8):
            assert one.at is not None
            one.asked(one.at, 1200.0)
            moments.append(one.at)
        rounds.append(moments)
    apart = [abs(here - there) for here, there in zip(*rounds, strict=True) if here and there]
    assert sum(distance > 1.0 for distance in apart) >= len(apart) - 1
    assert all(later - sooner <= 1500.0 for sooner, later in pairwise(rounds[0]) if sooner and later)


def test_heads_are_answered_with_what_their_sender_lacks() -> None:
    air, (a, b) = settled(2)
    log = a.holdings.write("one", "two")
    air.stir()
    air.run(60, air.agree)
    air.hears = lambda hearer, speaker: False
    a.holdings.write("three")
    air.stir()
    air.run(120)
    dialogue = b.engine._dialogues[PUBLIC]
    said = [heads.encode() for heads in dialogue._branches.heads()]
    air.hears = lambda hearer, speaker: True
    for packet in said:
        a.receive("b", packet, air.now)
    air.stir()
    air.run(12)
    assert b.frontier().height(log) == a.frontier().height(log)
