"""The books of a real street, judged by programs that are not ours: hledger and beancount."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data

from tests.street.books import balances, check_balances, check_books, table
from tests.street.node import PIN, RunningNode
from tests.street.street import Street

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

CURRENCY = 'loaves; "rye" | 2,5'
ELM = ("Ana", "Zoë  🌻", "O'Brien; the 2nd", "名前 太郎", "a:b:c = 0")
OAK = ("Ana", "שרה (sara)", '"Pay" * me', "(virtual)", "+49 170; #")
MEMOS = (
    "bread",
    "",
    "; a comment",
    "2026-01-01 * a date",
    'quotes " and \\ and |',
    "=SUM(A1:A9)",
    "two\nlines",
    "{= 3 hours @@ 2}",
    "ليمون\u202e",
    "x" * 80,
)
ROUNDS = 13


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """Two nodes that know each other by stick alone, and 130 payments with odd words between oddly named people."""
    with Street(tmp_path_factory.mktemp("street"), CURRENCY) as street:
        elm, oak = street.make("Elm"), street.make("Oak")
        refused = oak.does("member", "add", "Ana", "--pin", PIN, "--keeper", code=1)
        assert refused.startswith("This commons has not let the node in yet.")
        elm.start()
        street.move_in(elm, *ELM)
        carry(oak, elm)
        carry(elm, oak)
        oak.start()
        street.move_in(oak, *OAK)
        carry(oak, elm)
        carry(elm, oak)
        pay_much(elm, oak)
        carry(oak, elm)
        carry(elm, oak)
        yield elm, oak


def carry(giver: RunningNode, taker: RunningNode) -> None:
    """Hand what one node holds in at the other."""
    file = giver.data.with_suffix(".hedge")
    giver.does("bundle", "export", file)
    taker.does("bundle", "import", file)


def pay_much(elm: RunningNode, oak: RunningNode) -> None:
    """Let everybody pay the next one along, at home and across, in amounts that are nobody's round numbers."""
    people = [(elm, name) for name in ELM] + [(oak, name) for name in OAK]
    tokens = [node.sign_in(name) for node, name in people]
    for number in range(ROUNDS * len(people)):
        payer, payee = number % len(people), (number * 3 + 1) % len(people)
        if payer == payee:
            payee = (payee + 1) % len(people)
        node, name = people[payee]
        to = f"{' '.join(name.split())}@{node.name}"
        people[payer][0].pay(tokens[payer], to, 1 + number % 37, MEMOS[number % len(MEMOS)], CURRENCY)


def judged(*command: str) -> str:
    """Let another program look; it must be content and silent about faults."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return result.stdout


def exported(node: RunningNode, form: str, file: Path) -> str:
    node.does("ledger", "export", "--format", form, "-o", file)
    return str(file)


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install {name}"
    return found


def expected(node: RunningNode) -> list[Decimal]:
    """Return what all accounts hold, in order of size: their names are spelled differently in each program."""
    return sorted(balances(table(node)).values())


def test_both_nodes_tell_the_same_130_payments(nodes: tuple[RunningNode, RunningNode]) -> None:
    elm, oak = nodes
    assert elm.state == oak.state
    assert len({line.transfer for line in table(elm)}) == ROUNDS * 10
    assert len(expected(elm)) == 10
    check_books(elm, oak)
    check_balances(oak)


def test_hledger_finds_the_same_balances(nodes: tuple[RunningNode, RunningNode], tmp_path: Path) -> None:
    for node in nodes:
        file = exported(node, "hledger", tmp_path / f"{node.name}.journal")
        hledger = (program("hledger"), "-f", file)
        judged(*hledger, "check", "--strict")
        rows = csv.DictReader(StringIO(judged(*hledger, "bal", "--flat", "--empty", "--no-total", "-O", "csv")))
        found = {row["account"]: Decimal(row["balance"].split()[0]) for row in rows}
        assert sorted(found.values()) == expected(node)
        for home in nodes:
            ana = [line.amount for line in table(node) if (line.home, line.name) == (home.name, "Ana")]
            assert found[f"neighbours:{home.name}:Ana"] == sum(ana)
        assert judged(*hledger, "bal", "--flat", "-O", "csv", "--depth", "1").splitlines()[-1].endswith('"0"')


def test_beancount_finds_the_same_balances(nodes: tuple[RunningNode, RunningNode], tmp_path: Path) -> None:
    for node in nodes:
        file = exported(node, "beancount", tmp_path / f"{node.name}.beancount")
        judged(str(Path(sys.executable).with_name("bean-check")), file)
        entries, errors, _ = loader.load_file(file)
        assert errors == []
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        for entry in entries:
            if isinstance(entry, data.Transaction):
                for posting in entry.postings:
                    assert posting.units is not None
                    found[posting.account] += posting.units.number or Decimal(0)
        assert sorted(found.values()) == expected(node)
        for home in nodes:
            ana = [line.amount for line in table(node) if (line.home, line.name) == (home.name, "Ana")]
            assert found[f"Neighbours:{home.name}:Ana"] == sum(ana)


def test_books_with_one_changed_figure_are_turned_down(nodes: tuple[RunningNode, RunningNode], tmp_path: Path) -> None:
    journal = Path(exported(nodes[0], "hledger", tmp_path / "elm.journal"))
    text = journal.read_text(encoding="utf-8")
    journal.write_text(text.replace("  -0.01 ", "  -0.02 ", 1), encoding="utf-8")
    result = subprocess.run([program("hledger"), "-f", journal, "check"], capture_output=True, check=False)
    assert result.returncode != 0
