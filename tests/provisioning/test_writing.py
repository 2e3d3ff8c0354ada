"""Every byte is read back: a flipped one is found, a cut is gone on from, and a card that is not whole starts nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Final

import pytest

from appliance.errors import Refused
from provisioning.writing import CHUNK, Flaw, Layer, Layers, Phase, Progress, check_image, of_image, write

SIZE: Final = 9 * CHUNK + 12_345
KILLED: Final = """
import os, signal, sys
from pathlib import Path
from provisioning.writing import Phase, of_image, write

def tell(progress):
    if progress.phase is Phase.WRITING and progress.done_bytes >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

write(of_image(Path(sys.argv[1])), Path(sys.argv[2]), tell)
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "hedgerow.img"
    file.write_bytes(Random(1).randbytes(SIZE))
    return file


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card with something on it, a little larger than the image."""
    file = tmp_path / "card"
    file.write_bytes(Random(2).randbytes(SIZE + 4096))
    return file


@contextmanager
def worn_at(offset: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A card that gives one bit back wrong, as the medium itself does: what is written passes, what is read is not it."""
    really = os.pread

    def pread(handle: int, size: int, at: int) -> bytes:
        content = bytearray(really(handle, size, at))
        if at <= offset < at + size:
            content[offset - at] ^= 0x10
        return bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", pread)
        yield


def test_a_card_holds_the_image_afterwards_and_keeps_what_lies_beyond(image: Path, card: Path) -> None:
    beyond = card.read_bytes()[SIZE:]
    told: list[Progress] = []
    done = write(of_image(image), card, told.append)
    assert card.read_bytes() == image.read_bytes() + beyond
    assert done.fingerprint == blake2b(image.read_bytes(), digest_size=32).hexdigest()
    assert {progress.phase for progress in told} == set(Phase)
    assert [p.done_bytes for p in told if p.phase is Phase.WRITING] == sorted(
        p.done_bytes for p in told if p.phase is Phase.WRITING
    )


@pytest.mark.parametrize("offset", [0, 1, CHUNK - 1, CHUNK, 5 * CHUNK + 99, SIZE - 1])
def test_one_flipped_bit_is_found_where_it_is(
    image: Path, card: Path, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worn_at(offset, monkeypatch), pytest.raises(Refused) as refusal:
        write(of_image(image), card)
    assert refusal.value.verdict is Flaw.WRONG_BYTES
    assert f"at byte {offset}." in str(refusal.value)


def test_a_card_found_wrong_has_no_beginning(image: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with worn_at(3 * CHUNK, monkeypatch), pytest.raises(Refused):
        write(of_image(image), card)
    assert not any(card.read_bytes()[:CHUNK])


@pytest.mark.real
@pytest.mark.parametrize("after", [1, 4, 8])
def test_a_cut_is_gone_on_from(image: Path, card: Path, after: int) -> None:
    words = [sys.executable, "-c", KILLED, str(image), str(card), str(after * CHUNK)]
    assert subprocess.run(words, check=False, timeout=60).returncode == -signal.SIGKILL
    assert not any(card.read_bytes()[:CHUNK]), (
        "what was cut off starts no computer, not even with what was there before"
    )
    done = write(of_image(image), card)
    assert card.read_bytes()[:SIZE] == image.read_bytes()
    assert done.written_bytes <= SIZE - after * CHUNK, "what was there was not written again"


def test_several_files_make_one_card(card: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1" * 10)
    two.write_bytes(b"2" * (CHUNK + 5) + b"beyond")
    layers = Layers([Layer(one, 0, 10), Layer(two, CHUNK - 3, CHUNK + 5)])
    write(layers, card)
    assert card.read_bytes()[: layers.size_bytes] == b"1" * 10 + bytes(CHUNK - 13) + b"2" * (CHUNK + 5)


def test_whoever_may_not_write_to_disks_is_told_how(image: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shut(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", shut)
    with pytest.raises(Refused, match="Type sudo before the command"):
        write(of_image(image), card)


def test_what_is_right_already_is_not_written(image: Path, card: Path) -> None:
    write(of_image(image), card)
    assert write(of_image(image), card).written_bytes == 0


def test_a_file_lies_over_its_part_of_the_image(image: Path, card: Path, tmp_path: Path) -> None:
    over = tmp_path / "over"
    over.write_bytes(b"seed" * 1_300_000)
    offset = 2 * CHUNK - 77
    write(of_image(image, Layer(over, offset, over.stat().st_size)), card)
    wanted = bytearray(image.read_bytes())
    wanted[offset : offset + over.stat().st_size] = over.read_bytes()
    assert card.read_bytes()[:SIZE] == bytes(wanted)


def test_a_disk_in_use_is_refused_by_the_kernel_too(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[int] = []
    really = os.open

    def opened(path: Path, how: int, *more: int) -> int:
        flags.append(how)
        return really(path, how, *more)

    (tmp_path / "card").write_bytes(bytes(SIZE))
    monkeypatch.setattr(os, "open", opened)
    write(of_image(image), tmp_path / "card")
    assert all(how & os.O_EXCL for how in flags)


def test_an_image_is_checked_against_the_fingerprint_beside_it(image: Path) -> None:
    check_image(image)
    beside = image.with_name(f"{image.name}.b2")
    beside.write_text(f"{blake2b(image.read_bytes(), digest_size=32).hexdigest()}  {image.name}\n", encoding="ascii")
    check_image(image)
    content = bytearray(image.read_bytes())
    content[7] ^= 1
    image.write_bytes(content)
    with pytest.raises(Refused, match="is not the one"):
        check_image(image)


def test_a_card_that_is_pulled_out_says_where(image: Path, card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pwrite", gone)
    with pytest.raises(Refused, match="at byte 0: Input/output error"):
        write(of_image(image), card)
