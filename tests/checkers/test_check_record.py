"""The independent checker believes what our code signed, and nothing that was changed afterwards."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from mesh import canonical
from mesh.keys import PUBLIC, NodeKey, Scope, digest, log_id, written
from mesh.links import Opening
from mesh.log import Checkpoint, first_head, heads
from mesh.record import Record
from tests.checkers import check_record

CHECKER: Final = Path(check_record.__file__)
ANA, BEN = NodeKey(bytes([1]) * 32), NodeKey(bytes([2]) * 32)
SALT: Final = bytes(range(16))
WITH_TEXT, WITHDRAWN, WITHOUT = 2, 3, 4
SAID: Final = (
    Opening(ANA.public_key, 300, PUBLIC).record(1_760_000_000),
    Record.new([16, 1_760_000_060, b"ben", 30, "hours"], "two loaves, rye", SALT),
    Record.new([100, 1_760_000_120], "a slip of the tongue", SALT).without_text(),
    Record.new([16, 1_760_000_180, b"ben", -7]),
    Record.new([100, 1_760_000_240, bytes(900)], {"title": "Mending a bicycle", "pages": "x" * 4000}, SALT),
)


def receipt(seq: int, after: int = 0, incarnation: int = 300, scope: Scope = PUBLIC) -> dict[str, Any]:
    """Return a receipt for record `seq`, whose chain is shown from `after` on."""
    log = log_id(ANA.public_key, incarnation, scope)
    chain = [first_head(log), *heads(first_head(log), SAID)]
    point = Checkpoint.sign(ANA, log, 1, len(SAID), chain[-1])
    return {
        "log": written(log),
        "seq": seq,
        "public_key": ANA.public_key.hex(),
        "incarnation": incarnation,
        "scope": scope.hex(),
        "after": after,
        "head_after": chain[after].hex(),
        "records": [record.encode().hex() for record in SAID[after:]],
        "checkpoint": {"previous": point.previous, "seq": point.seq, "signature": point.signature.hex()},
    }


def verdict(paper: object, *arguments: str) -> subprocess.CompletedProcess[str]:
    said = paper if isinstance(paper, str) else json.dumps(paper)
    command = [sys.executable, "-I", str(CHECKER), *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, check=False)


def is_valid(paper: dict[str, Any]) -> bool:
    try:
        check_record.check(paper)
    except check_record.FAULTS:
        return False
    return True


def flipped(name: str) -> str:
    """Return `name`, a hexadecimal text, with one bit of its last byte changed."""
    raw = bytes.fromhex(name)
    return (raw[:-1] + bytes([raw[-1] ^ 1])).hex()


def test_the_checker_stands_alone_and_is_short() -> None:
    source = CHECKER.read_text()
    assert len(source.splitlines()) <= 60
    assert not any(f"{verb} {room}" in source for verb in ("import", "from") for room in ("mesh", "appliance", "cbor2"))


@pytest.mark.parametrize("seq", [WITH_TEXT, WITHDRAWN, WITHOUT])
@pytest.mark.parametrize("after", [0, 1])
def test_a_receipt_of_ours_is_valid(seq: int, after: int) -> None:
    result = verdict(receipt(seq, after))
    record = SAID[seq - 1]
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"core {record.core.hex()}\ntext {record.text!r}\nvalid\n"


def test_a_receipt_may_come_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt(WITH_TEXT)))
    assert verdict("", str(path)).stdout.endswith("valid\n")


@pytest.mark.parametrize("incarnation", [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1])
def test_every_size_of_number_is_encoded_as_we_encode_it(incarnation: int) -> None:
    assert is_valid(receipt(5, 0, incarnation, Scope(bytes([9]) * 16)))
    assert check_record.cbor(incarnation) == canonical.encode(incarnation)


def test_one_changed_byte_in_any_part_is_noticed() -> None:
    paper = receipt(WITH_TEXT)
    parts: list[tuple[Any, ...]] = [("public_key",), ("scope",), ("head_after",), ("checkpoint", "signature")]
    parts += [("records", place) for place in range(len(SAID))]
    for part in parts:
        changed = copy.deepcopy(paper)
        holder = changed if len(part) == 1 else changed[part[0]]
        holder[part[-1]] = flipped(holder[part[-1]])
        result = verdict(changed)
        assert result.returncode == 1, part
        assert result.stderr.startswith("Not valid: ")
        assert result.stderr.count("\n") == 1
        assert "valid\n" not in result.stdout


@pytest.mark.parametrize("place", range(len(SAID)))
def test_every_changed_byte_of_a_record_is_noticed(place: int) -> None:
    paper = receipt(place + 1)
    raw = bytes.fromhex(paper["records"][place])
    for at in range(min(len(raw), 300)):
        paper["records"][place] = (raw[:at] + bytes([raw[at] ^ 0x04]) + raw[at + 1 :]).hex()
        assert not is_valid(paper), at


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"seq": 6},
        {"seq": 1.0},
        {"seq": 1.5},
        {"incarnation": 301},
        {"incarnation": -1},
        {"incarnation": 2**64},
        {"after": 1},
        {"after": -1},
        {"log": written(log_id(BEN.public_key, 300, PUBLIC))},
        {"log": None},
        {"public_key": BEN.public_key.hex()},
        {"public_key": ""},
        {"head_after": digest(b"").hex()},
        {"records": []},
        {"records": ["80"]},
        {"records": ["81581b"]},
        {"records": ["3f" * 40]},
        {"records": ["815bffffffffffffffff"]},
        {"records": "83"},
        {"checkpoint": None},
        {"checkpoint": {}},
    ],
    ids=str,
)
def test_a_receipt_that_says_something_else_is_not_valid(change: dict[str, Any]) -> None:
    assert not is_valid(receipt(WITH_TEXT) | change)


@pytest.mark.parametrize(
    "change", [{"previous": 0}, {"previous": 5}, {"previous": -1}, {"seq": 4}, {"signature": "00"}]
)
def test_another_checkpoint_is_not_valid(change: dict[str, Any]) -> None:
    paper = receipt(WITH_TEXT)
    assert not is_valid(paper | {"checkpoint": paper["checkpoint"] | change})


def test_a_record_left_out_or_out_of_order_is_not_valid() -> None:
    paper = receipt(WITHOUT)
    records = paper["records"]
    assert is_valid(paper)
    assert not is_valid(paper | {"records": records[:-1]})
    assert not is_valid(paper | {"records": [*records, records[-1]]})
    assert not is_valid(paper | {"records": [records[1], records[0], *records[2:]]})
    assert not is_valid(paper | {"records": records[1:], "after": 1})


def test_a_record_in_another_form_is_not_valid_though_its_digests_are_the_same() -> None:
    core, salt, text = SAID[1].parts()
    whole = SAID[3].core
    others = {
        1: [
            canonical.encode([core, salt + text[:1], text[1:]]),  # the same bytes, cut elsewhere
            b"\x83\x59\x00"
            + bytes([len(core)])
            + core
            + canonical.encode([salt, text])[1:],  # a longer head than needed
            SAID[1].encode() + b"\x00",
        ],
        3: [canonical.encode([whole, bytes(32)])],  # a text that was never said, as if withdrawn
    }
    for place, forms in others.items():
        for form in forms:
            paper = receipt(place + 1)
            paper["records"][place] = form.hex()
            assert not is_valid(paper)


@pytest.mark.parametrize("paper", ["", "{", "[]", "null", "7", "[" * 100_000, "\ud800", '"valid"'])
def test_what_is_no_receipt_gets_one_sentence(paper: str) -> None:
    result = subprocess.run(
        [sys.executable, "-I", str(CHECKER)],
        input=paper.encode(errors="surrogatepass"),
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(b"Not valid: ")
    assert result.stderr.count(b"\n") == 1
