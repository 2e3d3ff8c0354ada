"""`hedgerow update` as keepers type it on their laptops, and what it says on a machine that is no card."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.appliance.shell import done, refused, told
from tests.appliance.updates.cards import contents

pytestmark = pytest.mark.real


def test_made_signed_by_two_and_looked_into(tmp_path: Path) -> None:
    made, file, keys = contents(tmp_path / "made"), tmp_path / "hedgerow-9.0.update", tmp_path / "update-keys.txt"
    lines = [done("update", "key", tmp_path / f"{name}.key", "--name", name) for name in ("Ana", "Ben")]
    keys.write_text("needed 2\n" + "".join(lines), encoding="utf-8")
    parts = ("--system", made.system, "--boot", made.boot)
    said = done("update", "make", *parts, "--version", "9.0", "--keys", keys, "-o", file)
    assert "It needs signatures now" in said
    assert told("update", "show", file)["signatures"] == []
    assert "bears 1 signatures now" in done("update", "sign", file, "--key", tmp_path / "Ana.key")
    assert "is signed with this key already" in refused("update", "sign", file, "--key", tmp_path / "Ana.key")
    done("update", "sign", file, "--key", tmp_path / "Ben.key")
    facts = told("update", "show", tmp_path, "--keys", keys)
    assert (facts["version"], facts["architecture"], facts["changes_keys"]) == ("9.0", "arm64", True)
    assert {one["name"] for one in facts["signatures"]} == {"Ana", "Ben"}
    assert "vmlinuz" in facts["files"]
    assert "Signed by: " in done("update", "show", file, "--keys", keys)
    raw = file.read_bytes()
    file.write_bytes(raw[:-9] + b"?" + raw[-8:])
    assert "damaged or was changed" in refused("update", "show", file)
    assert "damaged or was changed" in refused("update", "sign", file, "--key", tmp_path / "Ben.key")


def test_slips_are_told_in_a_sentence(tmp_path: Path) -> None:
    made = contents(tmp_path / "made")
    parts = ("--system", made.system, "--boot", made.boot, "-o", tmp_path / "x.update")
    assert "cannot be made" in refused("update", "make", *parts, "--version", "nine", code=2)
    (made.boot / "a name with blanks").write_text("x", encoding="ascii")
    assert "cannot be made" in refused("update", "make", *parts, "--version", "9.0", code=2)
    assert list(tmp_path.glob("*.update*")) == []
    done("update", "key", tmp_path / "ana.key")
    assert "cannot be made" in refused("update", "key", tmp_path / "ana.key", code=2)
    (tmp_path / "no.key").write_text("12", encoding="ascii")
    assert "is not an update" in refused("update", "show", tmp_path / "no.key")
    assert "There is no update in" in refused("update", "show", tmp_path)


def test_a_machine_that_is_no_card_says_so(tmp_path: Path) -> None:
    assert "does not run from a card of ours" in refused("update", "apply", tmp_path)
    assert "does not run from a card of ours" in refused("update", "rollback")
    assert (tmp_path / "hedgerow/receipts").is_dir(), "the stick tells it too"
    assert done("update", "begin") == ""
