"""Check a receipt (JSON, in the file named first or on standard input). It is "valid" and exit 0, or why not and exit 1."""

import json
import sys
from base64 import b32encode
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FAULTS = (AttributeError, InvalidSignature, LookupError, OverflowError, RecursionError, TypeError, ValueError)


def digest(content: bytes, size: int = 32) -> bytes:
    return blake2b(content, digest_size=size).digest()


def cbor(number: int, major: int = 0) -> bytes:  # RFC 8949 section 4.2.1: a number, or what begins a byte string (2)
    wide = 0 if number < 24 else 1 if number < 2**8 else 2 if number < 2**16 else 4 if number < 2**32 else 8
    return bytes([32 * major + (23 + wide.bit_length() if wide else number)]) + number.to_bytes(8, "big")[8 - wide :]


def read(record: bytes) -> tuple[bytes, bytes, bytes | None]:  # core, digest of the text, text
    parts, place = [], 1
    while place < len(record):
        wide = max((record[place] & 31) - 23, 0)  # so many bytes tell the size, if the first does not
        size = int.from_bytes(record[place + 1 : place + 1 + wide], "big") if wide else record[place] & 31
        parts.append(record[place + 1 + wide : place + 1 + wide + size])
        place += 1 + wide + size
    strict = record == bytes([0x80 + len(parts)]) + b"".join(cbor(len(part), 2) + part for part in parts)
    if strict and (len(parts) == 1 or (len(parts) == 2 and len(parts[1]) == 32 and any(parts[1]))):
        return parts[0], (parts[1:] or [bytes(32)])[0], None
    if strict and len(parts) == 3 and len(parts[1]) == 16:
        return parts[0], digest(parts[1] + parts[2]), parts[2]
    raise ValueError("a record is its core, and then nothing, a digest, or a salt and a text")


def check(receipt: dict) -> tuple[bytes, bytes, bytes | None]:
    key, scope, head = (bytes.fromhex(receipt[name]) for name in ("public_key", "scope", "head_after"))
    after, seq, last = receipt["after"], receipt["seq"], receipt["checkpoint"]
    log = digest(b"hedgerow/log/v1\0\x83\x58\x20" + key + cbor(receipt["incarnation"]) + b"\x50" + scope, 16)
    if receipt["log"] != b32encode(log).decode().rstrip("=").lower() or (after == 0 and head != digest(log)):
        raise ValueError("this key has no such log, or the chain does not begin with the name of the log")
    records = [read(bytes.fromhex(record)) for record in receipt["records"]]
    for core, said, _ in records:
        head = digest(head + digest(digest(core) + said))
    if not (0 <= after < seq <= after + len(records) == last["seq"] and 0 <= last["previous"] < last["seq"]):
        raise ValueError("the record is not among those that the checkpoint certifies")
    signed = b"hedgerow/checkpoint/v1\0\x84\x50" + log + cbor(last["previous"]) + cbor(last["seq"]) + b"\x58\x20" + head
    Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(last["signature"]), signed)
    return records[seq - after - 1 :][0]


if __name__ == "__main__":
    try:
        found = check(json.loads(Path(sys.argv[1] if sys.argv[1:] else "/dev/stdin").read_bytes()))
    except FAULTS as fault:
        sys.exit(f"Not valid: {str(fault) or 'the signature belongs to other records or another key'}.")
    print(f"core {found[0].hex()}\ntext {found[2]!r}\nvalid")
