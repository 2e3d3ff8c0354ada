"""Packets over an MQTT broker: topics, sessions and rights as mesh/spec/mqtt-v1.md tells. The only user of paho.

MQTT 5, QoS 1, and a session that the broker keeps while this node is away: what the broker has accepted arrives once it
and the listener are back. A thread of our own does paho's reading and writing, as its documentation tells for event loops:
paho's own thread cannot be ended in bounded time.
"""

from __future__ import annotations

import re
import ssl
import struct
import time
from collections import Counter
from select import select
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt import properties
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from mesh.addresses import Address, Announcement
from mesh.errors import Malformed, TransportDown
from mesh.keys import NodeId
from mesh.transports import STATION_NAME, Bell, Heard, Inbox, checked_packet, checked_station, fresh_counters

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

PACKET_SIZE_MAX: Final = 8192
KEEPALIVE_S: Final = 30
CONNECT_WITHIN_S: Final = 5.0
ANSWER_WITHIN_S: Final = 10.0
PAUSE_MIN_S: Final = 1.0
PAUSE_MAX_S: Final = 30.0
STEADY_AFTER_S: Final = 10.0  # a connection this old was a good one: the next pause is short again
PARTING_MAX_S: Final = 2.0
REST_MAX_S: Final = 1.0  # between looks at the keepalive
SESSION_S: Final = 86_400
UNCONFIRMED_MAX: Final = 64  # packets that the broker has not confirmed yet; paho sends them again after a break

ANNOUNCED_MAX: Final = 256  # stations whose pages are remembered

COMMONS_HANDLE: Final = re.compile(r"[0-9a-f]{2,64}")

# What paho 2.1 lets through when a broker's bytes are no MQTT: it unpacks them as they come. Its own exception has
# moved between versions, but each has it in this module.
BROKEN: Final[tuple[type[Exception], ...]] = (
    vars(properties)["MQTTException"],
    struct.error,
    ValueError,
    LookupError,
)
WRONG_CREDENTIALS: Final = ("Bad user name or password", "Not authorized")


class MqttRoad:
    """The road "mqtt": one node's place on a broker, in one commons."""

    road = "mqtt"

    def __init__(  # noqa: PLR0913, PLR0917 - the settings of one place on one broker, given by name
        self,
        host: str,
        port: int,
        commons: str,
        station: str,
        username: str,
        password: str,
        tls_ca: str | None = None,
        packet_size_max: int = PACKET_SIZE_MAX,
        announcement: Announcement | None = None,
    ) -> None:
        """`commons` is the handle of the scope in hex; `tls_ca` a file of certificates to trust, None for no TLS.

        `announcement` is told to all others: where this node's pages answer.
        """
        if not host or not 0 < port < 65536:
            raise ValueError(f"no broker can be at host {host!r}, port {port}")
        if not COMMONS_HANDLE.fullmatch(commons):
            raise ValueError(f"{commons!r} is no handle of a commons: 2 to 64 hex digits")
        self.packet_size_max = packet_size_max
        self.counters: Counter[str] = fresh_counters("retained", "announced")
        self._address = (host, port)
        self._station = checked_station(station)
        self._topics = f"hedgerow/{commons}/gossip/"
        self._portals = f"hedgerow/{commons}/portal/"
        self._announcement = announcement
        self._announced: dict[str, Announcement] = {}
        self._tls_ca = tls_ca
        self._secured = False
        self._trouble: str | None = self._sentence("has not answered yet")
        self._turned_away = False  # by this connection's broker, who said why
        self._closing = Event()
        self._inbox = Inbox()
        self._bell: Bell | None = None
        self._client = self._new_client(username, password)
        self._thread: Thread | None = None

    @property
    def trouble(self) -> str | None:
        """Why this road carries nothing just now, in a sentence for the keeper; None while it does."""
        return self._trouble

    @property
    def waiting(self) -> int:
        """Nothing waits for air here."""
        return 0

    def open(self, inbox: Inbox) -> None:
        """Begin to listen, and to reach the broker for as long as it takes; returns at once."""
        self._inbox = inbox
        self._bell = Bell()
        self._thread = Thread(target=self._run, args=(self._bell,), name="mqtt", daemon=True)
        self._thread.start()

    def send(self, packet: bytes) -> None:
        """Hand `packet` to the broker's keeping. Raises TransportDown while it is away or does not keep up."""
        checked_packet(packet, self.packet_size_max)
        if self._trouble is not None:
            raise TransportDown(self._trouble)
        taken = self._client.publish(self._topics + self._station, packet, qos=1)
        if taken.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            raise TransportDown(self._sentence("does not keep up"))
        self.counters["sent_packets"] += 1
        self.counters["sent_bytes"] += len(packet)

    def airtime_ms(self, packet_size: int) -> float:  # noqa: ARG002 - the same question is asked of every road
        """0.0: a wire is no commons of air."""
        return 0.0

    def announced(self) -> dict[NodeId, Address]:
        """Return where the others say that their pages answer: hearsay, for any thread to ask."""
        return {one.node: one.address for one in self._announced.copy().values()}

    def close(self) -> None:
        """Leave the broker; it keeps our session. Waits for a connection attempt in progress, at most some seconds."""
        self._trouble = self._trouble or self._sentence("is not used any more")
        self._closing.set()
        if self._thread is not None and self._bell is not None:
            self._bell.ring()
            self._thread.join()
            self._bell.close()

    def _sentence(self, what: str) -> str:
        host, port = self._address
        return f"The broker at {host}:{port} {what}. Everything is saved and will leave by itself."

    def _new_client(self, username: str, password: str) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._station, protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(username, password)
        client.connect_timeout = CONNECT_WITHIN_S
        client.max_queued_messages_set(UNCONFIRMED_MAX)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_socket_register_write = self._on_register_write
        return client

    def _run(self, bell: Bell) -> None:
        pause_s = PAUSE_MIN_S
        while not self._closing.is_set():
            began_s = time.monotonic()
            self._converse(bell)
            if time.monotonic() - began_s > STEADY_AFTER_S:
                pause_s = PAUSE_MIN_S
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
        left = self._client.socket()
        if left is not None:
            left.close()

    def _converse(self, bell: Bell) -> None:
        """One connection from its beginning to its end."""
        if not self._secure():
            return
        try:
            self._connect()
            self._turn(bell)
        except ssl.SSLCertVerificationError:
            self._trouble = self._sentence(f"shows a certificate that {self._tls_ca} does not vouch for")
        except OSError as fault:
            self._trouble = self._sentence(f"cannot be reached ({fault.strerror or fault})")
        except BROKEN:
            self.counters["garbage"] += 1
            self._trouble = self._sentence("does not speak MQTT")

    def _secure(self) -> bool:
        """Read the certificates to trust, once; False where they cannot be read yet."""
        if self._tls_ca is None or self._secured:
            return True
        try:
            context = ssl.create_default_context(cafile=self._tls_ca)
        except OSError as fault:
            self._trouble = self._sentence(f"cannot be trusted: {self._tls_ca} does not open ({fault.strerror})")
            return False
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself: one rule on card and desk
        self._client.tls_set_context(context)
        self._secured = True
        return True

    def _connect(self) -> None:
        self._turned_away = False
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = SESSION_S
        # Twice ours, so that what is somewhat too large is counted here; anything larger the broker keeps back.
        wishes.MaximumPacketSize = 2 * self.packet_size_max + 1024
        self._client.connect(*self._address, keepalive=KEEPALIVE_S, clean_start=False, properties=wishes)

    def _turn(self, bell: Bell) -> None:
        """Read and write until the connection ends, and end it when closing or when the broker does not answer."""
        began_s = time.monotonic()
        parting_s: float | None = None
        while (broker := self._client.socket()) is not None:
            now_s = time.monotonic()
            unanswered = self._trouble is not None and now_s - began_s > ANSWER_WITHIN_S
            if parting_s is None and (unanswered or self._closing.is_set()):
                parting_s = now_s
                self._client.disconnect()
            if parting_s is not None and now_s - parting_s > PARTING_MAX_S:
                return
            self._exchange(broker, bell)

    def _exchange(self, broker: SocketLike, bell: Bell) -> None:
        """Wait until there is something to read or to write, a second at most, and do it."""
        hidden = isinstance(broker, ssl.SSLSocket) and broker.pending() > 0  # read already, where no select looks
        readers: list[SocketLike | Bell] = [broker, bell]
        writers = [broker] if self._client.want_write() else []
        readable, writable, _ = select(readers, writers, [], 0.0 if hidden else REST_MAX_S)
        if bell in readable:
            bell.hush()
        if hidden or broker in readable:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()

    def _on_register_write(self, *_: object) -> None:
        """Somebody published: with this callback, paho leaves the writing to our thread, which may be asleep."""
        if self._bell is not None:
            self._bell.ring()

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._turned_away = reason.is_failure
        if str(reason) in WRONG_CREDENTIALS:
            self._trouble = self._sentence("does not accept the name and password of this node")
        elif reason.is_failure:
            self._trouble = self._sentence(f"turns this node away ({reason})")
        else:
            options = SubscribeOptions(qos=1, noLocal=True)
            client.subscribe([(self._topics + "+", options), (self._portals + "+", options)])

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons[:1]):  # a broker of earlier days keeps its portals to itself
            self._turned_away = True
            self._trouble = self._sentence("does not let this node listen to its commons")
        elif not self._closing.is_set():
            self._trouble = None
            self.counters["connections"] += 1
            self._announce()

    def _announce(self) -> None:
        """Leave word for whoever comes later."""
        if self._announcement:
            self._client.publish(self._portals + self._station, self._announcement.encode(), qos=1, retain=True)

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if not self._turned_away:
            said = f" and said: {reason}" if flags.is_disconnect_packet_from_server else ""
            self._trouble = self._sentence(f"has hung up{said}")

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self.counters["refused"] += reason.is_failure

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        portal = self._peer(message, self._portals)
        if portal is not None:
            self._note_portal(portal, bytes(message.payload))
            return
        peer = self._peer(message, self._topics)
        if message.retain:  # gossip is of the moment; a kept packet is an old one
            self.counters["retained"] += 1
        elif peer is None or not message.payload:
            self.counters["garbage"] += 1
        elif len(message.payload) > self.packet_size_max:
            self.counters["oversize"] += 1
        elif peer != self._station:
            self._hear(Heard(self.road, peer, bytes(message.payload)))

    def _note_portal(self, station: str, said: bytes) -> None:
        """Remember what a station says of its pages; nothing it says can cost more than a visit in vain."""
        try:
            found = Announcement.parse(said) if said else None
        except Malformed:
            self.counters["garbage"] += 1
            return
        known = self._announced.pop(station, None)
        if found and station != self._station and len(self._announced) < ANNOUNCED_MAX:
            self._announced[station] = found
            self.counters["announced"] += found != known

    def _peer(self, message: MQTTMessage, topics: str) -> str | None:
        """Whose topic it is; None where the topic is none of this road."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return None
        peer = topic.removeprefix(topics)
        return peer if peer != topic and STATION_NAME.fullmatch(peer) else None

    def _hear(self, heard: Heard) -> None:
        self.counters["heard_packets"] += 1
        self.counters["heard_bytes"] += len(heard.packet)
        if not self._inbox.put(heard):
            self.counters["dropped"] += 1
