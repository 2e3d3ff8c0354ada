"""Newest first, where somebody lacks much of a log: its last records, with the head on which they stand.

The head lets whoever holds the log's key check the signature above a gap. Such records are shown as not counted yet; they
count once all below them is here. See spec/gossip-v1.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mesh.airform import NODE_HANDLE_SIZE, SCOPE_HANDLE_SIZE, SHORT_DIGEST_SIZE, AirRun
from mesh.errors import Malformed
from mesh.keys import DIGEST_SIZE
from mesh.wire import VERSION, Reader

AHEAD: Final = 18


@dataclass(frozen=True, slots=True)
class Ahead:
    """The last run of a log. `head` is the log's at the record after which the run begins."""

    scope: bytes
    sender: bytes
    digest: bytes
    head: bytes
    run: AirRun

    def encode(self) -> bytes:
        return bytes([VERSION, AHEAD]) + self.scope + self.sender + self.digest + self.head + self.run.encode()

    @classmethod
    def read(cls, reader: Reader) -> Ahead:
        scope, sender = reader.take(SCOPE_HANDLE_SIZE), reader.take(NODE_HANDLE_SIZE)
        digest, head, run = reader.take(SHORT_DIGEST_SIZE), reader.take(DIGEST_SIZE), AirRun.read(reader)
        if not run.after:
            raise Malformed("what stands ahead of a gap does not begin its log")
        return cls(scope, sender, digest, head, run)
