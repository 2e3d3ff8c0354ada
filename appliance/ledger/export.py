"""The books as plain text, for programs of other people: hledger, beancount, and tables.

Everything streams: entries come in one by one and lines go out, so memory grows with accounts, never with payments.
What neighbours typed is made safe for each format here, and two accounts never end under one name. The last lines
assert every balance, so that the other program checks our arithmetic.

    hledger     https://hledger.org/1.25/hledger.html#journal-format
    beancount   https://beancount.github.io/docs/beancount_language_syntax.html
    csv         RFC 4180; one line for each posting
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from types import MappingProxyType
from typing import Final, NamedTuple

DAY_S: Final = 86_400
LAST_DAY: Final = 2_932_895  # 9999-12-30: both programs want years of four digits, and one more day for the balances
JOINERS: Final = "\u200c\u200d"
TICKER: Final = re.compile(r"[A-Z][A-Z0-9]{1,22}", re.ASCII)


class Posting(NamedTuple):
    """What one payment moved on one account: `amount` in smallest units of a currency with so many decimals."""

    account: str
    home: str
    name: str
    currency: str
    decimals: int
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment that counts. `at` is in seconds since 1970, 0 where the writer's clock was unsure."""

    id: str
    at: int
    memo: str
    postings: tuple[Posting, ...]


@dataclass
class Names:
    """Gives each key a name that nobody else has: the wished one, or that with a number."""

    _given: dict[object, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def has(self, key: object) -> bool:
        return key in self._given

    def name(self, key: object, wished: str, gap: str) -> str:
        """Return the name of `key`. Two that differ only in case count as one: not every program tells them apart."""
        if key not in self._given:
            name, number = wished, 1
            while name.casefold() in self._taken:
                number += 1
                name = f"{wished}{gap}{number}"
            self._given[key] = name
            self._taken.add(name.casefold())
        return self._given[key]


class Balances:
    """What all accounts held after the last entry, and the day after it."""

    def __init__(self) -> None:
        self._amounts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._postings: dict[tuple[str, str], Posting] = {}
        self._last_day = 0

    def count(self, entry: Entry) -> None:
        self._last_day = max(self._last_day, _day(entry.at))
        for posting in entry.postings:
            key = (posting.account, posting.currency)
            self._amounts[key] += posting.amount
            self._postings[key] = posting

    @property
    def date(self) -> str:
        return _date(self._last_day + 1)

    def __iter__(self) -> Iterator[Posting]:
        """Yield a posting of each account and currency, with the balance as its amount."""
        for key in sorted(self._amounts):
            yield self._postings[key]._replace(amount=self._amounts[key])


def hledger(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the lines of a journal that `hledger check --strict` accepts."""
    accounts, commodities, balances = Names(), Names(), Balances()
    for entry in entries:
        balances.count(entry)
        for posting in entry.postings:
            if not commodities.has(posting.currency):
                yield f"commodity {_sample(posting)} {_hledger_commodity(commodities, posting)}\n"
            if not accounts.has(posting.account):
                yield f"account {_hledger_account(accounts, posting)}\n"
        yield f"\n{_date(_day(entry.at))} * ({entry.id}) {_hledger_text(entry.memo)}".rstrip() + "\n"
        for posting in entry.postings:
            amount = f"{_decimal(posting)} {_hledger_commodity(commodities, posting)}"
            yield f"    {_hledger_account(accounts, posting)}  {amount}\n"
    rows = list(balances)
    yield f"\n{balances.date} * balances\n" if rows else ""
    for row in rows:
        commodity = _hledger_commodity(commodities, row)
        yield f"    {_hledger_account(accounts, row)}  0 {commodity} = {_decimal(row)} {commodity}\n"


def beancount(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the lines of a file that `bean-check` accepts."""
    accounts, commodities, balances = Names(), Names(), Balances()
    yield 'option "name_assets" "Neighbours"\n'
    for entry in entries:
        balances.count(entry)
        for posting in entry.postings:
            if not commodities.has(posting.currency):
                ticker = _beancount_commodity(commodities, posting)
                yield f"1970-01-01 commodity {ticker}\n  name: {_beancount_text(posting.currency)}\n"
            if not accounts.has(posting.account):
                account = _beancount_account(accounts, posting)
                yield f"1970-01-01 open {account}\n  name: {_beancount_text(posting.name)}\n"
        yield f'\n{_date(_day(entry.at))} * {_beancount_text(entry.memo)}\n  id: "{entry.id}"\n'
        for posting in entry.postings:
            amount = f"{_decimal(posting)} {_beancount_commodity(commodities, posting)}"
            yield f"  {_beancount_account(accounts, posting)}  {amount}\n"
    yield "\n"
    for row in balances:
        amount = f"{_decimal(row)} ~ 0 {_beancount_commodity(commodities, row)}"  # exactly, not "about"
        yield f"{balances.date} balance {_beancount_account(accounts, row)}  {amount}\n"


def table(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a table for spreadsheets; what could pass for a formula there gets an apostrophe before it."""
    yield _csv_line("id", "date", "memo", "account", "home", "name", "currency", "amount")
    for entry in entries:
        date = _date(_day(entry.at)) if _day(entry.at) else ""
        for posting in entry.postings:
            said = [_harmless(text) for text in (posting.home, posting.name, posting.currency)]
            yield _csv_line(entry.id, date, _harmless(entry.memo), posting.account, *said, _decimal(posting))


FORMATS: Final = MappingProxyType[str, Callable[[Iterable[Entry]], Iterator[str]]](
    {"hledger": hledger, "beancount": beancount, "csv": table}
)


def _day(at: int) -> int:
    """Return days since 1970; 0 for a time that is unsure or beyond all sense."""
    return at // DAY_S if 0 < at // DAY_S <= LAST_DAY else 0


def _date(day: int) -> str:
    """Return the date of a day counted from 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms")."""
    era, of_era = divmod(day + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{year:04}-{month:02}-{of_year - (153 * from_march + 2) // 5 + 1:02}"


def _decimal(posting: Posting) -> str:
    digits = str(abs(posting.amount)).rjust(posting.decimals + 1, "0")
    whole, fraction = (digits[: -posting.decimals], digits[-posting.decimals :]) if posting.decimals else (digits, "")
    return ("-" if posting.amount < 0 else "") + whole + ("." + fraction if fraction else "")


def _sample(posting: Posting) -> str:
    """Return a number that shows how many decimals the currency has."""
    return "1000." + "0" * posting.decimals


def _one_line(text: str) -> str:
    """Return `text` with single spaces and without characters that cannot be seen."""
    kept = (" " if letter.isspace() else letter for letter in text)
    shown = (letter for letter in kept if letter in JOINERS or unicodedata.category(letter)[0] != "C")
    return " ".join("".join(shown).split())


def _hledger_text(text: str) -> str:
    return _one_line(text).replace(";", ",")


def _hledger_account(names: Names, posting: Posting) -> str:
    parts = (_hledger_text(part).replace(":", "-") for part in (posting.home, posting.name))
    path = ":".join(part or "unnamed" for part in parts)
    return names.name(posting.account, f"neighbours:{path}", " ")


def _hledger_commodity(names: Names, posting: Posting) -> str:
    symbol = _hledger_text(posting.currency).replace('"', "'") or "unnamed"
    return f'"{names.name(posting.currency, symbol, " ")}"'


def _beancount_text(text: str) -> str:
    escaped = _one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _beancount_account(names: Names, posting: Posting) -> str:
    path = ":".join(_beancount_part(part) for part in (posting.home, posting.name))
    return names.name(posting.account, f"Neighbours:{path}", "-")


def _beancount_part(name: str) -> str:
    """Return letters, digits and dashes that begin with a capital or a digit, as the language wants them."""
    letters = (
        "-" if unicodedata.category(letter) not in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"} else letter for letter in name
    )
    part = re.sub(r"-+", "-", "".join(letters)).strip("-")
    part = part[:1].upper() + part[1:]
    return part if part and unicodedata.category(part[0]) in {"Lu", "Nd"} else f"N-{part}".rstrip("-")


def _beancount_commodity(names: Names, posting: Posting) -> str:
    ticker = re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKD", posting.currency).upper())
    return names.name(posting.currency, ticker if TICKER.fullmatch(ticker) else "UNIT", "")


def _harmless(text: str) -> str:
    line = _one_line(text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def _csv_line(*cells: str) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
