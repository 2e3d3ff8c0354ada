"""What a phone hears when it asks for the internet: that there is none here, but a street. Never a silent "you are online".

A probe is led to the poster. Only a phone whose owner tapped "stay on this WiFi though it has no internet" hears the answer that
keeps it on the WiFi, for twelve hours or until its owner takes that back. Which phones did so is kept in the machine's memory
alone, by their address within this WiFi and the uptime clock, whatever is done to the wall clock: a process of the pages that is
started anew finds it in a note in the runtime directory (systemd.exec(5)); a node that was switched off knows nothing of it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, make_response, redirect, request

from webui.probes import BY_PLACE, OnlineAnswer
from webui.signin import node

STAY_S: Final = 12 * 3600
NOTE_SIZE_MAX: Final = 64 * 1024
STAYING_MAX: Final = 512  # more phones than any access point of ours serves; beyond, the oldest is forgotten
# Names that no public name server hands out, so that only this network can lead them here.
LOCAL_ENDINGS: Final = (".local", ".localhost", ".lan", ".home.arpa", ".internal")


class Staying:
    """Which phones stay on this WiFi though it has no internet. `clock` gives seconds that never go back before the next start
    of the machine; `note` is where the next process finds them, on a file system that ends with that start too.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, note: Path | None = None) -> None:
        self._clock, self._note = clock, note
        self._until: OrderedDict[str, float] = OrderedDict(_noted(note, clock()) if note else ())
        self._lock = threading.Lock()

    def stay(self, address: str) -> None:
        with self._lock:
            self._until.pop(address, None)
            self._until[address] = self._clock() + STAY_S
            while len(self._until) > STAYING_MAX:
                self._until.popitem(last=False)
            self._write()

    def leave(self, address: str) -> None:
        with self._lock:
            self._until.pop(address, None)
            self._write()

    def stays(self, address: str) -> bool:
        with self._lock:
            return self._until.get(address, 0.0) > self._clock()

    def _write(self) -> None:
        """Renew the note, whole or not at all. Without room for it the list is this process's own."""
        if self._note:
            part = self._note.with_suffix(".part")
            with suppress(OSError):
                part.write_text(json.dumps(self._until), encoding="ascii")
                part.replace(self._note)


def _noted(note: Path, now: float) -> Iterator[tuple[str, float]]:
    """Yield the phones of an earlier process that still stay. What nobody could have written is left out."""
    try:
        with note.open("rb") as source:
            found = json.loads(source.read(NOTE_SIZE_MAX))
    except (OSError, ValueError, RecursionError):
        return
    for address, until in list(found.items())[:STAYING_MAX] if isinstance(found, dict) else ():
        if type(until) is float and now < until <= now + STAY_S:
            yield address, until


def _note() -> Path | None:
    """Return where to leave the note: nowhere for a process that no system gave a place in memory."""
    place = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(place) / "staying.json" if place else None


def join(app: Flask) -> None:
    """Answer probes and strange names before any page is asked."""
    app.extensions["staying"] = Staying(note=_note())
    app.before_request(_answer_strangers)


def staying() -> Staying:
    """Return this portal's list of phones that stay."""
    return cast("Staying", current_app.extensions["staying"])


def own_address() -> str:
    """Return the address to tell people: the one in the settings, or the one by which they came where that is ours."""
    if not node().settings.portal.address and _is_ours(_host()):
        return f"http://{request.host}"
    return node().settings.address


def _answer_strangers() -> Response | None:
    """Answer what was asked of another host. A page of another name that leads here learns nothing (DNS rebinding)."""
    host = _host()
    probe = BY_PLACE.get((host, request.path))
    if probe and probe.online and staying().stays(request.remote_addr or ""):
        return _online(probe.online)
    if _is_ours(host) and not probe:
        return None
    if request.method not in {"GET", "HEAD"}:
        abort(421)
    return _unkept(make_response(redirect(f"{own_address()}/poster")))


def _online(answer: OnlineAnswer) -> Response:
    response = make_response(answer.body, answer.status)
    response.headers["Content-Type"] = answer.media_type
    response.headers.update(dict(answer.headers))
    return _unkept(response)


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _host() -> str:
    """Return the name that was asked for, without its port: empty where it is no name at all."""
    try:
        return (urlsplit(f"//{request.host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_ours(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        is_single = bool(host) and "." not in host
        return is_single or host.endswith(LOCAL_ENDINGS) or host == urlsplit(node().settings.address).hostname
    # On a street, which goes by a name, an address of the world is a strange name.
    return not (found.is_global and node().settings.portal.address)
