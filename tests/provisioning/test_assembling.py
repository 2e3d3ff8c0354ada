"""A card as one file has the parts that a Pi and a laptop look for, each filled, and the same bytes each time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from appliance.errors import SettingsFault
from provisioning import assembling
from provisioning.assembling import PARTS, assemble
from provisioning.fat import fat_partition
from provisioning.running import EPOCH
from provisioning.writing import check_image

pytestmark = pytest.mark.real
IMAGE_BYTES_MAX = 1_200_000_000


def small_system(place: Path) -> Path:
    """A system with a file in each place that the assembling looks at."""
    for name, content in {
        "boot/firmware/config.txt": "arm_64bit=1\n",
        "boot/firmware/overlays/vc4.dtbo": "dt",
        "boot/vmlinuz-6.12": "kernel",
        "usr/share/hedgerow/open/EXAMPLE.yaml": "name: Elm Corner\n",
        "usr/bin/hedgerow": "#!/usr/bin/python3\n",
    }.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    subprocess.run(["find", place, "-exec", "touch", "--no-dereference", f"--date=@{EPOCH}", "{}", "+"], check=True)
    return place


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with the sizes of a real one."""
    place = tmp_path_factory.mktemp("image")
    return assemble(small_system(place / "system"), place / "hedgerow.img", place)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (40, 8, 8)
    small = tuple(part._replace(size_mib=size) for part, size in zip(PARTS, sizes, strict=True))
    monkeypatch.setattr(assembling, "PARTS", small)
    for name, part in zip(("OPEN", "SLOT", "DATA"), small, strict=True):
        monkeypatch.setattr(assembling, name, part)


def read(*words: str | Path) -> str:
    return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_parts_are_there(image: Path) -> None:
    table = json.loads(read("sfdisk", "--json", image))["partitiontable"]
    assert table["label"] == "dos"
    parts = table["partitions"]
    assert [part["size"] * 512 for part in parts] == [part.size_mib << 20 for part in PARTS]
    assert [part["type"] for part in parts] == ["c", "83", "83"]
    assert [part["node"].removeprefix(str(image)) for part in parts] == ["1", "2", "4"], "the third is made on the card"
    assert (parts[-1]["start"] + parts[-1]["size"]) * 512 == image.stat().st_size <= IMAGE_BYTES_MAX
    assert image.stat().st_blocks * 512 < 128 << 20, "what is empty takes no room"


def test_a_laptop_reads_the_open_part(image: Path) -> None:
    where = f"{image}@@{fat_partition(image).offset}"
    assert read("mtype", "-i", where, "::config.txt") == "arm_64bit=1\n"
    assert read("mtype", "-i", where, "::overlays/vc4.dtbo") == "dt"
    assert read("mtype", "-i", where, "::hedgerow/EXAMPLE.yaml") == "name: Elm Corner\n"
    assert "HEDGEBOOT" in read("mlabel", "-s", "-i", where, "::")


def test_the_slot_and_the_data_are_sound(image: Path, tmp_path: Path) -> None:
    starts = [
        part["start"] * 512 for part in json.loads(read("sfdisk", "--json", image))["partitiontable"]["partitions"]
    ]
    for part, start in ((1, starts[1]), (2, starts[2])):
        piece = tmp_path / "piece"
        with image.open("rb") as source:
            source.seek(start)
            piece.write_bytes(source.read(PARTS[part].size_mib << 20))
        read("e2fsck", "-fn", piece)
        assert f"volume name:   {PARTS[part].label}" in read("dumpe2fs", "-h", piece)
        if part == 1:
            assert "hedgerow" in read("debugfs", "-R", "ls /usr/bin", piece)
            assert "vmlinuz" not in read("debugfs", "-R", "ls /boot", piece)
        piece.unlink()


def test_the_fingerprint_lies_beside_it(image: Path) -> None:
    check_image(image)


@pytest.mark.usefixtures("small_parts")
def test_a_system_that_does_not_fit_is_told(tmp_path: Path) -> None:
    system = small_system(tmp_path / "system")
    (system / "large").write_bytes(b"x" * (10 << 20))
    with pytest.raises(SettingsFault, match="is it larger than its place"):
        assemble(system, tmp_path / "hedgerow.img", tmp_path)
