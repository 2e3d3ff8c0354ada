"""A bundle of any size takes little memory, and about the time that copying and digesting its bytes takes."""

from __future__ import annotations

import random
import subprocess
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

import pytest

from mesh.bundle import CLOSING_SIZE, FAT32_SIZE_MAX, HEADER_SIZE, BundleWriter, read_bundle
from mesh.errors import Malformed
from mesh.frames import KIBIBYTE, PIECE_SIZE_MAX, BlobFrame, RunsFrame
from mesh.keys import PUBLIC, Scope, digest
from mesh.log import Run
from mesh.record import Record
from tests.mesh.bundle_samples import ANA, KEYS, STREET, frame_of, run_of

MEBIBYTE = KIBIBYTE * KIBIBYTE
BLOB_SIZE = 64 * MEBIBYTE
MEMORY_MAX = 6 * MEBIBYTE  # a lot of 1 MiB and a frame, as bytes and as frames


@pytest.fixture
def zine(tmp_path: Path) -> Path:
    path = tmp_path / "zine.pdf"
    chunk = random.Random(1).randbytes(MEBIBYTE)
    with path.open("wb") as file:
        for _ in range(BLOB_SIZE // MEBIBYTE):
            file.write(chunk)
    return path


def bundle_of(zine: Path, scope: Scope) -> Path:
    path = zine.with_suffix(".hedge")
    with path.open("wb") as file, zine.open("rb") as content:
        writer = BundleWriter(file, ANA, KEYS)
        assert writer.blob(bytes(32), BLOB_SIZE, content, scope)
        writer.close()
    return path


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    for frame in read_bundle(file, KEYS):
        assert isinstance(frame, BlobFrame)
        yield frame.content


@pytest.mark.parametrize("scope", [PUBLIC, STREET], ids=["in clear", "sealed"])
@pytest.mark.parametrize("size", [0, 1, PIECE_SIZE_MAX - 1, PIECE_SIZE_MAX, PIECE_SIZE_MAX + 1, 20 * PIECE_SIZE_MAX])
def test_a_file_goes_in_whole_or_not_at_all(size: int, scope: Scope) -> None:
    at_most = _whole(size, scope, FAT32_SIZE_MAX)
    assert at_most
    spare = range(max(at_most, HEADER_SIZE + CLOSING_SIZE), at_most + 512)  # a file that only just fits may be left out
    assert any(_whole(size, scope, size_max) == at_most for size_max in spare)


def _whole(size: int, scope: Scope, size_max: int) -> int:
    """Return the size of the bundle that holds a file of `size` bytes, 0 if it was left out."""
    file = BytesIO()
    writer = BundleWriter(file, ANA, KEYS, size_max)
    went_in = writer.blob(bytes(32), size, BytesIO(bytes(size)), scope)
    assert writer.close().size == len(file.getvalue()) <= size_max
    assert sum(len(piece) for piece in pieces_of(BytesIO(file.getvalue()))) == size * went_in
    return len(file.getvalue()) if went_in else 0


@pytest.mark.parametrize("scope", [PUBLIC, STREET], ids=["in clear", "sealed"])
def test_a_large_file_streams_through_little_memory(zine: Path, scope: Scope) -> None:
    tracemalloc.start()
    try:
        bundle = bundle_of(zine, scope)
        with bundle.open("rb") as file, zine.open("rb") as content:
            for piece in pieces_of(file):
                assert content.read(len(piece)) == piece
            assert not content.read(1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_MAX


def test_a_hostile_bundle_without_stamps_is_dropped_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.hedge"
    with path.open("wb") as file:
        file.write(b"HEDGEROW\x01" + ANA.public_key)
        for _ in range(200):
            file.write(frame_of(3, bytes(255 * KIBIBYTE)))
    tracemalloc.start()
    try:
        with path.open("rb") as file, pytest.raises(Malformed, match="a stamp is missing"):
            list(read_bundle(file, KEYS))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_MAX


def seconds(*commands: list[str]) -> float:
    start = perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


@pytest.mark.alone
def test_how_fast_files_go_in_and_out(zine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged, for other work on the machine would decide. Target: half the pace of `cp` and `b2sum`."""
    copy = zine.with_suffix(".copy")
    for scope, name in ((PUBLIC, "in clear"), (STREET, "sealed")):
        plain_s = seconds(["cp", str(zine), str(copy)], ["b2sum", "-l", "256", str(copy)])
        start = perf_counter()
        bundle = bundle_of(zine, scope)
        written = perf_counter()
        with bundle.open("rb") as file:
            assert sum(map(len, pieces_of(file))) == BLOB_SIZE
        read_s, write_s = perf_counter() - written, written - start
        with capsys.disabled():
            print(f"\n{name}: write {plain_s / write_s:.2f}, read {plain_s / read_s:.2f} of cp + b2sum")


@pytest.mark.alone
def test_how_fast_records_go_in_and_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Printed, not judged. Reading parses every record strictly, so its pace is that of CBOR, not that of a copy."""
    said = [
        Record.new([16, 1_760_000_000 + n, b"ben", 30], f"{n} loaves, rye", digest(b"")[:16]) for n in range(10_000)
    ]
    runs = [run_of(ANA, PUBLIC, said[n : n + 10])[0] for n in range(0, len(said), 10)]
    path = tmp_path / "records.hedge"
    start = perf_counter()
    with path.open("wb") as out:
        writer = BundleWriter(out, ANA, KEYS)
        assert writer.runs(PUBLIC, runs)
        size = writer.close().size
    written = perf_counter()
    with path.open("rb") as file:
        assert list(runs_of(file)) == runs
    read_s, write_s = perf_counter() - written, written - start
    with capsys.disabled():
        pace = f"write {len(said) / write_s:,.0f}, read {len(said) / read_s:,.0f} records a second"
        print(f"\n{pace}, {size / len(said):.1f} bytes a record")


def runs_of(file: BinaryIO) -> Iterator[Run]:
    for frame in read_bundle(file, KEYS):
        assert isinstance(frame, RunsFrame)
        yield from frame.runs
