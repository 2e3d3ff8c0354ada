"""A node to be cut from its power: its load, runs from a neighbour's node, and notes kept outside of it.

What the node confirmed is written into `Told`, as a neighbour would remember it. After a cut the node is opened again with
the plain driver and asked for all of it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Final

import apsw

from appliance import founding
from appliance.answers import Account, Board
from appliance.errors import Refused, StoreFault
from appliance.library import ZineForm
from appliance.node import Node
from appliance.settings import Settings
from appliance.store.database import SQLITE, MakeDatabase
from mesh.keys import PUBLIC, LogId
from mesh.log import Run

STEPS: Final = 40
START_MAX_S: Final = 10.0
BODY: Final = "A recipe for bread, number {}.\n\n" + 40 * "Flour, water, salt, patience. "
STORE_FILES: Final = ("hedgerow.db", "hedgerow.db-wal", "hedgerow.db-shm", "hedgerow.db-journal")
POWER_IS_OUT: Final = (StoreFault, apsw.Error)  # peewee before 4 passes apsw's own errors on


@dataclass(frozen=True)
class Payment:
    payer: Account
    payee: Account
    amount: int
    memo: str
    key: str


@dataclass
class Told:
    """What the node confirmed; and the one request that was under way when the power went."""

    payments: dict[str, Payment] = field(default_factory=dict)
    posts: dict[str, str] = field(default_factory=dict)  # id -> title
    zines: dict[str, bytes] = field(default_factory=dict)  # id -> what is in the file
    members: dict[str, str] = field(default_factory=dict)  # id -> name
    held: dict[LogId, int] = field(default_factory=dict)  # heights of a neighbour's logs that were taken in
    sealed: dict[LogId, int] = field(default_factory=dict)  # heights of the own logs that may have been sent
    paying: Payment | None = None
    withdrawing: str = ""


class Elm:
    """The node Elm with three neighbours and some history, and what its neighbour node Oak has to tell."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(directory / "elm", "Elm", "Hedge Lane")
        founding.found(self.settings)
        elm = Node(self.settings)
        people = [elm.add_member(name, "1234").account for name in ("Ana", "Bo", "Cyd")]
        self.runs = self._oak(directory / "oak", elm, people)
        elm.close()
        self._database = self.settings.database.read_bytes()
        self._keel = self.settings.keel_file.read_bytes()

    def _oak(self, data: Path, elm: Node, people: list[Account]) -> list[Run]:
        """Return runs of a second node: payments by its member Dora, one run each."""
        founding.join(Settings(data, "Oak", ""), elm.invite())
        oak = Node.open(data)
        self._carry(oak, elm)
        elm.do_duties()
        elm.seal()
        self._carry(elm, oak)
        oak.add_member("Dora", "1234")
        oak.seal()
        self._carry(oak, elm)
        runs = []
        for number in range(STEPS):
            dora, hours = oak.find_payee("Dora"), oak.currency("hours")
            oak.pay(dora, oak.account(people[number % 3].id), 1 + number, hours, f"Oak {number}")
            before = oak.frontier(oak.commons).reaches[oak.own_log(oak.commons).log].height
            oak.seal()
            run = oak.run(oak.own_log(oak.commons).log, before, 1 << 16)
            assert run is not None
            runs.append(run)
        oak.close()
        return runs

    @staticmethod
    def _carry(source: Node, target: Node) -> None:
        bundle = BytesIO()
        source.export_bundle(bundle)
        target.import_bundle(BytesIO(bundle.getvalue()))

    def open(self, make: MakeDatabase = SQLITE) -> Node:
        return Node(self.settings, make=make)

    def restore(self, rng: Random, medium: dict[str, bytes] | None = None) -> None:
        """Put the history back into the data directory; or what is on the medium after a power cut."""
        for name in STORE_FILES:
            self.settings.data.joinpath(name).unlink(missing_ok=True)
        if medium is None:
            shutil.rmtree(self.settings.blobs, ignore_errors=True)
            self.settings.database.write_bytes(self._database)
            self.settings.keel_file.write_bytes(self._keel)
        else:
            for path, content in medium.items():
                Path(path).write_bytes(content)
            self._hurt_keel(rng)

    def _hurt_keel(self, rng: Random) -> None:
        """The keel mark is never synced: leave it, or an older one, or a part of one, or none."""
        content = rng.choice((self.settings.keel_file.read_bytes(), self._keel))
        match rng.randrange(4):
            case 0:
                self.settings.keel_file.unlink()
            case 1:
                self.settings.keel_file.write_bytes(content[: rng.randrange(len(content))])
            case _:
                self.settings.keel_file.write_bytes(content)


class Load:
    """Forty things that neighbours do, drawn by a seed. `run` returns when they are done or the power is out."""

    def __init__(self, elm: Elm, rng: Random, make: MakeDatabase) -> None:
        self.told = Told()
        self._elm = elm
        self._rng = rng
        self._make = make
        self._runs = iter(elm.runs)
        self._number = 0

    def run(self) -> bool:
        """Return whether the power lasted."""
        acts: list[Callable[[], None]] = [self._pay, self._post, self._publish, self._withdraw, self._join, self._hear]
        acts += [self._seal, self._restart]
        self._node: Node | None = None
        try:
            self._node = self._elm.open(self._make)
            for act in self._rng.choices(acts, (20, 3, 3, 2, 1, 6, 5, 3), k=STEPS):
                self._number += 1
                act()
            self._node.close()
        except POWER_IS_OUT:
            with suppress(*POWER_IS_OUT):
                if self._node:
                    self._node.close()
            return False
        return True

    @property
    def node(self) -> Node:
        assert self._node is not None
        return self._node

    def _pay(self) -> None:
        people = self.node.accounts()
        payer = self._rng.choice([one for one in people if one.is_here])
        payee = self._rng.choice([one for one in people if one.id != payer.id])
        wanted = Payment(payer, payee, self._rng.randint(1, 40), f"loaf {self._number}", f"key {self._number}")
        self.told.paying = wanted
        self.told.payments[pay(self.node, wanted)] = wanted
        self.told.paying = None

    def _post(self) -> None:
        title = f"Ladder to lend, {self._number}"
        post = self.node.post(Board.OFFER, title, "Ring at number 9.", self.node.find_payee("Ana"))
        self.told.posts[post.id] = title

    def _publish(self) -> None:
        content = BODY.format(self._number).encode()
        form = ZineForm(f"Bread {self._number}")
        zine = self.node.publish(form, BytesIO(content), "bread.md", self.node.find_payee("Bo"))
        self.told.zines[zine.id] = content

    def _withdraw(self) -> None:
        if self.told.zines:
            self.told.withdrawing = self._rng.choice(list(self.told.zines))
            self.node.withdraw_zine(self.told.withdrawing)
            del self.told.zines[self.told.withdrawing]
            self.told.withdrawing = ""

    def _join(self) -> None:
        account = self.node.add_member(f"Eve {self._number}", "1234").account
        self.told.members[account.id] = account.name

    def _hear(self) -> None:
        run = next(self._runs)
        assert self.node.accept(run).new == len(run.records)
        self.told.held[run.log] = run.upto

    def _seal(self) -> None:
        self.node.seal()
        self.told.sealed |= {
            log: reach.height
            for scope in self.node.scopes()
            for log, reach in self.node.frontier(scope).reaches.items()
            if log in (self.node.own_log(self.node.commons).log, self.node.own_log(PUBLIC).log)
        }

    def _restart(self) -> None:
        """End in good order, which moves the log of the database into its file, and start again."""
        self.node.close()
        self._node = self._elm.open(self._make)


def pay(node: Node, wanted: Payment) -> str:
    hours = node.currency("hours")
    return node.pay(wanted.payer, wanted.payee, wanted.amount, hours, wanted.memo, wanted.key).id


def lost(elm: Elm, told: Told) -> Iterator[str]:
    """Start the node again. Yield a sentence for whatever was confirmed and is not there, or is not as it should be."""
    started_s = time.monotonic()
    try:
        with closing(elm.open()) as node:
            if time.monotonic() - started_s > START_MAX_S:
                yield f"the node took {time.monotonic() - started_s:.0f} s to start"
            yield from _missed(node, told)
    except (Refused, StoreFault) as fault:
        yield str(fault)


def _missed(node: Node, told: Told) -> Iterator[str]:
    if node.trouble is not None:
        yield f"the node only reads: {node.trouble}"
        return
    yield from _lost_payments(node, told)
    yield from (f"the post {title} is lost" for place, title in told.posts.items() if not _has(node.post_at, place))
    yield from (f"{name} is lost" for place, name in told.members.items() if not _has(node.account, place))
    yield from _lost_zines(node, told)
    heights = {log: reach.height for scope in node.scopes() for log, reach in node.frontier(scope).reaches.items()}
    for log, height in (told.held | told.sealed).items():
        if heights.get(log, 0) < height:
            yield f"log {log.hex()} ends at {heights.get(log)}, though {height} was taken in or sent"
    yield from node.verify()
    yield from (f"{one.code} sums to {one.total}" for one in node.currencies() if one.total)


def _lost_payments(node: Node, told: Told) -> Iterator[str]:
    """Each confirmed payment is there, none is there twice, and the one under way can be made once more."""
    for place, payment in told.payments.items():
        if not _has(node.transfer, place):
            yield f"the payment {payment.memo} is lost"
        elif node.transfer(place).memo != payment.memo or pay(node, payment) != place:
            yield f"the payment {payment.memo} became another"
    if told.paying:
        told.payments[pay(node, told.paying)] = told.paying
    own = node.own_log(node.commons)
    count = node.database.value("SELECT count(*) FROM transfer WHERE log_no = ?", own.no)
    if count != len(told.payments):
        yield f"{len(told.payments)} payments were made, but {count} are in the books"


def _lost_zines(node: Node, told: Told) -> Iterator[str]:
    for place, content in told.zines.items():
        if place == told.withdrawing and not _has(node.zine, place):
            continue
        if not _has(node.zine, place):
            yield f"the zine {place} is lost"
        elif not _has(node.zine_file, place) or node.zine_file(place).path.read_bytes() != content:
            yield f"the file of the zine {place} is lost"


def _has(ask: Callable[[str], object], place: str) -> bool:
    try:
        ask(place)
    except Refused:
        return False
    return True
