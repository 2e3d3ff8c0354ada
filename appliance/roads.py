"""One road and its engine: what is heard goes in, what is due goes out, within this station's share of the air."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from appliance.ailing import Ailing, Findings
from appliance.air import Air
from appliance.air_note import AirNote
from appliance.errors import SettingsFault
from appliance.settings import FILE_NAME, LoopbackRoad, LoraRoad, MqttRoad, Settings
from appliance.settings import Road as SettingsRoad
from appliance.texts import Letter, Line, Texts
from appliance.urgency import urgency
from mesh.addresses import Address, Announcement
from mesh.airform import node_handle
from mesh.distress import Crier, Distress
from mesh.effects import DeliverCall, Effect, Send
from mesh.errors import AirtimeSpent, Malformed, PeerFault, TransportDown
from mesh.gossip import Engine
from mesh.governor import Governor, Priority
from mesh.holdings import Holdings
from mesh.keys import NodeId, Scope, channel_key_for, written
from mesh.log import Run
from mesh.mending import PARTS_AT_ONCE
from mesh.timing import Timing
from mesh.transports import Heard, Inbox, Transport
from mesh.transports.loopback import LoopbackRadio
from mesh.transports.lora import Channel, LoraRadio
from mesh.transports.lora_pipe import TextBy
from mesh.transports.mqtt import MqttRoad as Broker

FLOOD: Final = "packets beyond a peer's allowance"  # the engine's counter
COMPLAIN_S: Final = 60.0  # how often the keeper is told anew of packets that were of no use
NEWCOMER_S: Final = 3600.0
NEWCOMER: Final = "Another radio is plugged in than before. It was set up for this street and is in service."
OPENS_MIN_S: Final = 0.1
PATIENCE_S: Final = 60.0  # longest sleep of a road, so that a wrong estimate never silences it


class Named(Inbox):
    """The daemon's inbox under the road's own name, for two roads may be of one kind."""

    def __init__(self, inbox: Inbox, road: str) -> None:
        super().__init__()
        self._inbox = inbox
        self._road = road

    def put(self, heard: Heard) -> bool:
        return self._inbox.put(heard._replace(road=self._road))


@dataclass
class Road:
    """A transport and the engine that speaks on it. Each time the medium is reached anew, a fresh engine begins.

    `speed` is how many seconds pass on this road in one of ours: not 1 for a simulated radio only.
    """

    name: str
    transport: Transport
    node: NodeId
    holdings: Holdings
    region: str
    speed: float = 1.0
    ticks: Callable[[], float] = time.monotonic
    note: AirNote | None = None  # where it stands what was used of this hour
    announced: Callable[[], Mapping[NodeId, Address]] = (
        dict  # where neighbours on this road say that their pages answer
    )
    line: Line | None = None  # the transport, where it carries texts as well

    def __post_init__(self) -> None:
        self.state = 0  # how this node's power stands, which its beacons tell
        self.counters: Counter[str] = Counter()
        self._governor = Governor(self.region)
        self._engine: Engine | None = None
        self._connections = 0
        self._wake = 0.0
        self._may_say = max(Priority)
        self._told = Air()
        self._is_radio = self.transport.airtime_ms(1) > 0
        self._full_ms = self.transport.airtime_ms(self.transport.packet_size_max)
        if self.note and self._is_radio:
            self.note.recall(self._governor, self.now())
        self._faults = 0
        self._useless = 0
        self._swaps = 0
        self._own_us = 0
        self._crier = Crier(node_handle(self.node), SystemRandom())
        self._texts = Texts()
        self._newcomer_until = self.ticks()
        self._complaint = ""
        self._ailing = Ailing()
        self._complain_at = self.ticks()

    def now(self) -> float:
        """Return monotonic seconds as they pass on this road."""
        return self.ticks() * self.speed

    def receive(self, heard: Heard) -> list[Effect]:
        """Return what follows from one packet; nothing from one that breaks the rules, which is counted."""
        engine = self._reached()
        if engine is None:
            return []
        self._governor.hear(self.transport.airtime_ms(len(heard.packet)), self.now())
        self._crier.met(heard.peer, self.now())
        try:
            effects = engine.receive(heard.peer, heard.packet, self.now())
        except PeerFault as fault:
            self._blame(fault)
            return []
        self._plan(engine)
        for effect in effects:
            if isinstance(effect, DeliverCall):
                self._crier.heard(effect.call, effect.peer, self.now())
        return effects

    def refused(self, peer: str, fault: PeerFault, run: Run | None) -> None:
        """Learn that the node's door turned away what `peer` brought: this run, or something else."""
        self._blame(fault)
        if self._engine:
            self._engine.refused(peer, fault, run)

    def _blame(self, fault: PeerFault) -> None:
        self.counters[type(fault).__name__] += 1
        self._faults += 1

    def speak(self, news: bool) -> list[Effect]:
        """Send what is due, or what `news` in the store makes worth saying. Returns what is not for the road to do."""
        engine = self._reached()
        self._charge_radio()
        if engine is None or (not news and self.now() < self._wake):
            return []
        least = self._least()
        if least is None:
            return []
        self._may_say = least
        engine.presence.state = self.state
        effects = engine.tick(self.now(), least, self._room)
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
        self._plan(engine)
        return [effect for effect in effects if not isinstance(effect, Send)]

    # --- calls and texts

    def follow_calls(self, calls: Sequence[Distress]) -> None:
        """Say these calls for help from now on, and no others."""
        self._crier.follow(calls, self.now())

    def speak_up(self) -> None:
        """Say what waits for no window, and for no share of the air: calls for help, and one text to a phone."""
        if self._reached() is None or self.transport.trouble is not None:
            return
        self._charge_radio()
        self._governor.settle(self.transport.waiting, self.now())
        for call in self._crier.due(self.now()):
            self._send(Send(call.encode(), Priority.DISTRESS))
        self._say_text()

    def take_texts(self) -> list[TextBy]:
        """Return what people wrote to this node by this road."""
        return self.line.take_texts() if self.line else []

    def write(self, letter: Letter) -> None:
        """Say a text when its turn comes; nothing where no phone listens."""
        if self.line:
            self._texts.put(letter, self.ticks())

    def _say_text(self) -> None:
        letter = self._texts.due(self.ticks())
        if letter is None or self.line is None:
            return
        text, now = letter.text.encode(), self.now()
        cost = self.line.text_airtime_ms(len(text), is_sealed=bool(letter.key))
        try:
            self._hold_back(cost, now, letter.priority)
            self.line.say(text, letter.to, letter.key, letter.hops)
            self._governor.spend(cost, now, letter.priority)
            self._texts.said(self.ticks())
        except TransportDown:
            self.counters["texts held back"] += 1  # it stays until there is room, or until it is of no use

    def rest_s(self) -> float:
        """Return after how many of our seconds this road wants to speak."""
        # A call cannot leave while the medium is away: without this the daemon would turn without a pause until it is back.
        wake = self._wake if self.transport.trouble else min(self._wake, self._crier.at)
        return max(0.0, (wake - self.now()) / self.speed) if self._engine else PATIENCE_S

    def states(self) -> dict[bytes, int]:
        """Return what neighbours heard lately say of themselves, by their handles, where it is not that all is well."""
        heard = self._engine.neighbours.recent(self.now()) if self._engine else ()
        return {one.handle: one.state for one in heard if one.state}

    def take_air(self) -> Air:
        """Return what was spent since the last call: what the radio took, not what was offered to it."""
        if not self._is_radio:
            return Air()
        counted = self.transport.counters
        sent = (counted["sent_air_us"] + counted["own_air_us"]) // 1000, counted["sent_packets"], counted["sent_bytes"]
        heard = round(self._governor.heard_ms()), counted["heard_packets"], counted["heard_bytes"]
        told, self._told = self._told, Air(*sent, *heard, tuple(map(round, self._governor.taken_ms().values())))
        return self._told - told

    def close(self) -> None:
        """Leave the medium, and write down what was used."""
        self.transport.close()
        if self.note and self._is_radio and self._connections:
            self._governor.settle(self.transport.waiting, self.now())
            self.note.write(self._governor.note(self.now()), self.now())

    def complaint(self) -> str:
        """Return what to tell the keeper of packets that were of no use lately; "" where there were none.

        The first is told at once, and from then on it is looked at once a minute: a flood must not wear out the card.
        """
        useless = self._count_useless()
        if self.ticks() >= self._complain_at and (useless != self._useless or self._complaint):
            new, self._useless = useless - self._useless, useless
            faults = self._engine.faults if self._engine else {}
            loudest = f", the most by {max(faults, key=lambda peer: faults[peer].total())}" if faults else ""
            packets = "1 packet" if new == 1 else f"{new} packets"
            self._complaint = f"{packets} could not be used in the last minute{loudest}." if new else ""
            self._complain_at = self.ticks() + COMPLAIN_S
        return self._complaint

    def ailing(self) -> Findings | None:
        """Return what is newly wrong between this node and others; None most of the time."""
        return self._ailing.look(self._engine, self.ticks()) if self._engine else None

    def remarks(self) -> str:
        """Return all that the keeper should know of a road that is up; "" where all is well."""
        return " ".join(remark for remark in (self._newcomer(), self.complaint()) if remark)

    def _newcomer(self) -> str:
        """Tell for a while that another radio is plugged in than before."""
        swaps = self.transport.counters["swaps"]
        if swaps != self._swaps:
            self._swaps, self._newcomer_until = swaps, self.ticks() + NEWCOMER_S
        return NEWCOMER if self.ticks() < self._newcomer_until else ""

    def _count_useless(self) -> int:
        """Return how many packets were not in the form of the road or the engine, broke a rule, or came in a flood."""
        heard = self.transport.counters
        return self._faults + self._flood() + heard["garbage"] + heard["oversize"] + heard["dropped"]

    def _flood(self) -> int:
        return self._engine.counters[FLOOD] if self._engine else 0

    def _reached(self) -> Engine | None:
        """Return the engine once the medium was reached. What one knew of neighbours before a break is out of date."""
        connections = self.transport.counters["connections"]
        if connections != self._connections:
            self._connections = connections
            self._faults += self._flood()
            timing = Timing() if self._is_radio else Timing.for_ip()
            size = self.transport.packet_size_max
            self._engine = Engine(self.node, self.holdings, size, SystemRandom(), timing, rank=urgency)
            self._wake = self.now()
        return self._engine

    def _least(self) -> Priority | None:
        """Return the least urgent of which a full packet fits into this hour's share.

        Where nothing fits, nothing is composed: there will be newer to say.
        """
        self._governor.settle(self.transport.waiting, self.now())
        least = self._governor.least(self._full_ms, self.now())
        if least is None:
            self._wake = self.now() + min(self._governor.wait_s(self._full_ms, self.now()), PATIENCE_S)
        return least

    def _room(self, priority: Priority) -> int:
        """Return how many full packets of this priority fit into this hour's share."""
        if not self._is_radio:
            return PARTS_AT_ONCE
        return self._governor.packets(self._full_ms, self.now(), priority)

    def _charge_radio(self) -> None:
        """Charge what the radio said by itself, which asked nobody."""
        spent_us = self.transport.counters["own_air_us"]
        if spent_us > self._own_us:
            self._governor.charge((spent_us - self._own_us) / 1000, self.now())
            self._own_us = spent_us

    def _send(self, send: Send) -> None:
        cost, now = self.transport.airtime_ms(len(send.packet)), self.now()
        try:
            self._hold_back(cost, now, send.priority)
            self.transport.send(send.packet)
            self._governor.spend(cost, now, send.priority)
        except AirtimeSpent:
            self.counters["held_back"] += 1  # the store keeps what it said; it is said again when there is room
        except TransportDown:
            self.counters["down"] += 1

    def _hold_back(self, cost: float, now: float, priority: Priority) -> None:
        """Raises AirtimeSpent where this must not be said now."""
        if cost > self._governor.room_ms(now, priority) or not self._is_noted(cost, now, priority):
            raise AirtimeSpent("the share of the air is spent")

    def _is_noted(self, cost: float, now: float, priority: Priority) -> bool:
        """Whether a power cut could not make this packet forgotten; only distress is said where the card takes no note."""
        if self.note is None or not self._is_radio or not self._governor.must_note(cost):
            return True
        if self.note.write(self._governor.note(now, cost), now):
            self._governor.noted(cost)
            return True
        return priority is Priority.DISTRESS

    def _plan(self, engine: Engine) -> None:
        opens = max(self._governor.opens_s(self._full_ms, self.now(), self._may_say), OPENS_MIN_S)
        self._wake = self.now() + min(engine.next_wake(self.now()), opens, PATIENCE_S)


def make_roads(settings: Settings, node: NodeId, holdings: Holdings) -> list[Road]:
    """Return the roads of the settings, not yet open. Raises `SettingsFault` where one cannot be made."""
    roads: list[Road] = []
    for number, wanted in enumerate(settings.roads):
        try:
            transport = _transport(settings, wanted, node, holdings)
        except ValueError as fault:
            raise SettingsFault(f"{settings.data / FILE_NAME}: roads[{number}] cannot be used: {fault}.") from fault
        alike = sum(road.transport.road == transport.road for road in roads)
        name = f"{transport.road}-{alike + 1}" if alike else transport.road
        speed = 1.0 if isinstance(wanted, MqttRoad) else wanted.speed
        note = AirNote(settings.data / f"air-{name}.note")
        road = Road(name, transport, node, holdings, settings.region, speed, note=note)
        if isinstance(transport, Broker):
            road.announced = transport.announced
        if isinstance(transport, LoraRadio):
            road.line = transport
        roads.append(road)
    return roads


def _transport(settings: Settings, wanted: SettingsRoad, node: NodeId, holdings: Holdings) -> Transport:
    commons = holdings.scopes()[-1]
    if isinstance(wanted, LoopbackRoad):
        host, _, port = wanted.ether.rpartition(":")
        return LoopbackRadio((host.strip("[]"), int(port)), written(node), wanted.preset)
    if isinstance(wanted, LoraRoad):
        return LoraRadio(wanted.device, _channel(settings.region, wanted, commons, holdings), signs=wanted.signs)
    station = wanted.username or written(node)
    password = _first_line(settings.data / wanted.password_file) if wanted.password_file else ""
    ca_file = str(settings.data / wanted.ca_file) if wanted.ca_file else None
    portal = own_address(settings)
    told = Announcement(node, portal) if portal else None
    return Broker(wanted.host, wanted.port, commons.hex(), station, station, password, ca_file, announcement=told)


def own_address(settings: Settings) -> Address | None:
    """Return where neighbour nodes reach the pages, if that can be told to them: http, and no place of the wide internet."""
    try:
        return Address.parse(settings.address.lower())
    except Malformed:
        return None


def _channel(region: str, wanted: LoraRoad, commons: Scope, holdings: Holdings) -> Channel:
    epoch_key = holdings.epoch_key(commons)
    if epoch_key is None:
        raise ValueError("a radio needs the key of a commons, and this node has none")
    return Channel(region, wanted.preset, wanted.channel, channel_key_for(epoch_key, commons), wanted.port)


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsFault(f"The password in {file} cannot be read. Put it there as one line of text.") from fault
