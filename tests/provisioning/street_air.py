"""The street without its air: a node and phones in network namespaces, with what a card runs between them.

The node's side is what the card's own files say: its firewall, its names and addresses, its pages. A bridge called wlan0 stands
for the access point; it keeps the phones apart as hostapd's `ap_isolate` does. Phones get their address by a real DHCP client.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from provisioning import street_side
from provisioning.first_boot import give_birth
from provisioning.taken import Card
from tests.provisioning.seeds import WIFI, sow
from tests.street.waiting import wait_until

CHECKOUT: Final = Path(__file__).parents[2]
CARD: Final = CHECKOUT / "provisioning/recipe/root/etc"
ADDRESS: Final = "10.77.0.1"
LEASED: Final = """#!/bin/sh
# What a phone does with the lease it got.
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
ip route replace default via "$router"
for one in $dns; do echo "nameserver $one"; done > /etc/resolv.conf
env | grep -E '^(ip|mask|router|dns|lease|opt114|domain|hostname|serverid)=' > "$TOLD"
"""
LISTEN: Final = """
import selectors, socket, sys
doors = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    doors.register(socket.create_server(("", port)), selectors.EVENT_READ)
while True:
    for door, _ in doors.select():
        door.fileobj.accept()[0].close()
"""
WORLD, ROUTER, STREET_IN_THE_HOUSE = "8.8.4.4", "192.168.7.1", "192.168.7.7"
SERVE: Final = """
import http.server, socket
class World(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204 if self.path == "/generate_204" else 200)
        self.send_header("Location", "the world, to " + self.client_address[0])
        self.end_headers()
door = socket.create_server(("", 443))
http.server.ThreadingHTTPServer(("", 80), World).serve_forever()
"""
TMPFS_ON_RUN: Final = 'mount -t tmpfs tmpfs /run && mkdir /run/hedgerow-names && exec "$@"'


def run(*words: str | Path, code: int | None = 0, within_s: float = 60) -> str:
    """Run a program of this machine; return what it printed."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=within_s, check=False)
    assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


class Place:
    """One network namespace and what runs in it."""

    def __init__(self, room: Path, name: str) -> None:
        self.name = f"hedgerow-{name}-{os.getpid()}"
        self.room = room / name
        self.room.mkdir()
        self._running: list[subprocess.Popen[bytes]] = []
        self.names = Path("/etc/netns") / self.name
        self.names.mkdir(parents=True)
        (self.names / "resolv.conf").touch()
        run("ip", "netns", "add", self.name)
        self.ip("link set lo up")

    def ip(self, words: str) -> str:
        return run("ip", "-n", self.name, *words.split())

    def within(self, *words: str | Path, code: int | None = 0, within_s: float = 60) -> str:
        return run("ip", "netns", "exec", self.name, *words, code=code, within_s=within_s)

    def start(self, *words: str | Path, **place: str) -> subprocess.Popen[bytes]:
        """Start a program here, ended with this place at the latest."""
        with (self.room / "said.log").open("ab") as said:
            one = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *map(str, words)],
                cwd=CHECKOUT,
                env=os.environ | place,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self._running.append(one)
        return one

    def listen(self, *ports: int) -> None:
        """Let a program take whoever comes to these ports, on every address."""
        self.start(sys.executable, "-I", "-c", LISTEN, *map(str, ports))
        wait_until("the doors are open", lambda: f":{ports[-1]} " in self.within("ss", "-Hltn"), 20, self.said)

    def said(self) -> str:
        return (self.room / "said.log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def end(self) -> None:
        for one in self._running:
            one.kill()
            one.wait(10)
        run("ip", "netns", "delete", self.name, code=None)
        shutil.rmtree(self.names, ignore_errors=True)


class Phone(Place):
    """A neighbour's phone on the street's WiFi."""

    lease: dict[str, str]
    joined_s: float

    def join(self) -> None:
        """Ask for an address as phones do, and live with it."""
        began_s = time.monotonic()
        script, told = self.room / "leased", self.room / "lease"
        script.write_text(LEASED, encoding="ascii")
        script.chmod(0o755)
        words = ("udhcpc", "-n", "-q", "-f", "-t", "10", "-T", "1", "-O", "114", "-i", "phone0", "-s", script)
        self.within("env", f"TOLD={told}", *words)
        self.joined_s = time.monotonic() - began_s
        self.lease = dict(line.split("=", 1) for line in told.read_text(encoding="ascii").splitlines())

    def browser(self) -> Path:
        """Return a program that is Chromium in this phone."""
        program = self.room / "chromium"
        program.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} /usr/bin/chromium "$@"\n', encoding="ascii")
        program.chmod(0o755)
        return program

    def ask(self, *questions: Sequence[Any]) -> list[dict[str, Any]]:
        """Ask what `tests.provisioning.on_a_phone` can ask; return the answers, each with the seconds it took."""
        words = (sys.executable, CHECKOUT / "tests/provisioning/on_a_phone.py", json.dumps(questions))
        return list(json.loads(self.within(*words, within_s=180)))


class Node(Place):
    """The street's side of one node, as its card would start it."""

    def __init__(self, room: Path, **wifi: Any) -> None:
        super().__init__(room, "node")
        self.data = self.room / "data/node"
        give_birth(Card(sow(self.room / "seed", wifi={**WIFI, **wifi}).parent, self.data))
        self.ip("link add wlan0 type bridge")
        self.ip("link set wlan0 up")
        self.ip(f"address add {street_side.ADDRESS}/22 dev wlan0")
        street_side.lay(self.data, self.room)
        self.guard()
        names = (
            "dnsmasq",
            "--keep-in-foreground",
            f"--conf-file={self.room}/dnsmasq.conf",
            "--user=root",
            "--pid-file",
        )
        self.start("sh", "-c", TMPFS_ON_RUN, "sh", *names, "--log-facility=-")
        self.portal = self.start_portal()

    def start_forwarder(self) -> None:
        """Start what asks the world for names, where the keeper shares the way there."""
        words = (
            "dnsmasq",
            "--keep-in-foreground",
            f"--conf-file={self.room}/internet.conf",
            "--user=root",
            "--pid-file",
        )
        on_run = f'mount -t tmpfs tmpfs /run && ln -s {self.uplink} /run/hedgerow-uplink && exec "$@"'
        self.start("sh", "-c", on_run, "sh", *words, "--log-facility=-")

    @property
    def uplink(self) -> Path:
        return self.room / "uplink"

    def take_cable(self) -> None:
        """Set what networkd would, of what DHCP told."""
        self.ip(f"address add {STREET_IN_THE_HOUSE}/24 dev eth0")
        self.ip("link set eth0 up")
        self.ip(f"route add default via {ROUTER}")

    def learn(self, *names: str, shared_by: str = "internet.conf") -> None:
        """Tell it, as networkd does, whom the cable named to be asked for names; the card's own script does the rest."""
        self.uplink.mkdir(exist_ok=True)
        state = self.room / "state"
        state.write_text(
            f"OPER_STATE=routable\nDNS={' '.join(names)}\n" if names else "OPER_STATE=degraded\n", encoding="ascii"
        )
        told = "".join(f"nameserver {name}\n" for name in names if "%" not in name)
        (self.names / "resolv.conf").write_text(told, encoding="ascii")  # on a card a link to what the script lays
        self.look_beyond(shared_by)
        assert told in (self.uplink / "resolv.conf").read_text(encoding="ascii")

    def look_beyond(self, shared_by: str = "internet.conf") -> str:
        """Look where the cable leads, as the card does now and then; return what the doctor is told."""
        script = CHECKOUT / "systemd/lead-on"
        self.within("env", f"SHARED_BY={self.room / shared_by}", script, self.room / "state", self.uplink)
        return (self.uplink / "way").read_text(encoding="ascii").strip()

    def start_portal(self, **place: str) -> subprocess.Popen[bytes]:
        (self.room / "run").mkdir(exist_ok=True)
        place |= {"RUNTIME_DIRECTORY": str(self.room / "run")}
        return self.start(sys.executable, "-m", "webui", "--data", self.data, **place)

    def restart_portal(self, **place: str) -> None:
        """Kill it, as the kernel does where memory runs out, and start it as systemd would."""
        self.portal.send_signal(signal.SIGKILL)
        self.portal.wait(10)
        self.portal = self.start_portal(**place)

    def guard(self) -> None:
        """Load the card's rules."""
        self.within("nft", "-f", CARD / "nftables.conf")

    def let_in(self, phone: Phone) -> None:
        """Bring a phone into the air of this node."""
        port = f"air{phone.room.name}"
        self.ip(f"link add {port} type veth peer name phone0 netns {phone.name}")
        phone.ip("link set phone0 up")
        self.ip(f"link set {port} master wlan0 up")
        run("bridge", "-n", self.name, "link", "set", "dev", port, "isolated", "on")


class House(Place):
    """What lies beyond a cable: a house's router at 192.168.7.1, and behind it one server that is the whole world."""

    def __init__(self, room: Path) -> None:
        super().__init__(room, "house")
        self.ip(f"address add {WORLD}/32 dev lo")
        self.start(sys.executable, "-I", "-c", SERVE)

    def plug_in(self, namespace: str) -> None:
        """Lay the cable to a node's network namespace, where it is called eth0. Addresses are given there, names answered."""
        self.ip(f"link add lan0 type veth peer name eth0 netns {namespace}")
        self.ip(f"address add {ROUTER}/24 dev lan0")
        self.ip("link set lan0 up")
        names = (f"--address=/#/{WORLD}", f"--address=/printer.house/{ROUTER}", "--local=/#/", "--local-ttl=300")
        self.names_of_the_world = self.start(
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file", "--no-resolv"),
            *("--no-hosts", "--interface=lan0", "--bind-dynamic", *names, "--dhcp-authoritative", "--no-ping"),
            *(f"--dhcp-range={STREET_IN_THE_HOUSE},{STREET_IN_THE_HOUSE}", f"--dhcp-leasefile={self.room}/leases"),
        )

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Its own line is cut: the router stands, and whoever asks it for a name waits."""
        self.names_of_the_world.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.names_of_the_world.send_signal(signal.SIGCONT)

    def pull(self) -> None:
        """Take the cable away again."""
        self.names_of_the_world.kill()
        self.names_of_the_world.wait(10)
        self.ip("link delete lan0")


def wait_for_pages(phone: Phone, node: Node) -> None:
    """Wait until the pages answer a phone."""
    question = ("http", "GET", f"http://{ADDRESS}/healthz")
    wait_until("the pages answer", lambda: phone.ask(question)[0].get("status") == 200, 30, node.said)
