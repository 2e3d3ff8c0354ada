"""Files beside the database: on the card before anybody hears of them, taken up where they were left, and swept up after.

What must be on the card is read off the calls themselves: the content of a file is synced before it gets its name, and the
directory that holds the name after (fsync(2)).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from appliance import founding, restoring
from appliance.errors import StoreFault
from appliance.library import Zine, ZineForm
from appliance.node import Node
from appliance.settings import Archive, Settings
from appliance.store.blobs import Blobs
from mesh.blob import PIECE_SIZE
from mesh.keys import PUBLIC

CONTENT = b"# Nettle soup\n\n" + b"Nettles, butter, salt. " * 40


class Killed(BaseException):
    """The process ends here."""


class Calls(list[tuple[str, Path]]):
    """What the card was asked to do, in order: ("sync", path), and ("name", path) where a file was given its name; before
    that stands ("synced before", path) if its content was synced then.
    """

    def is_durable(self, path: Path, upto: int | None = None) -> bool:
        """Whether the content of `path`, its name and that of its directory were on the card when the first `upto` were done."""
        done = self[:upto]
        synced = [place for act, place in done if act == "sync"]
        if ("name", path) not in done:
            return path in synced and path.parent in synced[synced.index(path) :]
        named = len(done) - 1 - done[::-1].index(("name", path))
        return ("synced before", path) in done[:named] and ("sync", path.parent) in done[named:]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Listen to every sync and every name that is given."""
    calls = Calls()
    fsync = os.fsync

    def sync(handle: int) -> None:
        fsync(handle)
        calls.append(("sync", Path(f"/proc/self/fd/{handle}").readlink()))

    def listening(move: Callable[..., None]) -> Callable[..., None]:
        def heard(source: Path, target: Path) -> None:
            if ("sync", Path(source)) in calls:
                calls.append(("synced before", Path(target)))
            move(source, target)
            calls.append(("name", Path(target)))

        return heard

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", listening(os.rename))
    monkeypatch.setattr(os, "replace", listening(os.replace))
    return calls


@pytest.fixture
def elm(tmp_path: Path) -> Iterator[Node]:
    founding.found(Settings(tmp_path / "elm", "Elm", "Hedge Lane"))
    with closing(Node.open(tmp_path / "elm")) as node:
        yield node


def publish(node: Node) -> Zine:
    return node.publish(ZineForm("Nettle soup"), BytesIO(CONTENT), "soup.md", None)


def test_the_ledger_finds_what_was_not_synced(tmp_path: Path, calls: Calls) -> None:
    file, part = tmp_path / "file", tmp_path / "part"
    for synced in (False, True):
        with part.open("wb") as content:
            if synced:
                os.fsync(content.fileno())
        part.rename(file)
        assert not calls.is_durable(file)
    handle = os.open(tmp_path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    assert calls.is_durable(file)


def test_a_zines_file_is_on_the_card_before_its_card_is_written(
    elm: Node, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = Node.say
    spoke_at: list[int] = []

    def heard(*words: Any) -> Any:
        spoke_at.append(len(calls))
        return say(*words)

    monkeypatch.setattr(Node, "say", heard)
    file = elm.zine_file(publish(elm).id).path
    assert calls.is_durable(file, upto=spoke_at[0])
    assert ("sync", elm.settings.data) in calls, "the directory of the files is new, and named by the one above"


def test_a_founded_node_is_on_the_card(tmp_path: Path, calls: Calls) -> None:
    settings = Settings(tmp_path / "far" / "away" / "elm", "Elm", "Hedge Lane")
    founding.found(settings)
    assert calls.is_durable(settings.key_file)
    assert calls.is_durable(settings.data / "node.yaml")
    assert {("sync", path) for path in (tmp_path, tmp_path / "far", tmp_path / "far" / "away")} <= set(calls)


def test_a_backup_and_what_is_made_of_it_are_on_the_card(elm: Node, tmp_path: Path, calls: Calls) -> None:
    publish(elm)
    elm.backup(tmp_path / "stick")
    restoring.restore(tmp_path / "stick", tmp_path / "again")
    for data in (tmp_path / "stick", tmp_path / "again"):
        files = [path for path in data.rglob("*") if path.is_file()]
        assert len(files) >= 4
        assert {file for file in files if not calls.is_durable(file)} <= {data / "node.yaml.lock"}
        assert ("sync", tmp_path) in calls


def test_a_withdrawal_that_never_happened_takes_no_file(elm: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = publish(elm)
    with monkeypatch.context() as patch:
        patch.setattr(type(elm.counting), "take_in", _fail)
        with pytest.raises(StoreFault):
            elm.withdraw_zine(zine.id)
    assert elm.zine_file(zine.id).path.read_bytes() == CONTENT
    elm.withdraw_zine(zine.id)
    assert list(elm.blobs.names()) == []


def _fail(*_: object) -> None:
    raise StoreFault("The card is full, so nothing was changed.")


def test_a_file_whose_withdrawal_was_cut_off_is_freed_later(elm: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    zine = publish(elm)
    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "drop", _die)
        with pytest.raises(Killed):
            elm.withdraw_zine(zine.id)
    assert len(list(elm.blobs.names())) == 1
    elm.add_member("Ana", "1234")
    assert list(elm.blobs.names()) == []


def test_what_an_upload_leaves_on_a_full_card_is_nothing(elm: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "say", _fail)
    with pytest.raises(StoreFault):
        publish(elm)
    assert list(elm.settings.blobs.iterdir()) == []


def _die(*_: object) -> None:
    raise Killed


@pytest.fixture
def oak(elm: Node, tmp_path: Path) -> Iterator[Node]:
    """A second node that knows of the zine at the first, and has all of its file but the last piece."""
    founding.join(Settings(tmp_path / "oak", "Oak", "", archive=Archive(shelve_arrivals=True)), elm.invite())
    publish(elm)
    elm.seal()
    with closing(Node.open(tmp_path / "oak")) as node:
        run = elm.run(elm.own_log(PUBLIC).log, 0, 1 << 16)
        assert run is not None
        assert node.accept(run).new
        (want,) = node.wanted_blobs()
        for index in list(want.missing)[:-1]:
            assert not node.accept_piece(want.blob, index, _piece(index))
        yield node


def _piece(index: int) -> bytes:
    return CONTENT[index * PIECE_SIZE :][:PIECE_SIZE]


@pytest.mark.parametrize("cut_in", [(Blobs, "finish"), (Node, "finish_file")], ids=["before its name", "before all"])
def test_a_file_that_had_just_arrived_is_taken_up(
    oak: Node, cut_in: tuple[type, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (want,) = oak.wanted_blobs()
    with monkeypatch.context() as patch:
        patch.setattr(*cut_in, _die)
        with pytest.raises(Killed):
            oak.accept_piece(want.blob, want.missing[0], _piece(want.missing[0]))
    oak.finish_arrivals()
    assert oak.blobs.is_sound(want.blob)
    assert [zine.title for zine in oak.zines("butter").rows] == ["Nettle soup"]
    assert oak.wanted_blobs() == []


def test_a_file_that_got_its_name_before_the_shelf_knew_is_taken_up(oak: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    (want,) = oak.wanted_blobs()
    with monkeypatch.context() as patch:
        patch.setattr(type(oak.shelf), "has_arrived", _die)
        with pytest.raises(Killed):
            oak.accept_piece(want.blob, want.missing[0], _piece(want.missing[0]))
    oak.finish_arrivals()
    assert [zine.title for zine in oak.zines("butter").rows] == ["Nettle soup"]
    assert oak.wanted_blobs() == []


@pytest.mark.parametrize("left", [b"", b"\0" * len(CONTENT), None], ids=["nothing", "zeros", "not even the file"])
def test_a_file_that_lost_pieces_with_the_power_is_asked_for_again(oak: Node, left: bytes | None) -> None:
    """What arrives is not synced piece by piece: the note of the pieces may be on the card, and the pieces not."""
    (want,) = oak.wanted_blobs()
    part, note = (next(oak.settings.blobs.glob(f".*.{ending}")) for ending in ("part", "there"))
    note.write_bytes(b"\1" * len(CONTENT))
    part.unlink() if left is None else part.write_bytes(left)
    oak.finish_arrivals()
    (again,) = oak.wanted_blobs()
    assert len(again.missing) > len(want.missing)
    for index in list(again.missing):
        oak.accept_piece(again.blob, index, _piece(index))
    assert oak.blobs.is_sound(again.blob)


def test_what_the_dead_left_is_swept_up(elm: Node) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    upload = elm.settings.blobs / f".new-{dead.pid}-abc"
    upload.parent.mkdir()
    upload.write_bytes(b"half a zine")
    copy = elm.settings.data / f".verify-{dead.pid}-abc"
    copy.mkdir()
    (copy / "hedgerow.db").write_bytes(b"half a copy")
    ours = elm.settings.blobs / f".new-{os.getpid()}-abc"
    ours.write_bytes(b"still coming in")
    publish(elm)
    assert list(elm.verify()) == []
    assert not upload.exists()
    assert not copy.exists()
    assert ours.exists()
