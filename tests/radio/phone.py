"""Somebody with nothing but a Meshtastic app: the real client package at a stand-in for their radio."""

from __future__ import annotations

import time
from typing import Any, Self

from meshtastic.tcp_interface import TCPInterface
from pubsub import pub

PATIENCE_S = 30.0


class Phone:
    """A phone at the radio under this host:port, in reach while the `with` block lasts."""

    def __init__(self, place: str) -> None:
        host, _, port = place.rpartition(":")
        self.heard: list[tuple[int, bool, str]] = []  # from whom, whether to this phone alone, and what
        pub.subscribe(self._on_text, "meshtastic.receive.text")
        self._interface = TCPInterface(host, portNumber=int(port), noNodes=True)
        self.node = int(self._interface.myInfo.my_node_num)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pub.unsubscribe(self._on_text, "meshtastic.receive.text")
        self._interface.close()

    def asks(self, node: int, text: str, answers: int = 1) -> str:
        """Send a direct message; return the answer, or several on lines of their own."""
        already = len(self.heard)
        self._interface.sendText(text, destinationId=node)
        until_s = time.monotonic() + PATIENCE_S
        while len(found := self._from(node, already)) < answers:
            assert time.monotonic() < until_s, f"no answer to {text!r}; heard {self.heard}"
            time.sleep(0.05)
        return "\n".join(found)

    def shouts_heard(self) -> list[str]:
        """What was said to everybody."""
        return [text for _, is_direct, text in self.heard if not is_direct]

    def _from(self, node: int, already: int) -> list[str]:
        return [text for talker, is_direct, text in self.heard[already:] if talker == node and is_direct]

    def _on_text(self, packet: Any, interface: Any) -> None:
        heard = packet["raw"]
        self.heard.append((getattr(heard, "from"), heard.to == self.node, heard.decoded.payload.decode()))
