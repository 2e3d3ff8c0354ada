"""A damaged bundle gives its verified beginning and a name for the damage; published samples open for ever."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from mesh.bundle import HEADER_SIZE, LOOSE_FRAMES_MAX, LOOSE_SIZE_MAX, BundleWriter
from mesh.errors import BadSignature, TornBundle
from mesh.frames import FRAME_SIZE_MAX, KIBIBYTE, PIECE_SIZE_MAX, RUN_SIZE_MAX
from mesh.keys import EpochKey, Scope, digest
from tests.mesh.bundle_samples import (
    ANA,
    BEN,
    bad,
    expected,
    good,
    many_lots,
    outcome,
    public_things,
    read_until_fault,
    street_things,
    written_by,
)

VECTORS: Final = Path(__file__).parent.parent / "vectors" / "bundle-v1"
INDEX: Final[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text())
SAMPLES: Final = tuple(INDEX["bundles"])


def test_every_truncation_gives_a_verified_beginning_and_says_torn() -> None:
    bundle = written_by(ANA, many_lots)
    whole, fault = read_until_fault(bundle)
    assert fault is None
    seen = set()
    for size in range(len(bundle)):
        frames, fault = read_until_fault(bundle[:size])
        assert type(fault) is TornBundle, size
        assert frames == whole[: len(frames)]
        seen.add(len(frames))
    assert len(whole) == 40
    assert seen == {0, 16, 32}  # a lot is handed over whole, as soon as its stamp is there


def test_a_stick_that_comes_back_with_zeros_is_torn_too() -> None:
    bundle = written_by(ANA, many_lots)
    stamps = (size for size in range(HEADER_SIZE, len(bundle)) if read_until_fault(bundle[:size])[0])
    good_size = next(stamps)
    frames, fault = read_until_fault(bundle[:good_size] + bytes(len(bundle) - good_size))
    assert type(fault) is TornBundle
    assert len(frames) == 16


def test_a_torn_copy_and_then_the_whole_are_the_whole() -> None:
    bundle = written_by(ANA, many_lots)
    whole = {repr(frame) for frame in read_until_fault(bundle)[0]}
    for size in range(0, len(bundle), 97):
        imported = {repr(frame) for frame in read_until_fault(bundle[:size])[0]}
        assert imported | {repr(frame) for frame in read_until_fault(bundle)[0]} == whole


def test_every_changed_byte_is_noticed() -> None:
    bundle = written_by(ANA, public_things)
    whole = read_until_fault(bundle)[0]
    for place in range(len(bundle)):
        for change in (0x01, 0x80, 0xFF):
            changed = bundle[:place] + bytes([bundle[place] ^ change]) + bundle[place + 1 :]
            frames, fault = read_until_fault(changed)
            assert fault is not None, (place, change)
            assert frames == whole[: len(frames)]


@pytest.mark.parametrize("key", [ANA, BEN], ids=["same writer", "another writer"])
def test_two_bundles_do_not_mix(key: Any) -> None:
    def otherwise(writer: BundleWriter) -> None:
        street_things(writer)
        many_lots(writer)

    one, other = written_by(ANA, many_lots), written_by(key, otherwise)
    whole, whole_other = read_until_fault(one)[0], read_until_fault(other)[0]
    for place in range(1, len(one), 11):
        mixed = one[:place] + other[place:]
        frames, fault = read_until_fault(mixed)
        if mixed == other:  # they begin alike
            assert frames == whole_other
        else:
            assert fault is not None
            assert frames == whole[: len(frames)]


def test_a_lot_with_its_own_stamp_moved_to_another_bundle_is_refused() -> None:
    def notes(letter: bytes) -> Callable[[BundleWriter], object]:
        return lambda writer: [writer.blob(digest(letter), 1, BytesIO(letter)) for _ in range(32)]

    one, other = written_by(ANA, notes(b"a")), written_by(ANA, notes(b"b"))
    lot_end = HEADER_SIZE + 16 * (5 + 48 + 1) + 69
    frames, fault = read_until_fault(one[:lot_end] + other[lot_end:])
    assert isinstance(fault, BadSignature)
    assert len(frames) == 16


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_bundle_reads_as_it_always_did(name: str) -> None:
    bundle, is_said = (VECTORS / f"{name}.hedge").read_bytes(), INDEX["bundles"][name]
    keys = {Scope(bytes.fromhex(scope)): EpochKey(bytes.fromhex(key)) for scope, key in INDEX["epoch_keys"].items()}
    member, stranger = outcome(bundle, keys), outcome(bundle, {})
    assert (member.frames, member.fault) == (is_said["frames"], is_said["fault"])
    assert stranger.frames == is_said.get("frames_without_key", is_said["frames"])
    assert stranger.fault == is_said.get("fault_without_key", is_said["fault"])


def test_every_published_file_is_in_the_index() -> None:
    assert sorted(path.stem for path in VECTORS.glob("*.hedge")) == sorted(SAMPLES)


def test_todays_writer_writes_the_published_bytes() -> None:
    for name, bundle in good():
        assert bundle == (VECTORS / f"{name}.hedge").read_bytes(), name
    for name, fault, bundle in bad():
        assert bundle == (VECTORS / f"{name}.hedge").read_bytes(), name
        assert INDEX["bundles"][name]["fault"] == fault
    assert expected() == INDEX


def test_the_example_of_the_format_page_is_the_published_file() -> None:
    page = (VECTORS.parents[2] / "mesh" / "spec" / "bundle-v1.md").read_text()
    example = page.split("```hex\n")[1].split("```")[0]
    digits = "".join(re.match(r"[0-9a-f ]*?(?=   |$)", line)[0] for line in example.splitlines())  # type: ignore[index]
    assert bytes.fromhex(digits) == (VECTORS / "empty.hedge").read_bytes()


def test_the_limits_of_the_format_page_are_the_programs() -> None:
    page = (VECTORS.parents[2] / "mesh" / "spec" / "bundle-v1.md").read_text()
    assert f"{FRAME_SIZE_MAX // KIBIBYTE} KiB" in page
    assert f"fewer than {LOOSE_FRAMES_MAX}" in page
    assert f"less than {LOOSE_SIZE_MAX // KIBIBYTE**2} MiB" in page
    assert f"{PIECE_SIZE_MAX // KIBIBYTE} KiB" in page
    assert f"at most {RUN_SIZE_MAX:,} bytes" in page
