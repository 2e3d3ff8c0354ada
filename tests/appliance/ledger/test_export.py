"""Books that leave the house pass the checks of the programs they are for, whatever neighbours call themselves."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.ledger.export import FORMATS, LAST_DAY, Entry, Posting, _date, beancount, hledger, table

AWKWARD = (
    "ana",
    "Ana",
    "ana",
    "陳大文",
    "さくら",
    "עדה ולד",
    "\u202eevil\u202c",
    "👩‍👩‍👧‍👧",
    "a; b",
    "a  b",
    "a\u00a0\u00a0b",
    "tab\there",
    "line\nbreak",
    "(brackets)",
    "[square]",
    "colon:colon",
    "=SUM(A1)",
    '"quoted"',
    "back\\slash",
    "",
    "-",
    "*",
    "2 cats",
    "ñandú",
    "ß",
    "e\u0301",
    "| pipe",
    "#tag",
    "\x00",
)
CURRENCIES = (("hours", 2), ("kWh", 3), ("麵包", 0), ('a "b"; c', 6), ("HOURS", 2), ("loaves of bread", 0), ("", 1))


def posting(who: int, name: str, amount: int, currency: int = 0, home: str = "Elm Street") -> Posting:
    return Posting(f"home.{who}", home, name, *CURRENCIES[currency], amount)


def paid(number: int, payer: Posting, payee: Posting, memo: str = "", at: int = 1_790_000_000) -> Entry:
    return Entry(f"abc-{number}", at, memo, (payer, payee))


def awkward_books() -> Iterator[Entry]:
    """Everybody pays the next one, in every currency; times are unsure, absurd and plain in turn."""
    for number, name in enumerate(AWKWARD):
        after = (number + 1) % len(AWKWARD)
        for currency in range(len(CURRENCIES)):
            payer = posting(number, name, -number - 7, currency, home=AWKWARD[-number])
            payee = posting(after, AWKWARD[after], number + 7, currency, home=AWKWARD[-after])
            at = (0, 1_790_000_000 + number * 10_000_000, 2**40)[number % 3]
            yield paid(len(CURRENCIES) * number + currency, payer, payee, memo=name, at=at)


def judge_hledger(text: str, directory: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("hledger")
    assert program, "the Debian package hledger is needed"
    file = Path(directory, "books.journal")
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [program, "check", "--strict", "-f", file],
        env={"LANG": "C.UTF-8", "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def judge_beancount(text: str, directory: str | Path) -> subprocess.CompletedProcess[str]:
    file = Path(directory, "books.beancount")
    file.write_text(text, encoding="utf-8")
    program = Path(sys.executable).with_name("bean-check")
    return subprocess.run([program, "--no-cache", file], capture_output=True, text=True, check=False)


def test_a_small_book_reads_well() -> None:
    ana, ben = posting(1, "ana", -150), posting(2, "ben", 150)
    assert "".join(hledger([paid(1, ana, ben, memo="bread")])) == (
        'commodity 1000.00 "hours"\n'
        "account neighbours:Elm Street:ana\n"
        "account neighbours:Elm Street:ben\n"
        "\n"
        "2026-09-21 * (abc-1) bread\n"
        '    neighbours:Elm Street:ana  -1.50 "hours"\n'
        '    neighbours:Elm Street:ben  1.50 "hours"\n'
        "\n"
        "2026-09-22 * balances\n"
        '    neighbours:Elm Street:ana  0 "hours" = -1.50 "hours"\n'
        '    neighbours:Elm Street:ben  0 "hours" = 1.50 "hours"\n'
    )


@pytest.mark.real
def test_hledger_accepts_the_books(tmp_path: Path) -> None:
    run = judge_hledger("".join(hledger(awkward_books())), tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.real
def test_hledger_finds_one_changed_digit(tmp_path: Path) -> None:
    books = "".join(hledger(awkward_books()))
    last = books.rindex(" = ")
    run = judge_hledger(books[:last] + ' = 9999 "hours"\n', tmp_path)
    assert run.returncode != 0


@pytest.mark.real
def test_beancount_accepts_the_books(tmp_path: Path) -> None:
    run = judge_beancount("".join(beancount(awkward_books())), tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.real
def test_beancount_finds_one_changed_digit(tmp_path: Path) -> None:
    books = "".join(beancount([paid(1, posting(1, "ana", -150), posting(2, "ben", 150))]))
    for right, wrong in (("Ben  1.50 HOURS", "Ben  1.52 HOURS"), ("Ben  1.50 ~", "Ben  1.51 ~")):
        assert right in books
        assert judge_beancount(books.replace(right, wrong), tmp_path).returncode != 0


names = st.text(max_size=12)
books = st.lists(
    st.builds(
        lambda payer, payee, amount, currency, memo, at: paid(
            amount,
            posting(len(payer), payer, -amount, currency),
            posting(100 + len(payee), payee, amount, currency),
            memo,
            at,
        ),
        *(names, names, st.integers(1, 10**12), st.integers(0, len(CURRENCIES) - 1), names, st.integers(0, 2**40)),
    ),
    max_size=40,
)


@pytest.mark.real
@settings(max_examples=25)
@given(books)
def test_whatever_is_typed_the_real_programs_accept_it(entries: list[Entry]) -> None:
    with TemporaryDirectory() as directory:
        assert judge_hledger("".join(hledger(entries)), directory).stderr == ""
        assert judge_beancount("".join(beancount(entries)), directory).stderr == ""


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_two_accounts_share_a_name(name: str) -> None:
    text = "".join(FORMATS[name](awkward_books()))
    if name == "csv":
        assert len({row[3] for row in list(csv.reader(StringIO(text)))[1:]}) == len(AWKWARD)
    else:
        opened = [line for line in text.splitlines() if line.startswith(("account ", "1970-01-01 open "))]
        assert len(opened) == len(AWKWARD)
        assert max(Counter(line.casefold() for line in opened).values()) == 1


def test_the_table_sums_to_zero_and_hides_no_formula() -> None:
    rows = list(csv.DictReader(StringIO("".join(table(awkward_books())))))
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["currency"]] += int(row["amount"].replace(".", ""))
        assert not any(row[column].startswith(("=", "+", "@")) for column in row)
    assert set(sums.values()) == {0}
    assert "'=SUM(A1)" in {row["name"] for row in rows}


def test_books_without_a_payment_are_no_error(tmp_path: Path) -> None:
    assert "".join(hledger([])) == ""
    assert "".join(table([])).startswith("id,date")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_books_stream(name: str) -> None:
    """The first lines leave before the last payment was asked for."""

    def endless() -> Iterator[Entry]:
        number = 0
        while True:
            number += 1
            yield paid(number, posting(1, "ana", -1), posting(2, "ben", 1))

    assert len(list(islice(FORMATS[name](endless()), 1000))) == 1000


@given(st.integers(0, LAST_DAY))
def test_a_day_has_the_date_of_the_calendar(day: int) -> None:
    assert _date(day) == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d").rjust(10, "0")
