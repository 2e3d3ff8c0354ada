"""`hedgerow provision` as a keeper types it, from the settings to a card that is read back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from appliance.updates.held import KEYS
from provisioning import fat, number, writing
from tests.appliance.shell import done, hedgerow, refused, told
from tests.appliance.updates.cards import keepers
from tests.provisioning.seeds import sow

pytestmark = pytest.mark.real
SIZE = 24 << 20
FIRST = 2048
LINE = "console=tty0 root=PARTUUID={number:08x}-02 ro quiet\n"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image as ours are: a table of partitions, FAT first, something behind it."""
    place = tmp_path_factory.mktemp("image")
    file, small = place / "hedgerow.img", place / "fat"
    with small.open("wb") as target:
        target.truncate(16 << 20)
    subprocess.run(["mkfs.vfat", "-n", "HEDGEBOOT", small], check=True, capture_output=True, timeout=60)
    line = place / "cmdline.txt"
    line.write_text(LINE.format(number=number.OF_IMAGES), encoding="ascii")
    subprocess.run(["mmd", "-i", small, "::a"], check=True, timeout=60)
    subprocess.run(["mcopy", "-i", small, line, "::a/cmdline.txt"], check=True, timeout=60)
    file.write_bytes(bytes(SIZE - 4096) + b"behind" * 600 + bytes(496))
    table = f"label: dos\nlabel-id: {number.OF_IMAGES:#010x}\nstart={FIRST}, size={(16 << 20) // 512}, type=c\n"
    subprocess.run(["sfdisk", "-q", file], input=table, text=True, check=True, timeout=60)
    with file.open("r+b") as whole:
        whole.seek(FIRST * 512)
        whole.write(small.read_bytes())
    return file


def read_from(card: Path, name: str) -> str:
    where = f"{card}@@{FIRST * 512}"
    words = ["mtype", "-i", where, f"::{name}"]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def test_check_says_what_a_file_means_and_what_is_wrong(tmp_path: Path) -> None:
    file = sow(tmp_path)
    assert "Elm Corner founds Elm Street, which counts loaves." in done("provision", "check", file)
    assert told("provision", "check", file)["wifi"] == {"name": "Elm; Corner", "country": "DE", "secured": True}
    sow(tmp_path, keeper={"nam": "Ana"})
    assert "keeper.nam is not a setting. Did you mean name?" in refused("provision", "check", file, code=2)


def test_a_card_is_written_with_its_papers_and_read_back(tmp_path: Path, image: Path) -> None:
    file, card = sow(tmp_path, wifi={"name": "Elm", "country": "DE"}, keeper={"name": "Ana"}), tmp_path / "card.img"
    (tmp_path / KEYS).write_text(keepers().as_text(), encoding="utf-8")
    said = done_in_spite_of_progress("provision", "write", file, "--image", image, "--file", card)
    assert "each byte read back" in said
    assert read_from(card, f"{fat.FOLDER}/{KEYS}") == keepers().as_text()
    seed = read_from(card, f"{fat.FOLDER}/node.yaml")
    assert "name: Elm Corner" in seed
    assert card.read_bytes()[(FIRST * 512) + (16 << 20) :] == image.read_bytes()[(FIRST * 512) + (16 << 20) :]
    begin, place = image.read_bytes()[: FIRST * 512], number.PLACE
    assert card.read_bytes()[:place] + card.read_bytes()[place + 4 : FIRST * 512] == begin[:place] + begin[place + 4 :]
    papers = tmp_path / "node-papers.pdf"
    assert papers.stat().st_mode & 0o077 == 0
    subprocess.run(["pdftoppm", "-r", "100", "-png", "-l", "1", papers, tmp_path / "page"], check=True, timeout=60)
    with Image.open(next(tmp_path.glob("page-*.png"))) as page:
        texts = {found.text for found in zxingcpp.read_barcodes(page)}
    (wifi,) = (text for text in texts if text.startswith("WIFI:"))
    drawn = wifi.partition("P:")[2].removesuffix(";;")
    assert len(drawn) >= 14
    assert drawn in seed, "the poster and the card say the same"
    again = done_in_spite_of_progress("provision", "write", sow(tmp_path), "--image", image, "--file", card)
    assert "Written anew" in again


def test_each_card_has_a_number_of_its_own(tmp_path: Path, image: Path) -> None:
    """By it the starter finds the system; a card whose writing was cut off is gone on with, and has one number in the end."""
    found, file = set(), sow(tmp_path)
    for name in ("one", "two", "two"):
        card = tmp_path / name
        if card.exists():
            with card.open("r+b") as cut:
                cut.write(bytes(writing.CHUNK))
        done_in_spite_of_progress("provision", "write", file, "--image", image, "--file", card)
        own = number.of(card)
        assert read_from(card, "a/cmdline.txt") == LINE.format(number=own)
        found.add(own)
        assert not found & {0, number.OF_IMAGES}
        open_part = tmp_path / "open"
        open_part.write_bytes(card.read_bytes()[FIRST * 512 :][: 16 << 20])
        subprocess.run(["fsck.vfat", "-n", open_part], check=True, capture_output=True, timeout=60)
    assert len(found) == 3
    assert number.of(image) == number.OF_IMAGES


def done_in_spite_of_progress(*words: str | Path) -> str:
    """Progress goes to standard error, where nothing else is."""
    run = hedgerow(*words)
    assert run.returncode == 0, run.stderr
    assert set(run.stderr.replace("writing", "").replace("reading back", "").split()) <= {"." * 20}
    return run.stdout


def test_what_is_no_card_is_refused(tmp_path: Path, image: Path) -> None:
    file = sow(tmp_path)
    assert "There is no disk called sdzz" in refused("provision", "write", file, "--image", image, "--disk", "sdzz")
    assert "is no file" in refused("provision", "write", file, "--image", image, "--file", "/dev/null", code=2)
    photos, before = tmp_path / "photos.zip", image.read_bytes()
    photos.write_bytes(b"of the children")
    (tmp_path / KEYS).write_text("needed two\n", encoding="utf-8")
    assert "wrong in line 1" in refused("provision", "write", file, "--image", image, "--file", tmp_path / "x.img")
    (tmp_path / KEYS).unlink()
    for other in (photos, image):
        out = refused("provision", "write", file, "--image", image, "--file", other, code=2)
        assert "is there already, and is no card of ours" in out
    assert (photos.read_bytes(), image.read_bytes() == before) == (b"of the children", True)
    bad = tmp_path / "bad.img"
    bad.write_bytes(bytes(4096))
    out = refused("provision", "write", file, "--image", bad, "--file", tmp_path / "x.img")
    assert "no part that a laptop can read" in out
    with bad.with_name("bad.img.b2").open("w", encoding="ascii") as beside:
        beside.write("00 bad.img\n")
    assert "is not the one" in refused("provision", "write", file, "--image", bad, "--file", tmp_path / "x.img")


def test_the_machine_s_own_disks_are_listed_with_their_dangers() -> None:
    for disk in told("provision", "disks")["disks"]:
        assert disk["danger"], disk


def test_cards_are_printed(tmp_path: Path) -> None:
    assert "three pages" in done(
        "provision", "cards", sow(tmp_path), "-o", tmp_path / "papers.pdf", "--paper", "Letter"
    )
    assert (tmp_path / "papers.pdf").read_bytes().startswith(b"%PDF")
