"""What the node says to people who have only a phone app, and how calls for help reach all its roads."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.calling import Call
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.roads import Road
from appliance.textdoor.cutting import SIZE_MAX, clip
from appliance.textdoor.sentences import Alarm, Said
from appliance.texts import Letter
from mesh.alarms import Hearing
from mesh.distress import Distress
from mesh.governor import Priority
from mesh.transports.lora_pipe import TextBy

CRY_AFTER_S: Final = (0.0, 120.0, 600.0)
OVER_TIMES: Final = 2  # texts to everybody are not acknowledged, and two radios that speak at once drown each other
CRY_HOPS: Final = 3  # for this strangers' radios are asked to help: it is what the air is a commons for
LOOK_S: Final = 5.0
SEEN_MAX: Final = 64
UNANSWERED_MAX: Final = 32  # the oldest goes: by then its sender has long asked again
TRIES_MAX: Final = 12  # the daemon waits longer each time the store fails, so this is some ten minutes


class Outcry:
    """Calls that were raised at this node, as texts for everybody's phone: at once, after two minutes and after ten.

    That it is over is said at once and after two minutes. A restart says a call that lives once more. Times: monotonic seconds.
    """

    def __init__(self, name: str, ticks: Callable[[], float]) -> None:
        self._name = name
        self._ticks = ticks
        self._begun: dict[str, tuple[float, int]] = {}  # by call: when it was first seen, and how often it was said

    def due(self, calls: Iterable[Call]) -> Iterator[str]:
        """Yield what is to be said now of these calls."""
        own = {call.id: call for call in calls if call.author.is_here}
        self._begun = {known: begun for known, begun in self._begun.items() if known in own}
        for name, call in own.items():
            began, times = self._begun.setdefault(name, (self._ticks(), 0))
            wanted = OVER_TIMES if call.is_over else len(CRY_AFTER_S)
            if times < wanted and self._ticks() - began >= CRY_AFTER_S[times]:
                self._begun[name] = (began, times + 1)
                yield self._text(call)

    def _text(self, call: Call) -> str:
        form = Alarm.WHOLE if call.words else Alarm.WORDLESS
        level = Alarm[call.level.upper()].value
        return clip(form.value.format(level=level, words=call.words, name=call.author.name, node=self._name), SIZE_MAX)


@dataclass(slots=True)
class Unanswered:
    """A text that came by a road. What it asks for is done once: a payment has its own code, a call is known by its words."""

    road: Road
    text: TextBy
    tries: int = 0


class Voice:
    """One for the daemon; `tend` is called in each of its rounds.

    A text is answered when what it asks for is on the card. Where the store fails, it waits and is read again.
    """

    def __init__(self, node: Node, ticks: Callable[[], float]) -> None:
        self._node = node
        self._ticks = ticks
        self._outcry = Outcry(node.name, ticks)
        self._seen: OrderedDict[tuple[bytes, int], None] = OrderedDict()  # texts that were answered
        self._unanswered: deque[Unanswered] = deque(maxlen=UNANSWERED_MAX)
        self._look_at = ticks()

    def tend(self, roads: Iterable[Road], news: bool) -> None:
        """Answer what people wrote, and see to the calls. Raises `StoreFault`, after all that could be done was done."""
        roads = list(roads)
        fault = self._read(roads)
        if news or self._ticks() >= self._look_at:
            self._look_at = self._ticks() + LOOK_S
            calls = self._node.calls_on_air()
            for road in roads:
                road.follow_calls(calls)
            for cry in self._outcry.due(self._node.calls() if calls else ()):
                for road in roads:
                    road.write(Letter(cry, hops=CRY_HOPS, priority=Priority.DISTRESS))
        for road in roads:
            road.speak_up()
        if fault:
            raise fault

    def heard(self, road: Road, call: Distress) -> None:
        """Take in a call that came by `road`. Raises `PeerFault` where it was forged."""
        hearing = self._node.accept_call(call)
        road.counters[f"calls {hearing.value}"] += 1
        if hearing is Hearing.NEWS:
            self._look_at = self._ticks()

    def _read(self, roads: Iterable[Road]) -> StoreFault | None:
        """Answer what was written; return why something could not be answered yet."""
        for road in roads:
            self._unanswered.extend(Unanswered(road, text) for text in road.take_texts() if self._is_new(road, text))
        waiting, fault = list(self._unanswered), None
        self._unanswered.clear()
        for one in waiting:
            try:
                self._answer(one.road, one.text)
            except StoreFault as met:
                fault = met
                self._put_back(one)
        return fault

    def _is_new(self, road: Road, text: TextBy) -> bool:
        """Whether to answer a text: once, however often a mesh brings it. What nobody's key has sealed is nobody's word."""
        if not text.key:
            road.counters["open texts"] += 1
            return False
        if (text.key, text.packet) in self._seen:
            return False
        self._seen[text.key, text.packet] = None
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return True

    def _put_back(self, one: Unanswered) -> None:
        one.tries += 1
        if one.tries < TRIES_MAX:
            self._unanswered.append(one)
        else:
            one.road.counters["texts given up"] += 1
            one.road.write(Letter(Said.CARD_FAILS.value, one.text.talker, one.text.key, one.text.hops))

    def _answer(self, road: Road, text: TextBy) -> None:
        for answer in self._node.text(text.key, text.text.decode("utf-8", "replace")):
            road.write(Letter(answer, text.talker, text.key, text.hops))
