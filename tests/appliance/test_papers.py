"""What is printed is read back by an outside reader: the squares as a phone does, the words as a person."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.papers import sheets, wifi_square
from appliance.wifi import Wifi
from tests.provisioning.seeds import sow

DATA = Path("/var/lib/hedgerow/node")

pytestmark = pytest.mark.real


def printed(pdf: bytes, room: Path) -> list[Image.Image]:
    (room / "papers.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "100", "-png", room / "papers.pdf", room / "page"], check=True, timeout=60)
    pages = []
    for file in sorted(room.glob("page-*.png")):
        with Image.open(file) as page:
            pages.append(page.convert("L"))
    return pages


def words(room: Path) -> str:
    done = subprocess.run(
        ["pdftotext", room / "papers.pdf", "-"], check=True, capture_output=True, text=True, timeout=60
    )
    return " ".join(done.stdout.split())


def squares(page: Image.Image) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(page)}


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_papers_of_a_node(tmp_path: Path, paper: str) -> None:
    seed = seeds.read_whole(sow(tmp_path), DATA)
    poster, keeper, courier = printed(sheets(seed, paper), tmp_path)
    assert squares(poster) == {r"WIFI:T:WPA;S:Elm\; Corner;P:bread,and\:roses;;", "http://hedge.lan"}
    assert squares(keeper) == {"http://hedge.lan/steward"}
    assert squares(courier) == {"http://hedge.lan/carry"}
    text = words(tmp_path)
    for said in ("Elm Corner", "Its password: bread,and:roses", "PIN: 471100", "what-happened.txt"):
        assert said in text


def test_letters_of_other_scripts_and_long_names_stay_on_the_page(tmp_path: Path) -> None:
    name = "شارع الدردار والبيوت التي حوله كلها"
    seed = seeds.read_whole(sow(tmp_path, name=name, wifi={"name": "榆樹", "country": "TW", "open": True}), DATA)
    poster, *_ = printed(sheets(seed, "A4"), tmp_path)
    assert "WIFI:S:榆樹;;" in {text.replace("T:nopass;", "") for text in squares(poster)}
    assert "It has no password." in words(tmp_path)


def test_what_was_erased_cannot_be_printed(tmp_path: Path) -> None:
    seed = seeds.without_secrets(seeds.read_whole(sow(tmp_path), DATA))
    with pytest.raises(SettingsFault, match="before the card is written"):
        sheets(seed, "A4")


def test_an_open_network_is_told_as_one() -> None:
    assert "P:" not in wifi_square(Wifi("Elm", "DE", is_open=True))
