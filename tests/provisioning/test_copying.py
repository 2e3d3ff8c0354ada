"""The next card from the one that runs: it starts as any new card does, and brings nothing of this node along."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.next_card import drawn
from appliance.updates.slots import Card
from provisioning import number
from provisioning.assembling import DATA, MIB, OPEN, SLOT, START_MIB
from provisioning.copying import copied
from provisioning.fat import fat_partition
from provisioning.writing import write
from tests.provisioning.seeds import sow

pytestmark = pytest.mark.real

SYSTEMS = (b"system A", b"system B")
RUNNING = 0x0A11CE5E
SECRET = b"known to this node alone"


def running(room: Path, slot: int) -> Card:
    """Return a card as a node sees it that has run for a year, with two systems, and things of its own on the open part."""
    place = room / "firmware"
    for letter in "ab":
        folder = place / letter / "overlays"
        folder.mkdir(parents=True)
        (folder / "vc4.dtbo").write_bytes(b"dt")
        (place / letter / "vmlinuz").write_bytes(b"kernel " + letter.encode())
        part = 2 + "ab".index(letter)
        (place / letter / "cmdline.txt").write_text(f"root=PARTUUID={RUNNING:08x}-0{part} ro\n", encoding="ascii")
    (place / "config.txt").write_text(f"os_prefix={'ab'[slot]}/\narm_64bit=1\n", encoding="ascii")
    (place / "fallback.txt").write_bytes(SECRET)
    (place / "start4.elf").write_bytes(b"starter")
    (place / "hedgerow").mkdir()
    for name in ("node.yaml", "STATUS.txt", "copies.txt", "oak.invite"):
        (place / "hedgerow" / name).write_bytes(SECRET)
    (place / "hedgerow/EXAMPLE.yaml").write_bytes(b"# an example")
    (place / "hedgerow/update-keys.txt").write_bytes(b"# who may sign")
    slots = []
    for slot_number, content in enumerate(SYSTEMS):
        device = room / f"slot{slot_number}"
        with device.open("wb") as file:
            file.write(content)
            file.truncate(SLOT.size_mib * MIB)
        slots.append(device)
    return Card(place, (slots[0], slots[1]), slot)


def on_the_open_part(card: Path, place: str) -> bytes:
    where = f"{card}@@{fat_partition(card).offset}"
    return subprocess.run(["mtype", "-i", where, f"::{place}"], check=True, capture_output=True, timeout=60).stdout


@pytest.mark.parametrize("slot", [0, 1])
def test_the_next_card(tmp_path: Path, slot: int) -> None:
    seed = drawn(seeds.read_whole(sow(tmp_path / "seed", name="Old Oak", keeper={"name": "Mara"}), seeds.DATA))
    target = tmp_path / "card"
    target.touch()
    with copied(running(tmp_path, slot), seed) as layers:
        assert layers.size_bytes == (START_MIB + OPEN.size_mib + SLOT.size_mib + DATA.size_mib) * MIB
        with target.open("r+b") as file:
            file.truncate(layers.size_bytes)
        write(layers, target)
    assert on_the_open_part(target, "config.txt").startswith(b"os_prefix=a/\n")
    own = number.of(target)
    assert own not in {0, number.OF_IMAGES, RUNNING}, "two cards in one board are told apart"
    assert on_the_open_part(target, "a/cmdline.txt") == b"root=PARTUUID=%08x-02 ro\n" % own
    assert on_the_open_part(target, "a/vmlinuz") == b"kernel " + b"ab"[slot : slot + 1]
    assert on_the_open_part(target, "a/overlays/vc4.dtbo") == b"dt"
    assert on_the_open_part(target, "start4.elf") == b"starter"
    assert on_the_open_part(target, "hedgerow/EXAMPLE.yaml") == b"# an example"
    assert on_the_open_part(target, "hedgerow/update-keys.txt") == b"# who may sign"
    (tmp_path / "told").mkdir()
    (tmp_path / "told/node.yaml").write_bytes(on_the_open_part(target, "hedgerow/node.yaml"))
    assert seeds.read(tmp_path / "told/node.yaml", seeds.DATA) == seed
    where = f"{target}@@{fat_partition(target).offset}"
    listed = subprocess.run(["mdir", "-i", where, "-b", "-/", "::"], check=True, capture_output=True, text=True).stdout
    assert "::/b/" not in listed
    assert "fallback" not in listed
    begin = (START_MIB + OPEN.size_mib) * MIB
    with target.open("rb") as file:
        whole = file.read(begin)
        assert SECRET not in whole
        assert file.read(8) == SYSTEMS[slot]
    table = subprocess.run(["sfdisk", "--dump", target], check=True, capture_output=True, text=True, timeout=60).stdout
    assert [line.split()[0].removeprefix(str(target)) for line in table.splitlines() if "start=" in line] == [
        "1",
        "2",
        "4",
    ]
    data = tmp_path / "data"
    with target.open("rb") as file, data.open("wb") as part:
        file.seek(begin + SLOT.size_mib * MIB)
        part.write(file.read())
    subprocess.run(["e2fsck", "-fn", data], check=True, capture_output=True, timeout=60)


def test_a_card_of_another_layout_is_not_copied(tmp_path: Path) -> None:
    card = running(tmp_path, 0)
    with card.slots[0].open("r+b") as file:
        file.truncate(MIB)
    seed = drawn(seeds.read_whole(sow(tmp_path / "seed"), seeds.DATA))
    with pytest.raises(SettingsFault, match="Make the next one with an image"), copied(card, seed):
        pass
