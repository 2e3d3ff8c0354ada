"""What a keeper can get wrong before a node runs: one clear sentence each, the right exit code, and nothing is changed."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.ports import free_ports
from tests.street.node import PIN, RunningNode, typed
from tests.street.street import Street

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SETTINGS, STORAGE = 2, 3
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with Street(tmp_path_factory.mktemp("street")) as street:
        elm = street.make("Elm")
        elm.start()
        street.move_in(elm, "Ana", "Ben")
        yield elm


@pytest.fixture(scope="module")
def backup(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("backup") / "elm"
    node.does("backup", place)
    return place


@pytest.fixture
def spoiled(backup: Path, tmp_path: Path) -> Path:
    """A copy of the node's directory, to be spoiled."""
    return Path(shutil.copytree(backup, tmp_path / "elm"))


def refused(data: Path, *words: str, code: int) -> str:
    """Do it, and return the line in which it was refused; of the two processes of `run`, both may say it."""
    done = typed("--data", data, *words)
    assert (done.returncode, done.stdout.startswith("Starting")) == (code, bool(done.stdout))
    assert len(set(done.stderr.splitlines())) == 1, done.stderr
    return done.stderr


def test_a_port_in_use_is_named(node: RunningNode, spoiled: Path) -> None:
    for words in (["run"], ["portal"]):
        said = refused(spoiled, *words, code=SETTINGS)  # the copy has the port of the first one
        assert f"port {node.port} of 127.0.0.1" in said
        assert "node.yaml" in said


def test_a_second_run_on_the_same_data_is_refused_and_the_first_goes_on(node: RunningNode) -> None:
    for words in (["run"], ["portal"], ["gossip"]):
        said = refused(node.data, *words, code=SETTINGS)
        assert "already runs" in said
        assert str(node.data) in said
    assert node.is_up
    node.pay(node.sign_in("Ana"), "Ben", 25)
    node.does("verify")


def replace(name: str, old: str, new: str) -> Spoil:
    def spoil(data: Path) -> None:
        file = data / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def put(name: str, content: bytes) -> Spoil:
    return lambda data: (data / name).write_bytes(content)


def another_programs_database(data: Path) -> None:
    (data / "hedgerow.db").unlink()
    with closing(sqlite3.connect(data / "hedgerow.db")) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.commit()


def a_newer_database(data: Path) -> None:
    with closing(sqlite3.connect(data / "hedgerow.db")) as ours:
        ours.execute("PRAGMA user_version = 999")


WRONG: tuple[tuple[Spoil, int, tuple[str, ...]], ...] = (
    (replace("node.yaml", "region:", "regoin:"), SETTINGS, ("regoin", "Did you mean region?")),
    (replace("node.yaml", "port:", "prot:"), SETTINGS, ("portal.prot", "Did you mean port?")),
    (replace("node.yaml", "EU_868", "EU_869"), SETTINGS, ("EU_869", "EU_868")),
    (replace("node.yaml", "commons:", "commons: ["), SETTINGS, ("line",)),
    (replace("node.yaml", "roads: []", "roads: [{pigeon: {}}]"), SETTINGS, ("roads[0]", "pigeon")),
    (lambda data: (data / "node.yaml").unlink(), SETTINGS, ("node.yaml", "hedgerow init")),
    (put("node.yaml", b"\xff\xfe"), SETTINGS, ("UTF-8",)),
    (another_programs_database, STORAGE, ("hedgerow.db", "another program")),
    (a_newer_database, STORAGE, ("hedgerow.db", "newer Hedgerow")),
    (put("hedgerow.db", b"Dear diary, today I made soup. " * 200), STORAGE, ("hedgerow.db", "not a database")),
    (put("node.key", b"no key"), STORAGE, ("node.key",)),
    (lambda data: (data / "node.key").unlink(), STORAGE, ("node.key",)),
)


@pytest.mark.parametrize(("spoil", "code", "named"), WRONG, ids=[" ".join(named) for _, _, named in WRONG])
def test_a_wrong_file_is_named(
    node: RunningNode, spoiled: Path, spoil: Spoil, code: int, named: tuple[str, ...]
) -> None:
    replace("node.yaml", f"port: {node.port}", f"port: {free_ports(1)}")(spoiled)
    spoil(spoiled)
    before = {file.name: file.read_bytes() for file in spoiled.iterdir() if file.is_file()}
    for words in (["status"], ["run"]):
        said = refused(spoiled, *words, code=code)
        assert all(word in said for word in named), said
    for name in ("node.yaml", "hedgerow.db", "node.key"):
        file = spoiled / name
        assert (file.read_bytes() if file.exists() else None) == before.get(name)


def test_no_directory_no_node(tmp_path: Path) -> None:
    assert "hedgerow init" in refused(tmp_path / "nowhere", "status", code=SETTINGS)
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_that_holds_a_node_is_left_alone(node: RunningNode, spoiled: Path) -> None:
    said = typed("init", node.data, "--name", "Another", "--commons", "Another")
    assert (said.returncode, said.stderr.count("\n")) == (SETTINGS, 1)
    assert "already holds a node" in said.stderr
    assert "not empty" in refused(spoiled, "restore", str(node.data), code=SETTINGS)


def test_a_backup_goes_into_a_new_directory(node: RunningNode, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert "exists already" in refused(node.data, "backup", str(tmp_path / "here"), code=STORAGE)


def test_a_port_that_somebody_listens_on_is_refused_to_a_new_node(tmp_path: Path) -> None:
    with Street(tmp_path) as street, socket.create_server(("127.0.0.1", 0)) as other:
        elm = street.make("Elm")
        elm.set(portal=elm.settings["portal"] | {"port": other.getsockname()[1]})
        elm.does("member", "add", "Ana", "--pin", PIN)
        assert "Address already in use" in refused(elm.data, "run", code=SETTINGS)
