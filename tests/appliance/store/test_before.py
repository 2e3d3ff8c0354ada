"""A version on trial brings the store into a newer shape, and the version before finds everything as it left it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.errors import Objection, Refused, StoreFault
from appliance.node import Node
from appliance.store import before, database
from appliance.store.migrations import MIGRATIONS

LATER = (*MIGRATIONS, ("CREATE TABLE of_a_later_version (x)", "INSERT INTO of_a_later_version VALUES (1)"))


@contextmanager
def a_later_version() -> Iterator[None]:
    """Be the program of a later version, whose store has one more step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", LATER)
        patch.setattr(before, "MIGRATIONS", LATER)
        yield


def records(data: Path) -> int:
    """Return how many there are, all of them in order."""
    with closing(Node.open(data)) as node:
        assert list(node.verify()) == []
        return node.records.count()


def test_it_falls_back_and_the_version_before_has_lost_nothing(elm: Path) -> None:
    store = elm / "hedgerow.db"
    had = records(elm)
    with a_later_version():
        before.make_ready(store, is_on_trial=True)
        before.make_ready(store, is_on_trial=True)
        with closing(Node.open(elm)) as node:
            assert node.trouble
            assert node.trouble.code == "on_trial"
            assert node.database.value("SELECT x FROM of_a_later_version") == 1
            with pytest.raises(Refused) as told:
                node.add_member("Cat", "1234")
            assert told.value.verdict is Objection.NODE_IS_READ_ONLY
            node.confirm_lost_tail()
            assert not node.seal()
            node.health()
        before.make_ready(store, is_on_trial=True)
        assert before.copy_of(store).exists()
    with pytest.raises(StoreFault, match="newer Hedgerow"):
        Node.open(elm)
    before.make_ready(store, is_on_trial=False)
    assert records(elm) == had
    assert not before.copy_of(store).exists()
    with closing(Node.open(elm)) as node:
        assert node.trouble is None
        node.add_member("Cat", "1234")


def test_it_holds_and_writes_from_then_on(elm: Path) -> None:
    store = elm / "hedgerow.db"
    with a_later_version():
        before.make_ready(store, is_on_trial=True)
        Node.open(elm).close()
        before.make_ready(
            store, is_on_trial=False
        )  # the power went between the settling and the next line of its service
        assert not before.copy_of(store).exists()
        with closing(Node.open(elm)) as node:
            node.add_member("Cat", "1234")
    before.make_ready(store, is_on_trial=False)
    with pytest.raises(StoreFault, match="newer Hedgerow"):
        Node.open(elm)


def test_a_version_of_the_same_shape_makes_no_copy(elm: Path) -> None:
    before.make_ready(elm / "hedgerow.db", is_on_trial=True)
    assert not before.copy_of(elm / "hedgerow.db").exists()
    before.make_ready(elm / "nothing/hedgerow.db", is_on_trial=True)


@pytest.mark.parametrize("cut", ["unlink", "replace"])
def test_cut_off_while_it_is_taken_back(elm: Path, cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, had = elm / "hedgerow.db", records(elm)
    with a_later_version():
        before.make_ready(store, is_on_trial=True)
        node = Node.open(elm)
        (elm / "hedgerow.db-wal").touch()
        node.close()

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, cut, die)
        with pytest.raises(Killed):
            before.make_ready(store, is_on_trial=False)
    before.make_ready(store, is_on_trial=False)
    assert records(elm) == had
