"""What a phone hears when it asks for the internet: that there is none here, but a street. Never a silent "you are online".

A probe is led to the poster. Only a phone whose owner tapped "stay on this WiFi though it has no internet" hears the answer that
keeps it on the WiFi, for twelve hours or until its owner takes that back. Which phones did so is kept in memory alone,
by their address within this WiFi and this machine's uptime clock, and is never written down.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, make_response, redirect, request

from webui.probes import BY_PLACE, OnlineAnswer
from webui.signin import node

STAY_S: Final = 12 * 3600
STAYING_MAX: Final = 512  # more phones than any access point of ours serves; beyond, the oldest is forgotten
# Names that no public name server hands out, so that only this network can lead them here.
LOCAL_ENDINGS: Final = (".local", ".localhost", ".lan", ".home.arpa", ".internal")


class Staying:
    """Which phones stay on this WiFi though it has no internet. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def stay(self, address: str) -> None:
        with self._lock:
            self._until.pop(address, None)
            self._until[address] = self._clock() + STAY_S
            while len(self._until) > STAYING_MAX:
                self._until.popitem(last=False)

    def leave(self, address: str) -> None:
        with self._lock:
            self._until.pop(address, None)

    def stays(self, address: str) -> bool:
        with self._lock:
            return self._until.get(address, 0.0) > self._clock()


def join(app: Flask) -> None:
    """Answer probes and strange names before any page is asked."""
    app.extensions["staying"] = Staying()
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
