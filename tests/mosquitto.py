"""A real Mosquitto on a free port of 127.0.0.1, set up as mesh/spec/mqtt-v1.md tells, for any test that needs a broker.

It needs Debian's packages `mosquitto` and `mosquitto-clients` (make test installs them); without them it fails.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.ports import free_ports

PAGE: Final = Path(__file__).parent.parent / "mesh" / "spec" / "mqtt-v1.md"
OBSERVER: Final = "observer"
START_MAX_S: Final = 10.0


def block(kind: str) -> str:
    """The fenced block of this kind on the page: what the page tells is what is tested."""
    found = re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PAGE.name} has no {kind} block"
    return found[1]


def program(name: str) -> str:
    """Where a program is; daemons live in directories that are not on everybody's path."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is missing: apt-get install mosquitto mosquitto-clients"
    return found


class Broker:
    """One broker in `directory`. `add_node` before or after `start`; `stop` keeps everything for the next start."""

    def __init__(self, directory: Path, tls: tuple[Path, Path, Path] | None = None) -> None:
        """`tls` are the files of the authority's certificate, the broker's certificate and its key."""
        self.directory = directory
        self.host = "127.0.0.1"
        self.port = 0
        self.acl = block("acl")
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords = directory / "passwords"
        self._passwords.touch(mode=0o600)
        self._observer_password = os.urandom(8).hex()
        self.add_node(OBSERVER, self._observer_password)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_node(self, name: str, password: str) -> None:
        """Give a node its name and password; a running broker learns of it at once."""
        subprocess.run([program("mosquitto_passwd"), "-b", self._passwords, name, password], check=True)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)  # read the files again
            time.sleep(0.2)

    def start(self) -> None:
        """Start, on the same port as before if there was one, and wait until it listens."""
        self.port = self.port or free_ports(1)
        settings = self.directory / "mosquitto.conf"
        settings.write_text(self._settings(), encoding="utf-8")
        (self.directory / "acl").write_text(f"{self.acl}\nuser {OBSERVER}\ntopic read $SYS/#\n", encoding="utf-8")
        (self.directory / "acl").chmod(0o600)
        with (self.directory / "log").open("ab") as log:
            ends_with_us = (program("setpriv"), "--pdeathsig", "KILL")  # also where this process is killed
            command = [*ends_with_us, program("mosquitto"), "-c", str(settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_MAX_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise AssertionError(f"the broker did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order: it saves its sessions."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(kill=True)

    def restart(self) -> None:
        """Stop and start on the same port with everything kept."""
        self.stop()
        self.start()

    def log(self) -> str:
        """What the broker wrote so far."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def sys_counters(self) -> dict[str, float]:
        """The numbers the broker tells of itself, by topic: `$SYS/broker/publish/messages/received` and others.

        It brings them up to date every second, so a test waits for a value rather than reads it once.
        """
        numbers: dict[str, float] = {}

        def note(_client: Client, _data: object, message: MQTTMessage) -> None:
            with suppress(ValueError):
                numbers[message.topic] = float(message.payload)

        observer = Client(CallbackAPIVersion.VERSION2, client_id=OBSERVER)
        observer.username_pw_set(OBSERVER, self._observer_password)
        observer.on_message = note
        observer.connect(self.host, self.port)
        observer.subscribe("$SYS/broker/#")
        silent_since_s, known = time.monotonic(), 0
        while time.monotonic() - silent_since_s < 0.2 or not numbers:
            assert observer.loop(0.05) == 0, "the broker turned its observer away"
            if len(numbers) != known:
                silent_since_s, known = time.monotonic(), len(numbers)
        observer.disconnect()
        observer.loop(0.1)
        return numbers

    def _settings(self) -> str:
        lines = [f"listener {self.port} {self.host}"]
        if self._tls is not None:
            lines += [f"{key} {path}" for key, path in zip(("cafile", "certfile", "keyfile"), self._tls, strict=True)]
        lines += [
            block("conf"),
            f"user {getpass.getuser()}",
            f"password_file {self._passwords}",
            f"acl_file {self.directory / 'acl'}",
            f"persistence_location {self.directory}/",
            "sys_interval 1",
            "log_type all",
        ]
        return "\n".join(lines) + "\n"

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection((self.host, self.port), 0.5):
            return True
        return False

    def _end(self, *, kill: bool) -> None:
        if self._process is not None:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(10)
        self._process = None
