"""The file of an update: made, signed, read back, and refused in words for whatever may be wrong with it."""

from __future__ import annotations

import os
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Refused
from appliance.updates import keepers as lists
from appliance.updates import making
from appliance.updates.flaws import Flaw
from appliance.updates.header import CHUNK_SIZE, Chunk, Header, Part, number
from appliance.updates.keepers import Keepers
from appliance.updates.update_file import PRELUDE, SEAL_SIZE, SEALS_SIZE, Here, Top, UpdateFile, check, packed, unpacked
from mesh import canonical
from mesh.errors import Malformed
from mesh.keys import PublicKey, digest
from tests.appliance.updates.cards import ANA, BEN, CAT, contents, keepers, update

HERE = Here("1.0", "arm64")


def refusal(file: Path, known: Keepers | None = None, here: Here = HERE) -> Flaw:
    """Return why a node refuses a file, all of which it reads."""
    with pytest.raises(Refused) as told:
        taken(file, known, here)
    assert isinstance(told.value.verdict, Flaw)
    assert "{" not in str(told.value)
    return told.value.verdict


def taken(file: Path, known: Keepers | None = None, here: Here = HERE) -> list[str]:
    with closing(UpdateFile(file)) as one:
        signers = check(one.top, known or keepers(), here)
        one.check_whole()
        return signers


def test_what_was_made_is_read_back(tmp_path: Path) -> None:
    file = update(tmp_path, ANA, BEN)
    assert taken(file) == ["Ana", "Ben"] or taken(file) == ["Ben", "Ana"]
    with closing(UpdateFile(file)) as one:
        header = one.top.header
        assert [part.name for part in header.parts] == [
            *("system", "board.dtb", "cmdline.txt", "initrd.img", "overlays/x.dtbo", "vmlinuz"),
        ]
        image = (tmp_path / "made-9.0/system.img").read_bytes()
        assert header.system.size == len(image)
        read, at = b"", 0
        for index, chunk in enumerate(header.system.chunks):
            read += one.content(header.system, index, at)
            at += chunk.stored
        assert read == image
        assert one.size < len(image), "what is empty costs little"


def test_equal_contents_give_equal_files(tmp_path: Path) -> None:
    made = contents(tmp_path / "made")
    files = [tmp_path / f"hedgerow-{name}.update" for name in "xy"]
    for file in files:
        making.make(made, file)
    for key in (ANA, BEN):
        making.sign(files[0], key)
    for key in (BEN, ANA):
        making.sign(files[1], key)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_refused_in_words(tmp_path: Path) -> None:
    one = update(tmp_path, ANA)
    assert refusal(one) is Flaw.TOO_FEW
    with pytest.raises(Refused, match="is signed with this key already"):
        making.sign(one, ANA)
    making.sign(one, CAT)
    assert refusal(one) is Flaw.TOO_FEW, "a key that this node does not know counts for nothing"
    making.sign(one, BEN)
    assert len(taken(one)) == 2
    assert refusal(one, keepers(1, Dora=making.new_key(tmp_path / "dora.key"))) is Flaw.TOO_FEW
    assert refusal(one, here=Here("9.0.0", "arm64")) is Flaw.SAME
    assert refusal(one, here=Here("9.0.1", "arm64")) is Flaw.OLD
    assert refusal(one, here=Here("10.0", "arm64")) is Flaw.OLD
    assert refusal(one, here=Here("1.0", "amd64")) is Flaw.OTHER_MACHINE
    assert refusal(one, here=Here("1.0", "arm64", failed="9.0")) is Flaw.FAILED_HERE
    with closing(UpdateFile(one)) as opened, pytest.raises(Refused, match="takes none"):
        check(opened.top, None, HERE)


def test_one_key_twice_is_not_two(tmp_path: Path) -> None:
    file = update(tmp_path, ANA)
    raw = bytearray(file.read_bytes())
    with closing(UpdateFile(file)) as one:
        at = PRELUDE.size + len(one.top.raw)
    raw[at + SEAL_SIZE : at + 2 * SEAL_SIZE] = raw[at : at + SEAL_SIZE]
    file.write_bytes(raw)
    assert refusal(file) is Flaw.SIGNED_TWICE


def test_a_byte_that_is_flipped_anywhere_is_found(tmp_path: Path) -> None:
    file = update(tmp_path, ANA, BEN, system=os.urandom(200_000) + bytes(50_000))
    raw = file.read_bytes()
    with closing(UpdateFile(file)) as one:
        top, sizes = one.top.size, len(one.top.raw)
    seals = range(PRELUDE.size + sizes, top)
    places = [*range(PRELUDE.size + 40), *range(PRELUDE.size, PRELUDE.size + sizes, 37), *seals[::29], *seals[:200]]
    for at in sorted({*places, *range(top, len(raw), 4999), len(raw) - 1}):
        file.write_bytes(raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :])
        why = refusal(file)
        if at >= top:
            assert why is Flaw.CHANGED
        elif PRELUDE.size <= at < PRELUDE.size + sizes:
            assert why is Flaw.FALSE_SIGNATURE, at


def test_a_file_that_ends_anywhere_or_goes_on_is_found(tmp_path: Path) -> None:
    file = update(tmp_path, ANA, BEN, system=os.urandom(100_000))
    raw = file.read_bytes()
    for size in (0, 1, PRELUDE.size - 1, PRELUDE.size, PRELUDE.size + 5, 1500, 5000, len(raw) - 1):
        file.write_bytes(raw[:size])
        assert refusal(file) in (Flaw.NOT_ONE, Flaw.CUT_SHORT), size
    file.write_bytes(raw + b"\0")
    assert refusal(file) is Flaw.TOO_LONG


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hedgerow-9.update")
    assert refusal(tmp_path / "hedgerow-9.update") is Flaw.NOT_ONE
    (tmp_path / "hedgerow-8.update").symlink_to("/etc/passwd")
    assert refusal(tmp_path / "hedgerow-8.update") is Flaw.UNREADABLE


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    file = update(tmp_path, ANA, BEN, system=bytes(24 << 20))
    tracemalloc.start()
    taken(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * CHUNK_SIZE


def test_a_chunk_that_unpacks_to_more_is_none() -> None:
    bomb = packed(bytes(CHUNK_SIZE))
    assert unpacked(bomb, CHUNK_SIZE) == bytes(CHUNK_SIZE)
    assert unpacked(bomb, CHUNK_SIZE - 1) is None
    assert unpacked(bomb, CHUNK_SIZE + 1) is None
    assert unpacked(bomb + b"\0", CHUNK_SIZE) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_no_update_or_refused(raw: bytes) -> None:
    def read(offset: int, size: int) -> bytes:
        return raw[offset : offset + size]

    with pytest.raises(Refused):
        Top.read("x", read)
    try:
        found = Header.parse(raw)
    except Malformed:
        return
    assert found.encode() == raw


CHUNKS = st.builds(Chunk, st.integers(1, 100), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
SMALL = st.builds(lambda chunk, more: Part("system", chunk.stored + more, (chunk,)), CHUNKS, st.integers(0, 100))
KEYS = st.dictionaries(
    st.binary(min_size=32, max_size=32).map(PublicKey), st.sampled_from(["", "Ana", "Béla"]), min_size=1, max_size=4
)


@given(st.from_regex(r"[1-9]{1,3}(\.[1-9]{1,3}){1,3}", fullmatch=True), st.integers(0, 9), SMALL, st.none() | KEYS)
def test_a_header_is_read_as_it_was_written(
    version: str, shape: int, system: Part, names: dict[PublicKey, str] | None
) -> None:
    following = Keepers(1, names) if names else None
    header = Header(version, "arm64", shape, following, (system, system_named("vmlinuz", system)))
    assert Header.parse(header.encode()) == header
    if following:
        assert lists.parse(following.as_text()) == following


def system_named(name: str, part: Part) -> Part:
    return Part(name, part.size, part.chunks)


NO_PARTS: tuple[Any, ...] = ([], [["vmlinuz", 5, [[5, bytes(32), bytes(32)]]]], {}, "x")
GOOD: list[Any] = ["1.0", "arm64", 1, None, [["system", 5, [[5, bytes(32), bytes(32)]]]]]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        *((0, version) for version in ("", "1", "01.0", "1.0.0.0.0", "1.0a", "\u0661.\u0660", 1)),
        *((1, name) for name in ("", "ARM", "a" * 40, "../x")),
        *((2, shape) for shape in (-1, True, 1 << 16, "1")),
        *(
            (3, who)
            for who in ([], [1, []], [2, [[bytes(32), ""]]], [1, [[bytes(31), ""]]], [1, [[bytes(32), "a\nb"]]])
        ),
        *((4, parts) for parts in NO_PARTS),
        (4, [["system", 0, []]]),
        (4, [["system", 5, []]]),
        (4, [["system", 5, [[6, bytes(32), bytes(32)]]]]),
        (4, [["system", 5, [[0, bytes(32), bytes(32)]]]]),
        (4, [["system", 5, [[5, bytes(32), bytes(31)]]]]),
        *(
            (4, [*GOOD[4], *([name, 1, [[1, bytes(32), bytes(32)]]] for name in names)])
            for names in (
                ["../x"],
                ["/x"],
                ["a/b/c"],
                ["."],
                ["x "],
                ["B", "a"],
                ["a", "A"],
                ["a", "a"],
                [""],
                ["nul\0"],
            )
        ),
    ],
)
def test_headers_that_are_none(place: int, wrong: Any) -> None:
    assert Header.parse(canonical.encode(GOOD)).version == "1.0"
    with pytest.raises(Malformed):
        Header.parse(canonical.encode([*GOOD[:place], wrong, *GOOD[place + 1 :]]))


def test_versions_only_grow() -> None:
    row = ["0.1", "0.1.1", "0.2", "0.10", "1.0", "1.0.0.1", "1.1"]
    assert sorted(row, key=number) == row
    assert number("1.2") == number("1.2.0")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("needed 1\nkey abc\n", 2),
        ("needed 1\nkey " + "a" * 52 + "\nkey " + "a" * 52 + "\n", 3),
        ("needed 2\nkey " + "a" * 52 + "\n", 2),
        ("key " + "a" * 52 + "\n", 1),
        ("", 0),
        ("needed " + "a" * 52 + "\n", 1),
        ("key 12\n", 1),
        ("# nobody\nwho knows\n", 2),
    ],
)
def test_a_list_of_keepers_that_is_wrong_says_where(text: str, line: int) -> None:
    with pytest.raises(Refused, match=f"in line {line}:"):
        lists.parse(text)


def test_a_list_of_keepers() -> None:
    both = keepers()
    assert lists.parse(both.as_text()) == both
    assert lists.parse(both.as_text().replace("\n", "\r\n\r\n")) == both


def test_a_key_never_leaves_its_file(tmp_path: Path) -> None:
    key = making.new_key(tmp_path / "ana.key")
    assert (tmp_path / "ana.key").stat().st_mode & 0o777 == 0o600
    assert making.read_key(tmp_path / "ana.key").public_key == key.public_key
    file = update(tmp_path, key)
    assert key.seed not in file.read_bytes()
    assert digest(key.seed) not in file.read_bytes()


def test_signatures_stand_where_they_are_looked_for(tmp_path: Path) -> None:
    file = update(tmp_path, ANA, BEN)
    with closing(UpdateFile(file)) as one:
        assert file.read_bytes()[: one.top.size] == one.top.written
        assert one.top.written[-SEALS_SIZE:].rstrip(b"\0")
