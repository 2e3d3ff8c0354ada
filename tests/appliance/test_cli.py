"""What a keeper types, as a shell runs it: exit codes, one sentence for each refusal, one JSON object where it is wished."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from appliance.ledger.verdicts import Verdict
from tests.appliance.shell import HEDGEROW, WITHOUT_DATA, done, hedgerow, refused, told

pytestmark = pytest.mark.real

STATUS = {
    *("version", "node_id", "incarnation", "name", "commons", "read_only", "records", "logs", "frontiers", "moon"),
    *("state_hashes", "state_hash", "peers", "air", "clock", "power", "store"),
}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A node made by the command itself."""
    done("init", tmp_path / "elm", "--name", "Elm", "--commons", "Test Street", "--port", "8123")
    return tmp_path / "elm"


def test_a_node_is_made_and_tells_how_it_is(made: Path) -> None:
    facts = told("status", data=made)
    assert facts.keys() >= STATUS
    assert (facts["name"], facts["commons"], facts["read_only"], facts["incarnation"]) == (
        "Elm",
        "Test Street",
        False,
        0,
    )
    assert facts["air"].keys() == {"used_ms_hour", "budget_ms_hour", "packets_day", "bytes_day"}
    assert "Elm of Test Street reads and writes" in done("status", data=made)


def test_a_node_is_made_once(made: Path) -> None:
    assert "already holds a node" in refused("init", made, "--name", "Elm", "--commons", "Other", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "Elm", "--commons", "Street", "--region", "EU_869"),
        ("--name", "Elm", "--commons", "Street", "--port", "99999"),
        ("--name", "Elm\u202e", "--commons", "Street"),
        ("--name", "x" * 10_000, "--commons", "Street"),
        ("--name", "Elm"),
        ("--commons", "Street"),
        ("--name", "Elm", "--invite", "/nowhere"),
    ],
)
def test_a_node_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path, words: tuple[str, ...]) -> None:
    refused("init", tmp_path / "elm", *words, code=2)
    assert list(tmp_path.iterdir()) == []


def test_an_invite_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "invite").write_bytes(os.urandom(500))
    refused("init", tmp_path / "oak", "--name", "Oak", "--invite", tmp_path / "invite")
    assert not (tmp_path / "oak").exists()


def test_a_node_joins_by_invite(elm: Path, tmp_path: Path) -> None:
    done("invite", "-o", tmp_path / "invite", data=elm)
    assert (tmp_path / "invite").stat().st_mode & 0o077 == 0
    done("init", tmp_path / "oak", "--name", "Oak", "--invite", tmp_path / "invite")
    assert told("status", data=tmp_path / "oak")["commons"] == "Test Street"
    assert [peer["name"] for peer in told("peer", "list", data=tmp_path / "oak")["peers"]] == ["Elm"]


def test_nodes_introduce_themselves(elm: Path, oak: Path, tmp_path: Path) -> None:
    done("peer", "introduce", "-o", tmp_path / "oak.peer", data=oak)
    assert told("peer", "add", tmp_path / "oak.peer", data=elm)["name"] == "Oak"
    (tmp_path / "oak.peer").write_text("hedgerow-node-1:AAAA")
    assert "does not introduce a node" in refused("peer", "add", tmp_path / "oak.peer", data=elm)


@pytest.mark.parametrize("place", ["before", "after", "from the environment"])
def test_the_data_directory_is_named_in_three_ways(elm: Path, place: str) -> None:
    words: dict[str, list[str | Path]] = {
        "before": ["--data", elm, "status"],
        "after": ["status", "--data", elm],
        "from the environment": ["status"],
    }
    env = WITHOUT_DATA | ({"HEDGEROW_DATA": str(elm)} if place == "from the environment" else {})
    assert hedgerow(*words[place], env=env).returncode == 0


def test_without_a_data_directory_it_is_asked_for() -> None:
    assert "--data DIR" in refused("status", code=2)


@pytest.mark.parametrize("words", [("blub",), ("pay", "--frm", "Ana"), ("bundle", "blub"), ("ledger", "export")])
def test_a_slip_at_the_keyboard_is_told_in_one_line(elm: Path, words: tuple[str, ...]) -> None:
    refused(*words, data=elm, code=2)


def test_commands_of_later_days_are_absent(elm: Path) -> None:
    for word in ("cheque", "allowance", "paper"):
        assert "No such command" in refused(word, data=elm, code=2)


def test_a_setting_with_a_slip_names_the_nearest(elm: Path) -> None:
    with (elm / "node.yaml").open("a") as file:
        file.write("regoin: EU_868\n")
    assert "regoin is not a setting. Did you mean region?" in refused("status", data=elm, code=2)


def test_a_payment_is_made_and_both_sides_show_it(elm: Path) -> None:
    paid = told("pay", "--from", "Ana", "--to", "Ben", "1.5", "hours", "--memo", "bread", data=elm)
    assert (paid["state"], paid["amount"], paid["decimals"], paid["memo"]) == ("good", 150, 2, "bread")
    assert [row["balance"] for row in told("balance", "Ana", data=elm)["balances"]] == [-150]
    assert "1.5 hours" in done("balance", "ben", data=elm)
    assert paid["id"] in done("ledger", "export", "--format", "hledger", data=elm)


REFUSALS: Final = (
    (("--from", "Ana", "--to", "Ben", "0", "hours"), Verdict.AMOUNT_MUST_BE_POSITIVE),
    (("--from", "Ana", "--to", "Ben", "-1", "hours"), Verdict.AMOUNT_MUST_BE_POSITIVE),
    (("--from", "Ana", "--to", "Ben", str(2**63), "hours"), Verdict.AMOUNT_TOO_LARGE),
    (("--from", "Ana", "--to", "Ben", "1.555", "hours"), Verdict.AMOUNT_TOO_FINE),
    (("--from", "Ana", "--to", "Ben", "1e3", "hours"), Verdict.AMOUNT_UNREADABLE),
    (("--from", "Zoe", "--to", "Ben", "1", "hours"), Verdict.PAYER_UNKNOWN),
    (("--from", "Ana", "--to", "Zoe", "1", "hours"), Verdict.PAYEE_UNKNOWN),
    (("--from", "Ana", "--to", "ana", "1", "hours"), Verdict.ACCOUNTS_MUST_DIFFER),
    (("--from", "Ana", "--to", "Ben", "1", "loaves"), Verdict.CURRENCY_UNKNOWN),
    (("--from", "Ana", "--to", "Ben", "1", "hours", "--memo", "x" * 10_000), Verdict.MEMO_TOO_LONG),
    (("--from", "Ana", "--to", "Ben", "20.01", "hours"), Verdict.EXCEEDS_CREDIT_LIMIT),
    (("--from", "Zoe", "--to", "Zoe", "0", "loaves"), Verdict.PAYER_UNKNOWN),
)


def test_each_payment_that_cannot_be_gets_its_verdict_and_changes_nothing(elm: Path) -> None:
    before = told("status", data=elm)["state_hash"]
    for words, verdict in REFUSALS:
        run = hedgerow("pay", *words, "--json", data=elm)
        assert (run.returncode, json.loads(run.stdout)["verdict"]) == (1, verdict.code), words
        assert run.stderr.strip() == json.loads(run.stdout)["message"]
    assert told("status", data=elm)["state_hash"] == before


def test_an_account_elsewhere_pays_at_its_home(elm: Path, oak: Path, tmp_path: Path) -> None:
    done("bundle", "export", tmp_path / "a.hedge", data=oak)
    done("bundle", "import", tmp_path / "a.hedge", data=elm)
    assert "kept at Oak" in refused("pay", "--from", "Dora", "--to", "Ben", "1", "hours", data=elm)
    assert told("pay", "--from", "Ana", "--to", "Dora@Oak", "1", "hours", data=elm)["state"] == "good"


def test_neighbours_are_called_as_they_wish(elm: Path) -> None:
    for name in ("陳大文", "עדה", "👩‍👩‍👧‍👧", "Zoë O'Neill", "-dash"):
        assert told("member", "add", "--pin", "4321", "--", name, data=elm)["account"]["name"] == name
    assert {"陳大文", "עדה", "-dash"} <= {one["name"] for one in told("member", "list", data=elm)["members"]}


def test_a_name_that_cannot_be_is_refused(elm: Path) -> None:
    for name in ("", "\u202e", "x" * 10_000, "Ana", "a@b"):
        refused("member", "add", name, data=elm)
    assert len(told("member", "list", data=elm)["members"]) == 2


def test_a_paper_card_is_printed(elm: Path) -> None:
    card = done("member", "add", "Chidi", data=elm)
    assert "Chidi of Elm" in card
    assert "PIN" in card
    again = told("member", "pin", "Chidi", data=elm)
    assert again["account"]["name"] == "Chidi"
    assert again["pin"] not in card


def test_a_zine_goes_onto_the_shelf_and_off_again(elm: Path, tmp_path: Path) -> None:
    (tmp_path / "soup.md").write_text("# Soup\n\nWater first.\n")
    kept = told("zine", "add", tmp_path / "soup.md", "--title", "Soup", "--tag", "food", "--tag", "water", data=elm)
    assert (kept["tags"], kept["media_type"]) == (["food", "water"], "text/markdown")
    assert [one["id"] for one in told("zine", "list", "soup", data=elm)["zines"]] == [kept["id"]]
    done("zine", "get", kept["id"], "-o", tmp_path / "out.md", data=elm)
    assert (tmp_path / "out.md").read_bytes() == (tmp_path / "soup.md").read_bytes()
    done("zine", "withdraw", kept["id"], data=elm)
    assert told("zine", "list", data=elm)["zines"] == []
    refused("zine", "get", kept["id"], "-o", tmp_path / "again.md", data=elm)
    assert not (tmp_path / "again.md").exists()


def test_what_is_no_zine_is_refused(elm: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.md").write_bytes(os.urandom(2000))
    assert "UTF-8" in refused("zine", "add", tmp_path / "noise.md", "--title", "Noise", data=elm)
    refused("zine", "add", tmp_path / "nowhere.md", "--title", "Nowhere", data=elm, code=2)
    refused("zine", "add", tmp_path, "--title", "A directory", data=elm, code=2)
    refused("zine", "get", "blub", "-o", tmp_path / "out", data=elm)


def test_a_bundle_brings_both_sides_together(elm: Path, oak: Path, tmp_path: Path) -> None:
    done("pay", "--from", "Ana", "--to", "Ben", "2", "hours", data=elm)
    for giver, taker in ((elm, oak), (oak, elm)):
        done("bundle", "export", tmp_path / "b.hedge", data=giver)
        assert told("bundle", "import", tmp_path / "b.hedge", data=taker)["torn"] is False
    assert told("status", data=elm)["state_hash"] == told("status", data=oak)["state_hash"]
    assert not list(tmp_path.glob("*.part"))


def test_a_bundle_tells_what_it_holds(elm: Path, oak: Path, tmp_path: Path) -> None:
    done("bundle", "export", tmp_path / "b.hedge", data=elm)
    bill = told("bundle", "show", tmp_path / "b.hedge", data=oak)
    facts = told("status", data=elm)
    assert (bill["writer"], bill["whole"], bill["records"]) == (facts["node_id"], True, facts["records"])
    (tmp_path / "b.hedge").write_bytes((tmp_path / "b.hedge").read_bytes()[:-100])
    assert told("bundle", "show", tmp_path / "b.hedge", data=oak)["whole"] is False
    (tmp_path / "b.hedge").write_bytes(os.urandom(100))
    assert "not a bundle" in refused("bundle", "show", tmp_path / "b.hedge", data=oak)
    assert "not a bundle" in refused("bundle", "import", tmp_path / "b.hedge", data=oak)
    refused("bundle", "import", tmp_path / "nowhere.hedge", data=oak, code=2)


def test_the_books_leave_for_hledger(elm: Path, tmp_path: Path) -> None:
    done("member", "add", "陳; 大文", data=elm)
    done("pay", "--from", "Ana", "--to", "陳; 大文", "1.25", "hours", "--memo", "a; b\n(c)", data=elm)
    done("ledger", "export", "--format", "hledger", "-o", tmp_path / "books.journal", data=elm)
    hledger = shutil.which("hledger")
    assert hledger, "the Debian package hledger is needed"
    env = {"LANG": "C.UTF-8", "HOME": str(tmp_path)}
    subprocess.run([hledger, "check", "--strict", "-f", tmp_path / "books.journal"], env=env, check=True)


def test_who_reads_only_the_first_line_disturbs_nobody(elm: Path) -> None:
    export = subprocess.Popen(
        [HEDGEROW, "ledger", "export", "--format", "csv", "--data", elm], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert export.stdout
    assert export.stderr
    export.stdout.close()
    assert export.stderr.read() == b""
    export.stderr.close()
    assert export.wait() in (0, 1)


def test_a_file_that_cannot_be_written_is_said(elm: Path, tmp_path: Path) -> None:
    refused("ledger", "export", "--format", "csv", "-o", tmp_path / "no" / "where.csv", data=elm, code=2)
    refused("bundle", "export", tmp_path / "no" / "where.hedge", data=elm, code=2)


def test_the_switch_is_shown(elm: Path) -> None:
    done("radio", "off", data=elm)
    assert told("status", data=elm)["radio"] == "off"
    done("radio", "on", data=elm)
    assert told("status", data=elm)["radio"] == "on"
    refused("radio", "louder", data=elm, code=2)
