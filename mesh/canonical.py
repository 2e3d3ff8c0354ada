"""Deterministic CBOR, and nothing else: one value has exactly one encoding.

The profile is RFC 8949 section 4.2.1 (core deterministic encoding) narrowed to what records need: integers of 64 bits, byte and
text strings, arrays, maps with integer or text keys, true, false and null. No tags, no floats, no indefinite lengths, at most
eight levels. Whatever does not encode back to the same bytes was never valid, so two nodes cannot read one record differently.
"""

from io import BytesIO
from typing import Any, Final

import cbor2

from mesh.errors import Malformed

Value = Any  # int | str | bytes | bool | None, and lists and maps of these

DEPTH_MAX: Final = 8
INT_MAX: Final = 2**63 - 1


def encode(value: object) -> bytes:
    """Return the one encoding of `value`."""
    return cbor2.dumps(value, canonical=True)


def decode(raw: bytes) -> Value:
    """Return the value that `raw` encodes. Raises `Malformed` unless `raw` is the one encoding of an allowed value."""
    stream = BytesIO(raw)
    try:
        value = cbor2.CBORDecoder(stream).decode()
        _check_plain(value, budget=[len(raw)], depth=0)
        exact = encode(value) == raw
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as fault:
        raise Malformed("these bytes are not CBOR in the one allowed form") from fault
    if not exact:
        raise Malformed("these bytes are CBOR, but not in its one deterministic form")
    return value


def _check_plain(value: Value, budget: list[int], depth: int) -> None:
    """Every honest value takes at least one byte, so a budget of `len(raw)` ends any expansion by shared references."""
    budget[0] -= 1
    if budget[0] < 0 or depth > DEPTH_MAX:
        raise Malformed("nested too deeply or larger than its bytes")
    kind = type(value)
    if kind is list:
        for item in value:
            _check_plain(item, budget, depth + 1)
    elif kind is dict:
        for key, item in value.items():
            if type(key) not in (int, str):
                raise Malformed("a map key is neither a number nor text")
            _check_plain(key, budget, depth + 1)
            _check_plain(item, budget, depth + 1)
    elif kind is int:
        if not -INT_MAX - 1 <= value <= INT_MAX:
            raise Malformed("a number has more than 64 bits")
    elif kind not in (str, bytes, bool, type(None)):
        raise Malformed(f"a value of type {kind.__name__} has no place in a record")
