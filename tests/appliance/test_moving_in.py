"""A young node opens its keeper's account when it is let in, and fills its shelf, each once and whatever cuts in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from argon2 import PasswordHasher

from appliance import founding
from appliance import seed as seeds
from appliance.archive.starter_shelf import starter_zines
from appliance.errors import Refused
from appliance.looking import EVERY_S, Looker
from appliance.moving_in import MovingIn
from appliance.node import Node
from appliance.seed import SHELF, Keeper, Seed
from appliance.settings import Settings
from tests.appliance.shell import until


@pytest.fixture(autouse=True)
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.desks.people.HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def keep(data: Path, seed: Seed) -> Path:
    """Write the file that the first boot leaves beside a node."""
    file = seeds.kept(data)
    file.parent.mkdir(exist_ok=True)
    seeds.write(seed, file)
    return file


@pytest.fixture
def elm(tmp_path: Path) -> Iterator[Node]:
    settings = Settings(tmp_path / "elm/node", "Elm", "Elm Street")
    founding.found(settings)
    with closing(Node.open(settings.data)) as node:
        yield node


@pytest.fixture
def oak(tmp_path: Path, elm: Node) -> Iterator[Node]:
    """A node that was invited by Elm, which does not know yet."""
    settings = Settings(tmp_path / "oak/node", "Oak", "Elm Street")
    founding.join(settings, elm.invite())
    with closing(Node.open(settings.data)) as node:
        yield node


def carry(source: Node, target: Node) -> None:
    with TemporaryFile() as stick:
        source.do_duties()
        source.export_bundle(stick)
        stick.seek(0)
        target.import_bundle(stick)


def test_the_account_opens_by_itself_once_the_node_was_let_in(elm: Node, oak: Node) -> None:
    file = keep(oak.settings.data, Seed(oak.settings, keeper=Keeper("Mara", "8642")))
    young = MovingIn(oak)
    young.tend()
    assert oak.accounts() == []
    assert "8642" in file.read_text(encoding="utf-8"), "it is told once only, so it waits here"
    carry(oak, elm)
    carry(elm, oak)
    young.tend()
    assert oak.session(oak.sign_in("Mara", "8642").token).is_keeper  # type: ignore[union-attr]
    assert "8642" not in file.read_text(encoding="utf-8")


def test_an_account_that_is_open_gets_the_pin_of_the_card_and_its_sessions_end(elm: Node) -> None:
    elm.add_member("Ana", "1234", keeper=True)
    lost = elm.sign_in("Ana", "1234").token
    keep(elm.settings.data, Seed(elm.settings, keeper=Keeper("ana", "777777")))
    MovingIn(elm).tend()
    assert elm.session(lost) is None
    with pytest.raises(Refused):
        elm.sign_in("Ana", "1234")
    assert elm.session(elm.sign_in("Ana", "777777").token).is_keeper  # type: ignore[union-attr]


def test_a_seed_that_cannot_be_read_stops_nothing(elm: Node) -> None:
    file = keep(elm.settings.data, Seed(elm.settings))
    file.write_text("name: [", encoding="utf-8")
    MovingIn(elm).tend()


@pytest.mark.real
@pytest.mark.timeout(900)
def test_the_shelf_is_filled_beside_the_gossip_and_goes_on_where_it_was_cut(elm: Node) -> None:
    wish = keep(elm.settings.data, Seed(elm.settings)).with_name(SHELF)
    wish.touch()
    wanted = sorted(zine.title for zine in starter_zines())
    first = MovingIn(elm)
    first.tend()
    first.tend()
    assert len(elm.zines().rows) == 2
    now = [0.0]
    looker = Looker(elm, lambda: now[0])

    def tended() -> bool:
        now[0] += EVERY_S
        looker.tend()
        return not wish.exists()

    until(tended, "the starter zines", 600)
    looker.end()
    assert sorted(zine.title for zine in elm.zines(limit=100).rows) == wanted


def test_nothing_is_put_on_a_shelf_that_nobody_asked_to_fill(elm: Node) -> None:
    MovingIn(elm).tend()
    assert elm.zines().rows == ()
