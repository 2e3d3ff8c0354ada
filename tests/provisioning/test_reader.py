"""A card in a reader of the node: nothing but the card that was put in after the wish, and that the keeper said yes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.handover import Handover, Progress, Stage
from appliance.seed import Seed
from provisioning.reader import FREE_S, INSERT_S, YES_S, Reader
from provisioning.writing import CHUNK, Layers, of_image
from tests.provisioning.machine import GB, MMC, USB, Machine
from tests.provisioning.seeds import sow

SIZE = 3 * CHUNK


class Node:
    """A node that runs from its own card, a desk, and what happens while the service rests."""

    def __init__(self, room: Path) -> None:
        self.machine = Machine(room / "machine")
        self.machine.disk("mmcblk0", 32 * GB, MMC, removable="0", type="SD")
        self.machine.mount(self.machine.part("mmcblk0", "mmcblk0p2", "hedgerow-a"), "/")
        self.image = room / "image"
        self.image.write_bytes(bytes(range(256)) * (SIZE // 256))
        for place in ("wishes", "answers"):
            (room / place).mkdir()
        self.desk = Handover(room / "wishes", room / "answers")
        seed = sow(room / "seed")
        self.desk.ask({seed.name: seed.read_bytes()})
        self.happenings: dict[int, Callable[[], object]] = {}
        self.stages: list[Progress] = []
        self.rests = 0

    def rest(self, _: float) -> None:
        self.rests += 1
        self.stages.append(self.desk.progress())
        self.happenings.get(self.rests, lambda: None)()

    def put_in(self, name: str = "sda", size: int = 16 * GB, way: str = USB) -> Path:
        medium = self.machine.disk(name, size, way)
        medium.write_bytes(b"holiday" * (SIZE // 7 + 1000))
        return medium

    def agree(self) -> None:
        self.desk.agree(self.desk.progress().mark)

    def run(self) -> str:
        @contextmanager
        def make(seed: Seed) -> Iterator[Layers]:
            assert seed.settings.name == "Elm Corner"
            yield of_image(self.image)

        return Reader(self.desk, make, self.machine.root, self.rest).carry_out()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_a_card_that_is_put_in_and_agreed_to_is_written(node: Node) -> None:
    node.happenings = {3: node.put_in, 6: node.agree}
    assert "each byte read back" in node.run()
    medium = node.machine.root / "dev/sda"
    assert medium.read_bytes()[:SIZE] == node.image.read_bytes()
    told = [progress.stage for progress in node.stages]
    assert told[0] is Stage.WAITING
    assert Stage.ASKING in told
    end = node.desk.progress()
    assert (end.stage, end.percent, len(end.fingerprint)) == (Stage.DONE, 100, 64)
    assert "SanDisk Ultra, 16.0 GB" in end.card
    assert not node.desk.wish.exists(), "password and PIN are gone from memory too"


def test_what_was_in_already_is_never_taken(node: Node) -> None:
    medium = node.put_in()
    before = medium.read_bytes()
    assert "No card came" in node.run()
    assert node.rests == INSERT_S
    assert medium.read_bytes() == before
    assert node.desk.progress().stage is Stage.FAILED


def test_without_a_yes_nothing_is_written(node: Node) -> None:
    node.happenings = {1: node.put_in}
    assert "Nobody said yes" in node.run()
    assert node.rests >= YES_S
    assert (node.machine.root / "dev/sda").read_bytes().startswith(b"holiday")


def test_a_yes_to_another_card_is_none(node: Node) -> None:
    node.happenings = {1: node.put_in, 3: lambda: node.desk.agree("sdb 7")}
    assert "Nobody said yes" in node.run()
    assert (node.machine.root / "dev/sda").read_bytes().startswith(b"holiday")


def test_a_card_that_was_swapped_after_the_question_is_not_written(node: Node) -> None:
    def swap() -> None:
        node.agree()
        node.machine.write(f"sys/{USB}/block/sda/diskseq", "99\n")

    node.happenings = {1: node.put_in, 4: swap}
    assert "is not the disk that it was" in node.run()
    assert (node.machine.root / "dev/sda").read_bytes().startswith(b"holiday")


def test_a_wish_that_is_given_up_ends(node: Node) -> None:
    node.happenings = {2: node.desk.give_up}
    assert "given up" in node.run()
    assert node.rests == 2


def test_a_card_that_is_exchanged_with_is_waited_for_and_then_refused(node: Node) -> None:
    def put_in() -> None:
        node.put_in()
        node.machine.mount(node.machine.part("sda", "sda1", "HOLIDAY"), "/run/hedgerow-stick-sda1")

    node.happenings = {1: put_in}
    assert "is in use at" in node.run()
    assert node.rests >= FREE_S


@pytest.mark.parametrize(
    ("size", "way", "words"),
    [(1_000_000, USB, "too small"), (2000 * GB, USB, "larger than cards usually are"), (16 * GB, MMC, "built in")],
)
def test_dangerous_ones_are_refused(node: Node, size: int, way: str, words: str) -> None:
    node.happenings = {1: lambda: node.machine.disk("sdx", size, way, removable="0" if way is MMC else "1")}
    assert words in node.run()


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"stage": "moon"}', b'{"stage": "done", "extra": 1}', b"\xff"])
def test_a_note_that_is_none_tells_of_nothing(node: Node, note: bytes) -> None:
    node.desk.give_up()
    (node.desk.answers / "progress.json").write_bytes(note)
    assert node.desk.progress() == Progress()
