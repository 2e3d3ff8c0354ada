"""Two neighbours who pay each other without pause, as a process of its own: what they were told outlives any node.

    python -m tests.crash.payer PORT NOTES

Each confirmation is a line of JSON in the file NOTES. A request that got no answer is made again with the same key until
there is one, as a careful program does; whatever is no 201 is noted as it came. SIGTERM ends it after the answers that are due.
"""

from __future__ import annotations

import http.client
import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from tests.street.node import PIN

PATIENCE_S: Final = 60.0
AMOUNT: Final = 5
ZINE_EVERY: Final = 20
BOUNDARY: Final = "a-line-between-parts"


class Notes:
    """The file of confirmations."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = Lock()

    def write(self, **facts: object) -> None:
        with self._lock:
            print(json.dumps(facts), file=self._file, flush=True)


class Payer(Thread):
    """One neighbour with a telephone that never gives up."""

    def __init__(self, port: int, name: str, to: str, notes: Notes, ending: Event) -> None:
        super().__init__()
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._name = name
        self._to = to
        self._notes = notes
        self._ending = ending
        self._token = ""
        self.is_content = False

    def run(self) -> None:
        credentials = json.dumps({"name": self._name, "pin": PIN}).encode()
        signed_in = self._ask("/sessions", credentials, {"Content-Type": "application/json"})
        self._token = signed_in["token"]
        self._notes.write(kind="session", name=self._name, token=self._token)
        number = 0
        while not self._ending.is_set():
            number += 1
            self._pay(f"{self._name}-{number}")
            if number % ZINE_EVERY == 0:
                self._publish(f"Soup of {self._name}, {number}")
        self._line.close()
        self.is_content = True

    def _pay(self, key: str) -> None:
        body = {"to": self._to, "amount": AMOUNT, "currency": "hours", "memo": key}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        paid = self._ask("/transfers", json.dumps(body).encode(), headers)
        self._notes.write(kind="payment", name=self._name, key=key, body=body, id=paid["id"])

    def _publish(self, title: str) -> None:
        """Publish a zine. If the answer is lost it is published again: only the confirmed one is noted."""
        text = f"# {title}\n\n" + 60 * "Nettles, butter, salt. "
        content = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("title", title), ('file"; filename="soup.md', text))
        )
        form = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        zine = self._ask("/zines", f"{content}--{BOUNDARY}--\r\n".encode(), form)
        self._notes.write(kind="zine", name=self._name, id=zine["id"], text=text)

    def _ask(self, path: str, content: bytes, headers: Mapping[str, str]) -> Any:
        """Ask until there is an answer; return it if it is a 201."""
        until_s = time.monotonic() + PATIENCE_S
        while (answer := self._ask_once(path, content, headers)) is None:
            if time.monotonic() > until_s:
                self._notes.write(kind="silence", path=path)
                raise SystemExit(1)
            time.sleep(0.01)
        status, body = answer
        if status != http.HTTPStatus.CREATED:
            self._notes.write(kind="refusal", path=path, status=status, said=body.decode(errors="replace"))
            raise SystemExit(1)
        return json.loads(body)

    def _ask_once(self, path: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, bytes] | None:
        """Return status and body; None where the node went away before all of it was said."""
        try:
            self._line.request("POST", f"/api/v1{path}", content, {**headers, **self._rights()})
            answer = self._line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._line.close()
            return None

    def _rights(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def main() -> int:
    """Pay until SIGTERM. Return 0 where every answer was as it should be."""
    ending = Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    notes = Notes(Path(sys.argv[2]))
    payers = [Payer(int(sys.argv[1]), *names, notes, ending) for names in (("Ana", "Bo"), ("Bo", "Ana"))]
    for payer in payers:
        payer.start()
    for payer in payers:
        payer.join()
    return 0 if all(payer.is_content for payer in payers) else 1


if __name__ == "__main__":
    sys.exit(main())
