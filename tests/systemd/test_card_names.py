"""Which card's parts are called ours: real udevd, with our rule, on a machine that has two cards of one number and one layout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from provisioning.number import OF_IMAGES
from tests.provisioning.twin import run
from tests.systemd.readers import CARD_MIB, MIB, Reader, does

pytestmark = pytest.mark.real

TELL: Final = """
tell() {
    for part in "$@"; do echo "/sys/class/block/${part##*/}"; done | xargs udevadm trigger --action="$action" --settle
}
show() { for name in open data; do readlink -f "/dev/hedgerow/$name" || echo none; done; }
"""
SLOT_MIB: Final = 16


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        found = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            found.append(Reader(tmp_path / name, OF_IMAGES))
            stack.callback(found[-1].take_out)
        yield found


@pytest.mark.parametrize("own", [0, 1])
def test_only_parts_of_the_disk_that_the_system_runs_from_are_called_ours(
    readers: list[Reader], own: int, tmp_path: Path
) -> None:
    said = does(
        f'{TELL} action=add tell "$@" && show; action=change tell "$@" && show', tmp_path, readers[own], readers
    )
    assert said.splitlines() == [readers[own].part(number) for number in (1, 4)] * 2


def test_a_new_card_gets_its_second_slot_and_the_data_grows(readers: list[Reader], tmp_path: Path) -> None:
    """What the card held before, where the second slot comes to lie, is no system any more, whatever it was called."""
    ours, border = readers[0], (CARD_MIB - SLOT_MIB) * MIB
    run("mkfs.ext4", "-q", "-L", "hedgerow-a", "-E", f"offset={border}", ours.device, f"{SLOT_MIB}M")
    kernel = f"for number in 2 3 4; do cat /sys/class/block/{Path(ours.part(0)).name[:-1]}$number/start; done"
    script = f'{TELL} action=add tell "$@"; /grow-data && show && {kernel}; /grow-data; udevadm settle; show'
    said = does(script, tmp_path, ours, readers).splitlines()
    names = [ours.part(1), ours.part(4)]
    assert said == [*names, *(str(at * MIB // 512) for at in (3, CARD_MIB - SLOT_MIB, 19)), *names]
    table = subprocess.run(["sfdisk", "--json", ours.device], check=True, capture_output=True, timeout=60).stdout
    parts = {part["node"]: part["size"] * 512 // MIB for part in json.loads(table)["partitiontable"]["partitions"]}
    assert parts == {ours.part(1): 2, ours.part(2): 16, ours.part(3): 16, ours.part(4): CARD_MIB - SLOT_MIB - 19}
    assert "LABEL" not in run("blkid", "--cache-file", "/dev/null", "--probe", ours.part(3), code=None)
    assert not Path(readers[1].part(3)).exists(), "the other card is not ours"
