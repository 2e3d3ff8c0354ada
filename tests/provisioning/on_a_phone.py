"""What a phone asks of the network it is in: run there with a list of questions as JSON, it prints the answers.

("http", METHOD, URL)    -> status, place, kept, body
("tcp", HOST, PORT)      -> outcome: "open" or the error's name
("udp", HOST, PORT)      -> outcome: "silence" or the error's name
("name", NAME, TYPE, SERVER, "udp" | "tcp") -> code, answers: [type, seconds, data as hex], by the wire format of RFC 1035
("mdns", NAME)           -> answers, of whoever answers a question to 224.0.0.251 (RFC 6762)
"""

from __future__ import annotations

import errno
import http.client
import json
import socket
import struct
import sys
import time
from typing import Any, Final
from urllib.parse import urlsplit

PATIENCE_S: Final = 10.0
BODY_MAX: Final = 200_000


def ask_http(method: str, url: str) -> dict[str, Any]:
    place = urlsplit(url)
    line = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=PATIENCE_S)
    line.request(method, place.path or "/", headers={"Host": place.netloc})
    answer = line.getresponse()
    told = {
        "status": answer.status,
        "place": answer.getheader("Location", ""),
        "kept": answer.getheader("Cache-Control"),
    }
    return told | {"manager": answer.getheader("X-NetworkManager-Status"), "body": answer.read(BODY_MAX).decode()}


def ask_tcp(host: str, port: int) -> dict[str, Any]:
    with socket.create_connection((host, port), PATIENCE_S):
        return {"outcome": "open"}


def ask_udp(host: str, port: int) -> dict[str, Any]:
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as line:
        line.settimeout(2.0)
        line.connect((host, port))
        line.send(b"\x00" * 1200)
        try:
            line.recv(2048)
        except TimeoutError:
            return {"outcome": "silence"}
    return {"outcome": "answered"}


def ask_name(name: str, kind: int, server: str, by: str) -> dict[str, Any]:
    question = asked(name, kind)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if by == "tcp" else socket.SOCK_DGRAM) as line:
        line.settimeout(PATIENCE_S)
        line.connect((server, 53))
        line.sendall((struct.pack("!H", len(question)) if by == "tcp" else b"") + question)
        answer = line.recv(4096)
    return read(answer[2:] if by == "tcp" else answer)


def ask_mdns(name: str) -> dict[str, Any]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(PATIENCE_S)
        line.sendto(asked(name, 1), ("224.0.0.251", 5353))
        return read(line.recv(4096))


def asked(name: str, kind: int) -> bytes:
    """Return a question of class IN that wants recursion."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\x00" + struct.pack("!2H", kind, 1)


def read(answer: bytes) -> dict[str, Any]:
    """Return the code and the answers of a message."""
    _, flags, questions, answers, _, _ = struct.unpack("!6H", answer[:12])
    at, found = 12, []
    for _ in range(questions):
        at = past_name(answer, at) + 4
    for _ in range(answers):
        at = past_name(answer, at)
        kind, _, seconds, length = struct.unpack("!2HIH", answer[at : at + 10])
        found.append([kind, seconds, answer[at + 10 : at + 10 + length].hex()])
        at += 10 + length
    return {"code": flags & 0xF, "answers": found}


def past_name(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def answered(question: list[Any]) -> dict[str, Any]:
    """Return what came of one question, and how long it took."""
    asks = {"http": ask_http, "tcp": ask_tcp, "udp": ask_udp, "name": ask_name, "mdns": ask_mdns}
    began_s = time.monotonic()
    try:
        told = asks[question[0]](*question[1:])  # type: ignore[operator]
    except OSError as fault:
        told = {"outcome": errno.errorcode.get(fault.errno or 0, type(fault).__name__)}
    return {**told, "took_s": round(time.monotonic() - began_s, 4)}


if __name__ == "__main__":
    print(json.dumps([answered(question) for question in json.loads(sys.argv[1])]))
