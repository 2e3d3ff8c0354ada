"""The archive: what is published is found, read and taken back, here and at the next node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from appliance.answers import Account
from appliance.desks.bringing import TAGS_MAX
from appliance.errors import Answer, Objection, Refused
from appliance.library import ZineForm
from appliance.node import Node
from appliance.settings import Portal
from mesh.blob import blob_id
from tests.appliance.shelves import BREAD, files, publish
from tests.appliance.street import PIN, Street

CHUNK: Final = 1 << 16


@pytest.fixture
def elm(street: Street) -> Node:
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    return street.welcome("Oak")


@pytest.fixture
def ana(street: Street, elm: Node) -> Account:
    return street.neighbour(elm, "Ana", keeper=True)


def refused(node: Node, verdict: Answer, form: ZineForm, content: bytes = BREAD, name: str = "a.md") -> None:
    """Publish what must be refused, and see that nothing of it is left behind."""
    before = node.records.count(), files(node)
    with pytest.raises(Refused) as refusal:
        node.publish(form, BytesIO(content), name, None)
    assert refusal.value.verdict is verdict
    assert (node.records.count(), files(node)) == before


# publishing


def test_a_zine_is_published_and_read(street: Street, elm: Node, oak: Node, ana: Account) -> None:
    form = ZineForm(" Bread ", "Ana", "es-419", "A\nlong\tnight", "Kitchen", "1", "CC0", ("food", "winter"))
    zine = elm.publish(form, BytesIO(BREAD), "../Bread.MD", ana)
    assert (zine.title, zine.description, zine.tags) == ("Bread", "A\nlong night", ("food", "winter"))
    assert (zine.language, zine.media_type, zine.size) == ("es-419", "text/markdown", len(BREAD))
    assert (zine.blob, zine.is_here, zine.published_at) == (blob_id(BREAD).hex(), True, "Elm")
    file = elm.zine_file(zine.id)
    assert file.path.read_bytes() == BREAD
    street.settle()
    assert oak.zine(zine.id) == replace(zine, is_here=False, wanted=True, copies=1)
    with pytest.raises(Refused) as refusal:
        oak.zine_file(zine.id)
    assert refusal.value.verdict is Objection.NOT_HERE_YET
    assert len(street.hashes()) == 1


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.md", "text/markdown"),
        ("a.MARKDOWN", "text/markdown"),
        ("a.txt", "text/plain"),
        ("a", "text/plain"),
        ("\x00/\n.md", "text/markdown"),
    ],
)
def test_the_ending_tells_what_it_is(elm: Node, name: str, media_type: str) -> None:
    assert publish(elm, name=name).media_type == media_type


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", "Brot".encode("utf-16"), "Bröt".encode("latin-1"), b"bread\x00", b"%PDF\xe2\xe3",
     BREAD + b"\xc3", "面".encode()[:2], b"\xed\xa0\x80", b"\xc0\xaf",
     b"x" * CHUNK + b"\x00", b"x" * (CHUNK - 1) + b"\xe9\x9d" + b"x"],
)  # fmt: skip
def test_what_is_no_text_is_refused(elm: Node, content: bytes) -> None:
    refused(elm, Objection.FILE_UNREADABLE, ZineForm("Bread"), content)


@pytest.mark.parametrize("before", range(CHUNK - 4, CHUNK + 1))
def test_a_letter_may_lie_across_the_border_of_two_chunks(elm: Node, before: int) -> None:
    assert publish(elm, content=b"x" * before + "\U0001f35e é 面".encode()).is_here


@pytest.mark.parametrize(
    ("form", "verdict"),
    [
        (ZineForm(""), Objection.TEXT_EMPTY),
        (ZineForm("\u202e \n"), Objection.TEXT_EMPTY),
        (ZineForm("x" * 121), Objection.TEXT_TOO_LONG),
        (ZineForm("x" * 10_000), Objection.TEXT_TOO_LONG),
        (ZineForm("Bread", creator="x" * 121), Objection.TEXT_TOO_LONG),
        (ZineForm("Bread", description="x" * 901), Objection.TEXT_TOO_LONG),
        (ZineForm("Bread", tags=("x" * 41,)), Objection.TEXT_TOO_LONG),
        (ZineForm("Bread", language=""), Objection.LANGUAGE_UNKNOWN),
        (ZineForm("Bread", language="English"), Objection.LANGUAGE_UNKNOWN),
        (ZineForm("Bread", language="en_US"), Objection.LANGUAGE_UNKNOWN),
        (ZineForm("Bread", language="en" + "-abc" * 9), Objection.LANGUAGE_UNKNOWN),
    ],
)
def test_what_is_told_of_a_zine_has_limits(elm: Node, form: ZineForm, verdict: Answer) -> None:
    refused(elm, verdict, form)


def test_tags_beyond_the_limit_are_left_out(elm: Node) -> None:
    assert len(publish(elm, tags=tuple(f"tag {number}" for number in range(20))).tags) == TAGS_MAX


@pytest.fixture
def small(elm: Node) -> Iterator[Node]:
    """The same node, which takes files of 4 kB."""
    node = Node(replace(elm.settings, portal=Portal(upload_max_bytes=4096)))
    yield node
    node.close()


def test_a_file_that_is_too_large_is_refused_before_it_is_all_read(small: Node) -> None:
    assert publish(small, content=b"x" * 4096).size == 4096
    refused(small, Objection.FILE_TOO_LARGE, ZineForm("Bread"), b"x" * 4097)
    endless = Endless()
    with pytest.raises(Refused):
        small.publish(ZineForm("Bread"), endless, "a.md", None)
    assert endless.given <= 2 * CHUNK


class Endless(BytesIO):
    """Two gigabytes and more, for whoever would read that far."""

    given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0
        self.given += size
        return b"x" * size


# taking back


def test_what_is_taken_back_is_gone_from_both_cards(street: Street, elm: Node, oak: Node) -> None:
    zine = publish(elm)
    street.settle()
    oak.blobs.keep(BytesIO(BREAD), len(BREAD))
    assert oak.zine(zine.id).is_here
    elm.withdraw_zine(zine.id)
    assert files(elm) == []
    street.settle()
    assert files(oak) == []
    assert oak.zines("Flour").rows == elm.zines().rows == ()
    for node in (elm, oak):
        assert list(node.verify()) == []
    assert len(street.hashes()) == 1


def test_one_file_of_two_zines_stays_until_both_are_taken_back(elm: Node) -> None:
    one, other = publish(elm, "Bread"), publish(elm, "Bread again")
    elm.withdraw_zine(one.id)
    assert elm.zine(other.id).is_here
    elm.withdraw_zine(other.id)
    assert files(elm) == []


def test_only_its_publisher_or_a_keeper_takes_a_zine_back(street: Street, elm: Node, oak: Node, ana: Account) -> None:
    ben = street.neighbour(elm, "Ben")
    street.neighbour(elm, "Cara")
    zine = elm.publish(ZineForm("Bread"), BytesIO(BREAD), "a.md", ben)
    street.settle()
    sessions = {name: elm.sign_in(name, PIN) for name in ("Ana", "Ben", "Cara")}
    may = {name: elm.zine(zine.id, session).may_withdraw for name, session in sessions.items()}
    assert may == {"Ana": True, "Ben": True, "Cara": False}
    for node, session in ((elm, sessions["Cara"]), (oak, None)):
        with pytest.raises(Refused) as refusal:
            node.withdraw_zine(zine.id, session)
        assert refusal.value.verdict is Objection.NOT_YOURS
    elm.withdraw_zine(zine.id, sessions["Ben"])
    for ask in (elm.zine, elm.zine_file, elm.ask_for, elm.withdraw_zine):
        with pytest.raises(Refused) as refusal:
            ask(zine.id)
        assert refusal.value.verdict is Objection.NOT_FOUND


@pytest.mark.parametrize("number", ["", "x", "a" * 26 + "-1", "a" * 10_000, "../../node.key"])
def test_a_zine_that_is_none(elm: Node, number: str) -> None:
    for ask in (elm.zine, elm.zine_file, elm.ask_for, elm.withdraw_zine):
        with pytest.raises(Refused) as refusal:
            ask(number)
        assert refusal.value.verdict is Objection.NOT_FOUND


def test_names_on_the_card_are_digests(elm: Node) -> None:
    zine = publish(elm, name="../../../etc/passwd")
    assert files(elm) == [zine.blob]
    assert Path(elm.zine_file(zine.id).path).parent == elm.settings.blobs
