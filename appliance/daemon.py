"""The gossip loop: what neighbours say goes through the node's door, what the node holds goes out on its roads.

It commits, then speaks: engines see the node through its holdings, which are what is safe on the card. The loop notices
what the pages wrote by asking the database whether somebody changed it, once a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event
from typing import Final

from appliance import radio_switch
from appliance.air import Air, uses
from appliance.answers import NEEDS_A_HAND
from appliance.doctor import calls_for_a_hand
from appliance.errors import StoreFault
from appliance.looking import Looker
from appliance.node import Node
from appliance.power import timetable
from appliance.power.ladder import Step
from appliance.roads import Named, Road
from appliance.voice import Voice
from mesh.addresses import Address
from mesh.effects import (
    Deliver,
    DeliverAside,
    DeliverCall,
    DeliverFile,
    DeliverForkProof,
    DeliverPiece,
    Effect,
    PeerHolds,
)
from mesh.errors import PeerFault
from mesh.keys import NodeId
from mesh.transports import Inbox

LOOK_S: Final = 1.0  # how often the store and the switch are looked at
AIR_S: Final = 60.0
TIME_S: Final = 60.0
PLIGHT_S: Final = 3600.0
HEARD_S: Final = 600.0
GREETING_S: Final = 5.0  # a road that was just opened may take so long to be reached before it counts as down
RETRY_S_MIN: Final = 5.0
RETRY_S_MAX: Final = 60.0
OFF: Final = "The keeper has switched the roads off."

LOG: Final = logging.getLogger("hedgerow.gossip")


class Daemon:
    """One node's talk on all its roads. `make_roads` is asked again each time the switch is turned on."""

    def __init__(
        self, node: Node, make_roads: Callable[[], Sequence[Road]], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._node = node
        self._make_roads = make_roads
        self._ticks = ticks
        self._inbox = Inbox()
        self._roads: dict[str, Road] = {}
        self._is_on: bool | None = None  # None before the switch was looked at
        self._seal_at: float | None = ticks()  # what an earlier run left unsealed must not wait
        self._news = True
        self._air_at = ticks() + AIR_S
        self._air = Air()
        self._heard_at = ticks() + HEARD_S
        self._noted: dict[str, tuple[str | None, str]] = {}
        self._greeted_at = ticks()
        self._looker = Looker(node, ticks)
        self._time_at = ticks()
        self._plight = 0
        self._plight_at = ticks()
        self._states: dict[bytes, int] | None = None
        self._step = node.power_step()
        self._woken_at: float | None = None
        self._speaks = True
        self._withheld = False  # news that waits for the next window
        self._voice = Voice(node, ticks)

    def run(self, ending: Event, alive: Callable[[], None] = lambda: None) -> None:
        """Gossip until `ending` is set. A store that cannot be used is tried again, ever more slowly.

        `alive` is called after each round: at least every `RETRY_S_MAX` seconds, and whatever a round takes.
        """
        retry = RETRY_S_MIN
        while not ending.is_set():
            alive()
            try:
                self._inbox.wait(self.step())
                retry = RETRY_S_MIN
            except StoreFault as fault:
                LOG.error("%s Trying again in %.0f s.", fault, retry)
                ending.wait(retry)
                self._inbox.drain()
                retry = min(2 * retry, RETRY_S_MAX)
        with suppress(StoreFault):
            self.close()
        self._looker.end()

    def step(self) -> float:
        """Do all that is due; return for how many seconds there is nothing to do. Raises `StoreFault`."""
        self._look_at_switch()
        for heard in self._inbox.drain():
            self._woken_at = self._ticks()
            if road := self._roads.get(heard.road):
                self._carry_out(road, road.receive(heard))
        if self._node.changed():
            self._news = True
            self._step = self._node.power_step()
        self._tend()
        self._voice.tend(self._roads.values(), self._news)
        if self._step < Step.ECONOMY:
            self._looker.tend()
        self._talk()
        self._note_air()
        self._look_around()
        return self._rest_s()

    def _talk(self) -> None:
        """Speak on every road; while power is saved, in the windows that all neighbours keep."""
        silent_s = None if self._woken_at is None else self._ticks() - self._woken_at
        self._speaks = timetable.is_open(self._step, self._node.clock.now(), silent_s)
        self._withheld |= self._news
        for road in self._roads.values():
            road.state = self._step or self._plight
            if self._speaks:
                self._carry_out(road, road.speak(self._withheld))
            self._note_road(road)
        self._news = False
        self._withheld &= not self._speaks

    def announced(self) -> dict[NodeId, Address]:
        """Return where neighbours say that their pages answer. Any thread may ask."""
        return {node: address for road in self._roads.copy().values() for node, address in road.announced().items()}

    def close(self) -> None:
        """Leave every road, and only then note what was spent: a radio may take its last packet while we leave."""
        left, self._roads = self._roads, {}
        for road in left.values():
            road.close()
        self._keep_air(list(left.values()))

    def _look_at_switch(self) -> None:
        is_on = radio_switch.is_on(self._node.settings.data)
        if is_on == self._is_on:
            return
        self._node.finish_arrivals()
        self._is_on = is_on
        roads = {road.name: road for road in self._make_roads()}
        self._node.keep_roads(roads)
        if is_on:
            self._roads = roads
            for road in self._roads.values():
                road.transport.open(Named(self._inbox, road.name))
            self._greeted_at = self._ticks() + GREETING_S
        else:
            self.close()
            self._noted = {}
            for name in roads:
                self._node.note_road(name, False, OFF)

    def _carry_out(self, road: Road, effects: Sequence[Effect]) -> None:
        for effect in effects:
            try:
                self._take_in(road, effect)
            except PeerFault as fault:
                peer = effect.peer if isinstance(effect, Deliver | DeliverAside | DeliverCall) else ""
                road.refused(peer, fault, effect.run if isinstance(effect, Deliver) else None)

    def _take_in(self, road: Road, effect: Effect) -> None:
        match effect:
            case Deliver(_, run):
                if self._node.accept(run).new:
                    self._news = True
                    self._node.hear_time(run)
            case DeliverAside(_, run, head):
                self._node.accept_aside(run, head)
            case DeliverPiece(blob, index, content):
                self._node.accept_piece(blob, index, content)
            case DeliverFile(blob, content):
                self._node.accept_file(blob, content)
            case DeliverCall(_, call):
                self._voice.heard(road, call)
            case DeliverForkProof(proof):
                self._news |= self._node.accept_fork_proof(proof)
            case PeerHolds(handle, scope, heights, is_heard):
                self._node.peer_holds(road.name, handle, scope, heights, is_heard)
            case _:
                raise AssertionError(f"an engine asked for {type(effect).__name__} outside its turn to speak")

    def _tend(self) -> None:
        """Do what is due in the store. What this node wrote waits a moment for company before it is sealed."""
        if self._news:
            self._node.do_duties()
            if self._seal_at is None and self._is_unsealed():
                self._seal_at = self._ticks() + self._node.settings.gossip.batch_s
        if self._seal_at is not None and self._ticks() >= self._seal_at:
            self._news |= self._node.seal()
            self._seal_at = None

    def _is_unsealed(self) -> bool:
        own = (self._node.own_log(scope) for scope in self._node.scopes())
        return any(log.height > log.certified for log in own)

    def _note_road(self, road: Road) -> None:
        trouble, complaint = road.transport.trouble, road.remarks()
        if found := road.ailing():
            self._node.note_unwell(road.name, found)
        if (trouble and self._ticks() < self._greeted_at) or self._noted.get(road.name) == (trouble, complaint):
            return
        self._noted[road.name] = (trouble, complaint)
        if road.line is not None and trouble is None:
            self._node.note_radio(f"!{road.line.node:08x}")
        self._node.note_road(road.name, trouble is None, trouble or complaint)
        if trouble or complaint:
            LOG.warning("%s: %s", road.name, trouble or complaint)

    def _note_air(self) -> None:
        if self._ticks() < self._air_at:
            return
        self._air_at = self._ticks() + AIR_S
        self._keep_air(list(self._roads.values()))

    def _look_around(self) -> None:
        if self._ticks() >= self._time_at:
            self._time_at = self._ticks() + TIME_S
            self._ask_radios_for_time()
            self._node.look_at_time()
            self._news |= self._node.look_at_moon() is not None
            self._step = (
                self._node.power_step()
            )  # a watch that tells no more is believed for an hour, and changes nothing here
            self._hear_states()
        if self._ticks() >= self._plight_at:
            self._plight_at = self._ticks() + PLIGHT_S
            self._plight = NEEDS_A_HAND if calls_for_a_hand(self._node) else 0

    def _ask_radios_for_time(self) -> None:
        """Take what a radio's clock says as one hint: its satellites may have set it, or its owner's phone."""
        for road in self._roads.values():
            if road.line is not None and road.line.clock_epoch is not None:
                self._node.hint_time("radio", road.line.clock_epoch + int(self._ticks()))

    def _hear_states(self) -> None:
        states = {handle: state for road in self._roads.values() for handle, state in road.states().items()}
        if states != self._states:
            self._states = states
            self._node.note_states(states)

    def _keep_air(self, roads: Sequence[Road]) -> None:
        """Write down what was said since the last time; what was only heard can wait, for the card's sake."""
        for road in roads:
            self._air += road.take_air()
        is_heard_long = self._air.heard_packets and self._ticks() >= self._heard_at
        if self._air.packets or is_heard_long or not self._roads:
            if self._air != Air():
                self._node.note_air(uses(self._air))
            self._air = Air()
            self._heard_at = self._ticks() + HEARD_S

    def _rest_s(self) -> float:
        until_seal = max(0.0, self._seal_at - self._ticks()) if self._seal_at is not None else LOOK_S
        return min(LOOK_S, until_seal, *(road.rest_s() for road in self._roads.values() if self._speaks))
