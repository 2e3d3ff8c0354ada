"""Nodes that do not keep the rules. They hear and talk as all others, and nothing holds them back but physics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mesh import canonical
from mesh.airform import NODE_HANDLE_SIZE, SHORT_DIGEST_SIZE, AirRecord, AirRun, Form, Parcel, node_handle, scope_handle
from mesh.brief import Beacon
from mesh.distress import HEAD as CALL
from mesh.distress import Distress, Level
from mesh.errors import PeerFault
from mesh.keys import SIGNATURE_SIZE
from mesh.log import Run
from mesh.packet import Delivery, parse
from mesh.simulation.air import Air
from mesh.simulation.clock import Clock
from mesh.simulation.dice import Dice, choice, pause
from mesh.simulation.scenario import Malice
from mesh.simulation.truth import Branch, Penman, Truth

HEARD_MAX: Final = 200
EVERY_S: Final = {Malice.REPLAY: 60.0, Malice.GARBAGE: 90.0, Malice.EQUIVOCATION: 1200.0, Malice.FLOOD: 1800.0}
FLOOD_SIZE: Final = 16
FLIPS_MAX: Final = 4


class Rogue:
    """One hostile node. `branches` are two of one log, for the one that says different things to different people."""

    def __init__(self, number: int, malice: Malice, air: Air, clock: Clock, dice: Dice) -> None:
        self._number = number
        self._malice = malice
        self._air = air
        self._clock = clock
        self._dice = dice
        self._heard: deque[bytes] = deque(maxlen=HEARD_MAX)
        self._heard_calls = False
        self._branches: tuple[Branch, ...] = ()
        self._truth: Truth | None = None
        self._penman: Penman | None = None

    def take(self, branches: tuple[Branch, ...], truth: Truth, penman: Penman) -> None:
        """Get two branches of one log to write in."""
        self._branches, self._truth, self._penman = branches, truth, penman

    def start(self, until: float) -> None:
        """Begin, and go on until the faults end."""
        self._air.switch_on(self._number)
        moment = pause(self._dice, EVERY_S[self._malice])
        while moment < until:
            self._clock.at(moment, self._ACTS[self._malice], self)
            moment += pause(self._dice, EVERY_S[self._malice])

    def hear(self, packet: bytes) -> None:
        """Keep a packet for later use."""
        self._heard.append(packet)
        self._heard_calls |= packet.startswith(CALL)

    def _replay(self) -> None:
        if self._heard:
            self._air.offer(self._number, choice(self._dice, self._heard))

    def _litter(self) -> None:
        makers = (self._noise, self._flipped, self._forged, self._forged, *([self._false_call] * self._heard_calls))
        packet = choice(self._dice, makers)()
        if packet:
            self._air.offer(self._number, packet)

    def _noise(self) -> bytes:
        return self._dice.randbytes(1 + int(self._dice.random() * 200))

    def _flipped(self) -> bytes | None:
        """Return something overheard, with a few bytes changed."""
        if not self._heard:
            return None
        packet = bytearray(choice(self._dice, self._heard))
        for _ in range(1 + int(self._dice.random() * FLIPS_MAX)):
            packet[int(self._dice.random() * len(packet))] = int(self._dice.random() * 256)
        return bytes(packet)

    def _forged(self) -> bytes | None:
        """Return overheard records with another text, or one more on top, well formed under a worthless signature."""
        parcels = [said.parcel for packet in self._heard if isinstance(said := _understood(packet), Delivery)]
        if not parcels:
            return None
        parcel = choice(self._dice, parcels)
        run = choice(self._dice, parcel.runs)
        core, text = run.records[-1].core, canonical.encode("I owe you nothing")
        lie = AirRecord(Form.DERIVED, core, b"", text)
        if self._dice.random() < 1 / 2:
            forged = AirRun(run.handle, run.upto, (lie,), 1, self._dice.randbytes(SIGNATURE_SIZE))
        else:
            forged = replace(run, records=(*run.records[:-1], lie))
        return self._limited(Delivery(replace(parcel, runs=(forged,))).encode())

    def _false_call(self) -> bytes | None:
        """Return an overheard call that says something else, of somebody else, or is of another age."""
        calls = [said for packet in self._heard if isinstance(said := _understood(packet), Distress)]
        if not calls:
            return None
        call, other = choice(self._dice, calls), choice(self._dice, calls)
        lies = (
            replace(call, words="all is well"),
            replace(call, level=Level.OVER),
            replace(call, turn=call.turn + 1),
            replace(call, caller=other.caller._replace(person=call.caller.person + 1)),
            replace(call, age=call.life),
            replace(call, age=0),
        )
        return choice(self._dice, lies).encode()

    def _limited(self, packet: bytes) -> bytes | None:
        return packet if len(packet) <= 231 else None

    def _equivocate(self) -> None:
        """Write into one of the two branches, and tell whoever listens just now."""
        if not self._truth or not self._penman:
            return
        branch = choice(self._dice, self._branches)
        after = branch.certified
        for recipe in self._penman.compose(self._number, int(self._clock.now)):
            self._truth.write(branch, recipe)
        branch.certify()
        checkpoint = branch.checkpoints[branch.certified]
        run = Run(branch.log, after, tuple(branch.records[after:]), checkpoint.previous, checkpoint.signature)
        names = (scope_handle(self._truth.scope), node_handle(branch.opening.node))
        air = AirRun.pack(run, self._truth.epoch_key)
        packet = self._limited(Delivery(Parcel(*names, self._dice.randbytes(SHORT_DIGEST_SIZE), (air,))).encode())
        if packet:
            self._air.offer(self._number, packet)

    def _flood(self) -> None:
        """Talk without a pause, half of it under invented names."""
        for turn in range(FLOOD_SIZE):
            sender = self._dice.randbytes(NODE_HANDLE_SIZE)
            public, commons = (self._dice.randbytes(SHORT_DIGEST_SIZE) for _ in range(2))
            self._air.offer(self._number, Beacon(sender, public, commons).encode() if turn % 2 else self._noise())

    _ACTS: Final[dict[Malice, Callable[[Rogue], None]]] = {
        Malice.REPLAY: _replay,
        Malice.GARBAGE: _litter,
        Malice.EQUIVOCATION: _equivocate,
        Malice.FLOOD: _flood,
    }


def _understood(packet: bytes) -> object:
    try:
        return parse(packet)
    except PeerFault:
        return None
