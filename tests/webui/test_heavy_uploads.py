"""What phones may bring without making the portal large: several of the longest files at once, thousands of small ones."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.settings import Archive, Portal
from tests.appliance.intake.specimens import wav
from tests.webui.portal import Running, running, settle
from tests.webui.test_server import MEMORY_MAX, call

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MIB = 1 << 20
LONGEST = Portal().upload_max_bytes
UPLOADS = 10_000  # an hour of one phone
HEAD = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n%s\r\n' \
       b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n'  # fmt: skip
END = b"\r\n--b--\r\n"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Running]:
    settle(tmp_path / "node")
    with running(tmp_path / "node") as portal:
        yield portal


def peak_bytes(portal: Running) -> int:
    """The most memory that the process ever held."""
    status = Path(f"/proc/{portal.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def upload(link: http.client.HTTPConnection, token: str, name: str, pieces: list[bytes]) -> tuple[int, dict[str, Any]]:
    """Send a file in pieces, so that it is long there and not here."""
    whole = [HEAD % (name.encode(), name.encode()), *pieces, END]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(sum(map(len, whole))),
    }
    link.request("POST", "/api/v1/zines", iter(whole), headers)
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())


def test_several_files_of_64_mib_at_once_leave_the_portal_small(portal: Running, capsys: pytest.CaptureFixture[str]):
    token = call(portal, "POST", "/sessions", {"name": "Ana", "pin": "1234"})["token"]
    piece = b"All of it is text, line for line.\n".ljust(1023) + b"\n"
    text = [piece * 1024] * (LONGEST // MIB)
    sound = [wav(0.02, tagged=False)[:36], b"data", (LONGEST - 44).to_bytes(4, "little"), *text[:-1], text[0][:-44]]
    sound[0] = sound[0][:4] + (LONGEST - 8).to_bytes(4, "little") + sound[0][8:]
    files = {"a.txt": text, "b.wav": sound, "c.pdf": [b"%PDF-1.7\n", *text[:-1]], "d.txt": [b"Another. ", *text[:-1]]}
    answers: dict[str, tuple[int, dict[str, Any]]] = {}

    def bring(name: str) -> None:
        link = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=200)
        answers[name] = upload(link, token, name, files[name])
        link.close()

    phones = [threading.Thread(target=bring, args=(name,)) for name in files]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    peak = peak_bytes(portal)
    with capsys.disabled():
        print(f"\n{len(files)} files of 64 MiB at once: the portal took {peak / 1e6:.1f} MB at most")
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(
        ("a.txt", "b.wav", "d.txt"), 201
    ) | {"c.pdf": 415}
    assert peak < MEMORY_MAX
    assert not list((portal.data / "uploads").iterdir())
    assert not [left for left in (portal.data / "rooms").iterdir() if left.name != "turn.lock"]


def test_ten_thousand_uploads_of_one_phone_are_refused_in_one_sentence(
    portal: Running, capsys: pytest.CaptureFixture[str]
):
    token = call(portal, "POST", "/sessions", {"name": "Ben", "pin": "2345"})["token"]
    link = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
    may = Archive().uploads_per_hour
    taken, refusals = 0, set()
    log = portal.data / "hedgerow.db-wal"
    written = 0
    for number in range(UPLOADS):
        status, said = upload(link, token, f"{number}.txt", [b"One line, number %d.\n" % number])
        taken += status == 201
        if status != 201:
            refusals.add((status, re.sub(r"\d+", "N", said["detail"])))
        if status == 201 or number == may + may // 10:  # a slow machine gives him time for one more
            written = log.stat().st_mtime_ns
    link.close()
    peak = peak_bytes(portal)
    with capsys.disabled():
        print(
            f"\n{UPLOADS} uploads: {taken} taken in, the portal took {peak / 1e6:.1f} MB at most; refused with {refusals}"
        )
    assert may - 2 <= taken <= may + may // 10  # two zines of his stand there already
    assert log.stat().st_mtime_ns == written  # what is refused does not wear the card down
    ((status, sentence),) = refusals
    assert status == 429
    assert 20 < len(sentence) < 200
    assert peak < MEMORY_MAX
    assert not list((portal.data / "uploads").iterdir())
