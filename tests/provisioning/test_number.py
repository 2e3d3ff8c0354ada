"""A number is drawn for each card, and given only to one that finds its system by it."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import pytest

from provisioning import assembling, fat, number


def test_none_is_drawn_that_means_nothing_or_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    throws = [0, number.OF_IMAGES, 7, 0xFFFFFFFF]
    monkeypatch.setattr(secrets, "randbits", lambda bits: throws.pop(0) if bits == 32 else 0)
    assert (number.drawn(), number.drawn()) == (7, 0xFFFFFFFF)


@pytest.mark.real
@pytest.mark.parametrize(
    "line", [None, b"", b"root=LABEL=hedgerow-a ro\n", b"root=PARTUUID=00000007-02 ro\n", b"\xff" * 2000]
)
def test_what_finds_its_system_otherwise_is_left_as_it_is(tmp_path: Path, line: bytes | None) -> None:
    image, open_part, file = tmp_path / "image", tmp_path / "open", tmp_path / "cmdline.txt"
    assembling.lay_table(image)
    assert number.of(image) == number.OF_IMAGES
    assembling.blank_open_part(open_part)
    if line is not None:
        file.write_bytes(line)
        subprocess.run(["mmd", "-i", open_part, "::a"], check=True, timeout=60)
        fat.put(open_part, file, number.LINE)
    before = open_part.read_bytes()
    assert number.given(7, image, open_part, tmp_path) == []
    assert open_part.read_bytes() == before


@pytest.mark.real
def test_the_table_bears_it_where_programs_look(tmp_path: Path) -> None:
    image = tmp_path / "image"
    assembling.lay_table(image, 0x00C0FFEE)
    assert number.of(image) == 0x00C0FFEE
    said = subprocess.run(["sfdisk", "--disk-id", image], check=True, capture_output=True, text=True, timeout=60).stdout
    assert said.strip() == "0x00c0ffee"
