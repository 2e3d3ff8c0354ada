"""Deterministic CBOR, and nothing else: one value has exactly one encoding.

The profile is RFC 8949 section 4.2.1 (core deterministic encoding) narrowed to what records need: integers of 64 bits,
byte and text strings, arrays, maps with integer or text keys, true, false and null. No tags, no floats, no indefinite
lengths, at most eight levels. Reading refuses every other form, so two nodes cannot read one record differently.

Bytes from outside are read here and not by a library: tags would let a stranger choose which code runs, and libraries
differ from version to version in what they take for canonical.
"""

from typing import Any, Final

import cbor2

from mesh.errors import Malformed

Value = Any  # int | str | bytes | bool | None, and lists and maps of these

DEPTH_MAX: Final = 8
INT_MAX: Final = 2**63 - 1

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)  # major types, RFC 8949 section 3.1
SIMPLE: Final = {0xF4: False, 0xF5: True, 0xF6: None}


def encode(value: object) -> bytes:
    """Return the one encoding of `value`, which must be in the profile."""
    return cbor2.dumps(_ordered(value))


def _ordered(value: Value) -> Value:
    """Sort maps by the bytes of their keys (RFC 8949 section 4.2.1, not the older rule that puts short keys first)."""
    if type(value) in (list, tuple):
        return [_ordered(item) for item in value]
    if type(value) is dict:
        return {key: _ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    return value


def decode(raw: bytes) -> Value:
    """Return the value that `raw` encodes. Raises `Malformed` unless `raw` is the one encoding of an allowed value."""
    try:
        value, end = _item(raw, 0, 0)
    except IndexError as fault:
        raise Malformed("these bytes end in the middle of a value") from fault
    except UnicodeDecodeError as fault:
        raise Malformed("a text is not UTF-8") from fault
    if end != len(raw):
        raise Malformed("something follows the value")
    return value


def _item(raw: bytes, at: int, depth: int) -> tuple[Value, int]:
    """Return the value that begins at `at`, and where it ends. Raises `IndexError` where the bytes end too early."""
    initial = raw[at]
    if initial in SIMPLE:
        return SIMPLE[initial], at + 1
    major = initial >> 5
    argument, at = _argument(raw, initial & 0x1F, at + 1)
    if major == UNSIGNED:
        return argument, at
    if major == NEGATIVE:
        return -1 - argument, at
    if major in (BYTES, TEXT):
        content = _slice(raw, at, argument)
        return content if major == BYTES else content.decode(), at + argument
    if depth == DEPTH_MAX:
        raise Malformed(f"nested more than {DEPTH_MAX} deep")
    if major == ARRAY:
        return _array(raw, at, argument, depth + 1)
    if major == MAP:
        return _map(raw, at, argument, depth + 1)
    raise Malformed("tags, floats and other simple values have no place here")


def _argument(raw: bytes, short: int, at: int) -> tuple[int, int]:
    """Return the number in the head of an item, which must take the fewest bytes that hold it."""
    if short < 24:
        return short, at
    if short > 27:
        raise Malformed("an indefinite or reserved length has no place here")
    size = 1 << short - 24
    number = int.from_bytes(_slice(raw, at, size), "big")
    if number < 24 or (size > 1 and number < 1 << 4 * size):
        raise Malformed("a number takes more bytes than it needs")
    if number > INT_MAX:
        raise Malformed("a number has more than 64 bits")
    return number, at + size


def _slice(raw: bytes, at: int, size: int) -> bytes:
    if at + size > len(raw):
        raise IndexError
    return raw[at : at + size]


def _array(raw: bytes, at: int, count: int, depth: int) -> tuple[list[Value], int]:
    items = []
    for _ in range(count):
        item, at = _item(raw, at, depth)
        items.append(item)
    return items, at


def _map(raw: bytes, at: int, count: int, depth: int) -> tuple[dict[Value, Value], int]:
    pairs: dict[Value, Value] = {}
    last = b""
    for _ in range(count):
        begin = at
        key, at = _item(raw, at, depth)
        if type(key) not in (int, str):
            raise Malformed("a map key is neither a number nor text")
        if raw[begin:at] <= last:
            raise Malformed("map keys are out of order or twice the same")
        last = raw[begin:at]
        pairs[key], at = _item(raw, at, depth)
    return pairs, at
