"""The card's system, whole, with its real units: born from a seed, looked at by a phone, hurt, and cut from its power."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

from tests.provisioning.street_air import ROUTER, WORLD, House
from tests.provisioning.twin import ADDRESS, Twin, build
from tests.street.waiting import wait_until
from webui.probes import PROBES

HERE: Final = Path(__file__).parent
BACK_WITHIN_S: Final = 15.0
PORTAL: Final = "hedgerow-portal.service"
ASK: Final = """
import http.client, json, sys
from urllib.parse import urlsplit

def asked(method, url):
    place = urlsplit(url)
    line = http.client.HTTPConnection(place.hostname, place.port or 80, timeout=20)
    line.request(method, place.path or "/", headers={"Host": place.netloc})
    answer = line.getresponse()
    return [answer.status, answer.getheader("Location", ""), answer.getheader("Cache-Control", ""), answer.read().decode()]

def answered(method, url):
    try:
        return asked(method, url)
    except OSError as fault:
        return [0, "", "", str(fault)]

print(json.dumps([answered(method, url) for method, url in json.loads(sys.argv[1])]))
"""
REFUSED: Final = """
import socket, sys, time
for host, port in (("www.gstatic.com", 443), ("198.51.100.7", 443), ("1.1.1.1", 853), ("10.77.0.1", 22)):
    began = time.monotonic()
    try:
        socket.create_connection((host, port), 10)
    except ConnectionRefusedError:
        assert time.monotonic() - began < 3, (host, port)
        continue
    sys.exit(f"{host}:{port} was not refused")
print(*{found[4][0] for found in socket.getaddrinfo("captive.apple.com", 80, type=socket.SOCK_STREAM)})
"""

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """The twin, running."""
    room = tmp_path_factory.mktemp("twin")
    one = Twin(room, build(room))
    try:
        one.join()
        one.start()
        yield one
    finally:
        one.cut()
        one.part()


def asked(twin: Twin, *questions: tuple[str, str]) -> list[tuple[int, str, str, str]]:
    return [tuple(answer) for answer in json.loads(twin.phone(ASK, json.dumps(questions)))]


def is_well(twin: Twin) -> bool:
    ((status, *_),) = asked(twin, ("GET", f"http://{ADDRESS}/healthz"))
    return status == 200


def test_it_runs_and_nothing_failed(twin: Twin) -> None:
    assert twin.inside("systemctl", "--failed", "--no-legend", "--plain") == ""
    assert twin.state() == "running"
    for unit in ("portal", "gossip", "names"):
        assert twin.inside("systemctl", "is-active", f"hedgerow-{unit}.service") == "active"
        assert twin.inside("systemctl", "show", "--value", "--property=NRestarts", f"hedgerow-{unit}.service") == "0"


def test_services_are_told_which_start_it_is(twin: Twin) -> None:
    """They do not see the kernel's own file; what was agreed before this start must not be taken for new."""
    boot = twin.inside("cat", "/proc/sys/kernel/random/boot_id").replace("-", "")
    for unit in ("portal", "gossip"):
        assert f"HEDGEROW_BOOT={boot}" in twin.inside(
            "systemctl", "show", "--value", "--property=Environment", f"hedgerow-{unit}.service"
        )


def test_a_phone_finds_the_street(twin: Twin) -> None:
    home, health, poster = asked(
        twin, ("GET", "http://hedge.lan/"), ("GET", "http://hedge.lan/healthz"), ("HEAD", "http://hedge.lan/poster")
    )
    assert (home[0], health[0], poster[0]) == (200, 200, 200)
    assert "Elm Corner" in home[3]


def test_every_probe_is_led_to_the_poster(twin: Twin) -> None:
    places = sorted({(host, path) for probe in PROBES for host in probe.hosts for path in probe.paths})
    urls = [*(f"http://{host}{path}" for host, path in places), "http://198.51.100.1/", "http://203.0.113.9/a"]
    questions = [(method, url) for url in urls[:-2] for method in ("GET", "HEAD")]
    for (method, url), answer in zip(questions, asked(twin, *questions), strict=True):
        assert answer[:3] == (302, "http://hedge.lan/poster", "no-store"), (method, url)
    assert [answer[0] for answer in asked(twin, *(("GET", url) for url in urls[-2:]))] == [200, 404]


def test_all_else_is_refused_at_once_and_ipv6_has_no_answer(twin: Twin) -> None:
    assert twin.phone(REFUSED) == ADDRESS


def test_its_name_is_told_by_multicast_too(twin: Twin) -> None:
    """hedge.local, by the real avahi: for phones and laptops that ask all around instead of a server of names."""
    (answer,) = json.loads(
        twin.phone((HERE / "on_a_phone.py").read_text("utf-8"), json.dumps([["mdns", "hedge.local"]]))
    )
    assert [row[2] for row in answer["answers"]] == [ip_address(ADDRESS).packed.hex()]
    (page,) = asked(twin, ("GET", "http://hedge.local/"))
    assert page[0] == 200


def test_a_cable_is_for_the_node_and_phones_stay(twin: Twin, tmp_path: Path) -> None:
    """By the real networkd and its file of state, the unit that waits for it, and a router that knows the world's names."""
    house = House(tmp_path)
    try:
        house.plug_in(twin.namespace)
        wait_until(
            "the cable's names", lambda: ROUTER in twin.inside("cat", "/etc/resolv.conf", code=None), 60, twin.told
        )
        assert twin.inside("python3", "-c", "import socket; print(socket.gethostbyname('broker.example'))") == WORLD
        ((status, place, *_),) = asked(twin, ("GET", "http://captive.apple.com/hotspot-detect.html"))
        assert (status, place) == (302, "http://hedge.lan/poster")
        twin.inside("mount", "-o", "remount,bind,rw", "/proc/sys")  # a board's kernel settings are no container's
        shared = "/run/hedgerow-network/internet.conf"  # is there where the keeper's seed says so
        for words, code in ((("touch", shared), 204), (("rm", shared), 302)):
            twin.inside(*words)
            twin.inside("systemctl", "start", "hedgerow-uplink.service")
            assert asked(twin, ("GET", f"http://{WORLD}/generate_204"))[0][0] == code
            assert twin.inside("cat", "/run/hedgerow-uplink/way") == ("open" if code == 204 else "none")
        house.pull()
        wait_until("they are gone", lambda: ROUTER not in twin.inside("cat", "/etc/resolv.conf"), 60, twin.told)
    finally:
        house.end()
    assert twin.state() == "running"


def test_nothing_secret_stays_where_any_laptop_reads(twin: Twin) -> None:
    folder = twin.open / "hedgerow"
    assert (folder / "STATUS.txt").read_bytes().startswith(b"READY. Elm Corner is a node of Elm Street.")
    on_the_card = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"bread,and:roses" not in on_the_card
    assert b"471100" not in on_the_card


def looked_at(twin: Twin) -> bytes:
    """Return what the doctor lays on the card; empty while it can say nothing of the road, which has just begun."""
    twin.inside("systemctl", "start", "hedgerow-doctor.service")
    told = (twin.open / "hedgerow/STATUS.txt").read_bytes()
    return b"" if b"No road was used yet" in told else told


def test_what_needs_a_hand_is_laid_where_any_laptop_reads(twin: Twin) -> None:
    """The twin has no WiFi chip: its doctor says so on the open part, once, and the part is shut again."""
    told = wait_until("its road was tried", lambda: looked_at(twin), 60, twin.told)
    assert told.startswith(b"READY. Elm Corner is a node of Elm Street.")
    assert b"NEEDS A HAND:" in told
    assert b"- wifi: this board shows no WiFi chip." in told
    written = (twin.open / "hedgerow/STATUS.txt").stat().st_mtime_ns
    twin.inside("systemctl", "start", "hedgerow-doctor.service")
    assert (twin.open / "hedgerow/STATUS.txt").stat().st_mtime_ns == written


def test_a_wish_for_a_card_reaches_who_may_write_one_and_leaves_nothing(twin: Twin) -> None:
    """The twin runs from no card, so it cannot be copied: the page is told, and what was wished is gone."""
    wish, note = "/run/hedgerow-portal/next-card", "/run/hedgerow-next-card/progress.json"
    wifi, keeper = "wifi: {name: Oak, passphrase: long enough, country: DE}", "keeper: {name: Mara, pin: '8642'}"
    seed = f"name: Oak\ncommons: Hill\n{wifi}\n{keeper}\n"
    steps = f"install -d -m 700 -o hedgerow {wish}.part && printf '%s' \"$1\" > {wish}.part/node.yaml && mv {wish}.part {wish}"
    twin.inside("sh", "-c", steps, "sh", seed)
    wait_until("the wish is seen to", lambda: "failed" in twin.inside("cat", note, code=None), 60, twin.told)
    wait_until("it is gone", lambda: twin.inside("ls", "/run/hedgerow-portal") == "", 30, twin.told)
    assert '"why": "' in twin.inside("cat", note)


def test_no_key_was_in_the_image(twin: Twin) -> None:
    seed = (twin.data / "node/node.key").read_text(encoding="ascii").strip()
    assert len(seed) == 64
    names = {path.name for path in twin.system.rglob("*") if path.is_file() and "key" in path.name}
    assert not {name for name in names if name.endswith("node.key") or name.startswith("ssh_host")}


def test_the_list_of_packages_is_whole(twin: Twin) -> None:
    lines = (twin.system / "usr/share/hedgerow/packages.tsv").read_text(encoding="utf-8").splitlines()
    listed = {line.split("\t")[0]: line.split("\t")[3] for line in lines[1:]}
    installed = twin.inside("dpkg-query", "--show", "--showformat=${Package}\n").splitlines()
    assert set(listed) == set(installed)
    assert listed["hedgerow"] == "AGPL-3.0-or-later"
    assert sum(1 for licence in listed.values() if "copyright" not in licence) > len(listed) / 2


def test_a_service_is_what_its_walls_and_doors_say(twin: Twin) -> None:
    """The doors are read after the walls, or the intake and the radio would find theirs shut."""

    def told(unit: str, key: str) -> str:
        return twin.inside("systemctl", "show", "--value", f"--property={key}", f"hedgerow-{unit}.service")

    assert set(told("portal", "RestrictNamespaces").split()) == {"user", "net"}
    assert "landlock_create_ruleset" in told("portal", "SystemCallFilter")
    assert "prlimit64" in told("portal", "SystemCallFilter"), "jobs limit themselves"
    assert told("gossip", "PrivateDevices") == "no"
    assert told("portal", "PrivateDevices") == "yes"
    assert told("doctor", "RestrictNamespaces") == "yes"


def test_what_systemd_of_the_card_says_of_the_units(twin: Twin) -> None:
    units = sorted(path.name for path in (twin.system / "usr/lib/systemd/system").glob("hedgerow*.*"))
    named = [unit.replace("@.", "@sda1.") for unit in units if not unit.endswith((".d", ".wants"))]
    assert twin.inside("systemd-analyze", "verify", "--man=no", *named) == ""
    for unit in (unit for unit in named if unit.endswith(".service")):
        twin.inside("systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", unit)


def back_after(twin: Twin, before: int, began_s: float, what: str) -> float:
    """Wait until another portal than `before` answers; return how long after `began_s` that was."""

    def is_back() -> bool:
        return twin.main_process(PORTAL) not in {0, before} and is_well(twin)

    wait_until("another portal", is_back, 60, twin.told)
    took_s = time.monotonic() - began_s
    print(f"back {took_s:.1f} s after {what}")
    return took_s


@pytest.mark.parametrize("hurt", ["KILL", "STOP"])
def test_a_portal_that_is_killed_or_hangs_is_back_in_time(twin: Twin, hurt: str) -> None:
    """One that is stopped hears nothing but KILL."""
    assert is_well(twin)
    before = twin.main_process(PORTAL)
    began_s = time.monotonic()
    twin.inside("kill", f"-{hurt}", str(before))
    assert back_after(twin, before, began_s, hurt) < BACK_WITHIN_S


def test_a_portal_that_runs_out_of_memory_is_back_in_time(twin: Twin) -> None:
    """The kernel kills it, for it wants more than it may have; pages that phones open make it want more."""
    assert is_well(twin)
    before = twin.main_process(PORTAL)
    with twin.pinched(PORTAL, memory_bytes=1 << 18) as kills:
        while not kills():
            with suppress(AssertionError):
                is_well(twin)
    began_s = time.monotonic()
    assert back_after(twin, before, began_s, "memory ran out") < BACK_WITHIN_S


def test_a_portal_that_hangs_while_it_starts_is_started_anew_in_time(twin: Twin) -> None:
    """What it reads never comes: a pipe that nobody writes to stands in the place of its key."""
    key, aside = twin.data / "node/node.key", twin.data / "node/aside"
    key.rename(aside)
    os.mkfifo(key)
    os.chown(key, aside.stat().st_uid, aside.stat().st_gid)
    try:
        twin.inside("systemctl", "kill", "--signal=KILL", PORTAL)
        hung = wait_until("one that hangs", lambda: starting(twin), 30, twin.told)
        began_s = time.monotonic()
        wait_until("it is ended", lambda: twin.main_process(PORTAL) != hung, 60, twin.told)
    finally:
        aside.replace(key)
    assert back_after(twin, hung, began_s, "a start that hung") < BACK_WITHIN_S
    assert "This start hangs" in twin.inside("journalctl", "--no-pager", "--unit", PORTAL)


def test_a_portal_that_starts_slowly_but_works_is_left_alone(twin: Twin) -> None:
    """With a twentieth of a processor a start takes longer than one that hangs is given (WatchdogSec of the unit)."""
    before = twin.main_process(PORTAL)
    with twin.slow(PORTAL, percent=5):
        twin.inside("systemctl", "kill", "--signal=KILL", PORTAL)
        began_s = time.monotonic()
        slow = wait_until("a slow start", lambda: starting(twin) not in {0, before} and starting(twin), 60, twin.told)
        wait_until("it is ready", lambda: twin.main_process(PORTAL) != slow or not starting(twin), 240, twin.told)
        took_s = time.monotonic() - began_s
    print(f"ready {took_s:.1f} s after a slow start")
    assert twin.main_process(PORTAL) == slow, "nobody ended it"
    assert took_s > 8, "it was slow enough to tell"
    wait_until("the pages", lambda: is_well(twin), 30, twin.told)


def starting(twin: Twin) -> int:
    """Return the process of a portal that is not ready yet, 0 where there is none."""
    told = twin.inside("systemctl", "show", "--property=ActiveState,MainPID", PORTAL)
    values = dict(line.split("=", 1) for line in told.splitlines())
    return int(values["MainPID"]) if values["ActiveState"] == "activating" else 0


def test_a_start_that_fails_is_told_on_the_card_and_tried_again(twin: Twin) -> None:
    """Nobody sits there with a keyboard: where systemd would wait for one, the system starts anew. Here it ends for that."""
    status = twin.open / "hedgerow/STATUS.txt"
    twin.inside("systemctl", "emergency")
    wait_until("it is told", lambda: b"the node could not start from this card" in status.read_bytes(), 30, twin.told)
    wait_until("it goes down to start anew", lambda: twin.wants_to_start_anew, 90)
    twin.start()
    twin.inside("systemctl", "start", "hedgerow-doctor.service")
    assert b"could not start" not in status.read_bytes()


def test_what_was_confirmed_is_there_after_the_power_was_cut(twin: Twin) -> None:
    twin.inside(
        "runuser", "-u", "hedgerow", "--", "hedgerow", "--data", "/var/lib/hedgerow/node", *("member", "add", "Ben")
    )
    pay = ("pay", "--from", "Ben", "--to", "Ana", "3", "loaves")
    twin.inside("runuser", "-u", "hedgerow", "--", "hedgerow", "--data", "/var/lib/hedgerow/node", *pay)
    key = (twin.data / "node/node.key").read_bytes()
    twin.cut()
    twin.start()
    assert twin.state() == "running"
    assert is_well(twin)
    told = twin.inside(
        "runuser", "-u", "hedgerow", "--", "hedgerow", "--data", "/var/lib/hedgerow/node", "balance", "Ana", "--json"
    )
    assert "300" in told
    assert (twin.data / "node/node.key").read_bytes() == key
    twin.inside("runuser", "-u", "hedgerow", "--", "hedgerow", "--data", "/var/lib/hedgerow/node", "verify")


def test_a_battery_that_is_nearly_empty_halts_it(twin: Twin) -> None:
    """By what a card's watch runs, as the watch's own user, and by the units that see to its wish."""
    twin.inside("install", "-d", "-m", "700", "-o", "hedgerow", "/run/hedgerow-power")
    words = "from appliance.power_watch import command; from appliance.seed import HALT; command(HALT)(3600)"
    twin.inside("runuser", "-u", "hedgerow", "--", "python3", "-c", words)
    wait_until("it is off", lambda: twin.is_off, 60)
    twin.start()
    assert twin.state() == "running"


def test_the_system_cannot_be_written_to(twin: Twin) -> None:
    assert "Read-only file system" in twin.inside("sh", "-c", "touch /usr/x 2>&1 || true")
    journal = twin.inside("journalctl", "--header")
    assert "/run/log/journal" in journal
    assert "/var/log/journal" not in journal
