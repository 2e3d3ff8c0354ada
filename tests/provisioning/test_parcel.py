"""Our package holds what a card needs and nothing of a node or a test; equal sources give equal bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provisioning import parcel

pytestmark = pytest.mark.real


def test_equal_sources_give_an_equal_package(tmp_path: Path) -> None:
    packages = []
    for name in ("one", "other"):
        room = tmp_path / name
        room.mkdir()
        packages.append(parcel.build(room, room / "parcel"))
    assert packages[0].read_bytes() == packages[1].read_bytes()
    listed = subprocess.run(
        ["dpkg-deb", "-c", packages[0]], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "./usr/lib/systemd/system/hedgerow-portal.service.d/20-doors.conf" in listed
    assert "root/root" in listed
    assert not [line for line in listed.splitlines() if "__pycache__" in line or "/tests/" in line]
    units = {Path(line.split()[-1]).name for line in listed.splitlines() if "system/hedgerow" in line}
    assert units >= {path.name for path in (parcel.HOUSE / "systemd").glob("*.service")}


def test_every_library_the_project_names_is_a_package_of_the_card() -> None:
    text = (parcel.HOUSE / "pyproject.toml").read_text(encoding="utf-8")
    wanted = text.partition("\ndependencies = [")[2].partition("]")[0]
    names = [line.strip().strip('",').split(">")[0] for line in wanted.splitlines() if line.strip().startswith('"')]
    unlike = {
        "argon2-cffi": "argon2",
        "pillow": "pil",
        "pyyaml": "yaml",
        "pyserial": "serial",
        "markdown-it-py": "markdown-it",
    }
    held = set(parcel.packages("packages.txt"))
    assert not [name for name in names if f"python3-{unlike.get(name, name)}" not in held]
