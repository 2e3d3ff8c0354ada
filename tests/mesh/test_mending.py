"""Engines that mend for each other while packets are lost, repeated, late, and forged."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.errors import PeerFault
from mesh.packet import Kind, Packet, Part, PartsWant, parse
from mesh.reassembly import BYTES_MAX, MESSAGES_MAX
from tests.mesh.islands import Air, Island, MemoryHoldings, node_key


class Meddler:
    """Says again what was said, later and changed: other bytes, other rows, other shapes, wants for more."""

    def __init__(self, air: Air, share: float, seed: int) -> None:
        self._air, self._share, self._dice = air, share, Random(seed)

    def __call__(self, hearer: str, speaker: str, packet: bytes) -> bool:
        if speaker != "liar" and self._dice.random() < self._share:
            late = self._air.now + self._dice.uniform(0.1, 20.0)
            self._air.say("liar", self._changed(packet), late)
        return False

    def _changed(self, packet: bytes) -> bytes:
        try:
            part = parse(packet)
        except PeerFault:
            return packet
        if not isinstance(part, Part):
            return packet
        other = self._dice.randbytes(len(part.content))
        changed: list[Packet] = [
            part,
            Part(part.message, part.row, part.last, other),
            Part(part.message, self._dice.randrange(256), part.last, part.content),
            Part(part.message, part.row, self._dice.randint(1, 30), part.content),
            PartsWant(part.message, self._dice.randint(1, 128)),
        ]
        return self._dice.choice(changed).encode()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.05, 0.15]))
def test_all_come_to_hold_the_same_whatever_is_mixed_in(seed: int, loss: float, share: float) -> None:
    found = [Island("abcd"[number], MemoryHoldings(node_key(number + 1)), seed) for number in range(4)]
    air = Air(*found, loss=loss, seed=seed)
    air.run(60)
    dice = Random(seed)
    air.drops = Meddler(air, share, seed)
    found[0].holdings.write(*[dice.randbytes(40) for _ in range(25)])
    found[1].holdings.write(*[dice.randbytes(40) for _ in range(25)])
    air.stir()
    air.run(1200, air.agree)
    air.drops = lambda hearer, speaker, packet: False
    air.run(7200, air.agree)
    assert air.agree()
    assert air.kinds(60.0)[Kind.PART] > 0
    for island in found:
        assert island.refusals == []
        assert len(island.engine._mending._heard) <= MESSAGES_MAX
        assert island.engine._mending._repairs.size <= BYTES_MAX
