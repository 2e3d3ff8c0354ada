"""Files of every kind at a desk: published clean, found by their words, counted, and looked into where they arrive."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from appliance.answers import Account
from appliance.errors import Objection, Refused
from appliance.library import Zine, ZineForm
from appliance.node import Node
from appliance.settings import Archive
from tests.appliance.intake import specimens
from tests.appliance.intake.specimens import SECRET, WORD
from tests.appliance.street import Street


@pytest.fixture
def ana(street: Street) -> Account:
    return street.neighbour(street.elm, "Ana")


def publish(node: Node, content: bytes, name: str, by: Account | None = None, title: str = "Hedges") -> Zine:
    return node.publish(ZineForm(title), BytesIO(content), name, by)


def rooms(node: Node) -> list[str]:
    return [path.name for path in node.settings.rooms.glob("*") if path.name != "turn.lock"]


def refused(node: Node, content: bytes, name: str, by: Account | None = None) -> Refused:
    """Bring what must be refused, and see that nothing of it is left."""
    before = node.records.count(), set(node.settings.blobs.glob("*"))
    with pytest.raises(Refused) as refusal:
        publish(node, content, name, by)
    assert (node.records.count(), set(node.settings.blobs.glob("*"))) == before
    assert rooms(node) == []
    return refusal.value


def test_a_pdf_is_found_by_a_word_within_and_tells_what_was_taken_out(street: Street) -> None:
    zine = publish(street.elm, specimens.pdf(pages=3), "hedges.pdf")
    assert (zine.media_type, zine.pages, zine.has_cover, zine.trouble) == ("application/pdf", 3, True, "")
    assert {"place", "people", "attachment", "script"} <= set(zine.removed)
    assert [found.id for found in street.elm.zines(WORD).rows] == [zine.id]
    assert street.elm.zine_cover(zine.id, small=True).startswith(b"\xff\xd8\xff")
    file = street.elm.zine_file(zine.id)
    assert SECRET.encode() not in file.path.read_bytes()
    assert file.size == file.path.stat().st_size == zine.size
    assert list(street.elm.verify()) == []
    assert rooms(street.elm) == []


def test_the_same_file_twice_is_the_same_zine_for_the_same_key(street: Street, ana: Account) -> None:
    form = ZineForm("Hedges")
    one, other = (
        street.elm.publish(form, BytesIO(specimens.pdf()), "a.pdf", ana, idempotency_key="once") for _ in range(2)
    )
    assert one.id == other.id


def test_what_was_taken_back_leaves_no_words_and_no_cover(street: Street) -> None:
    elm = street.elm
    zine = publish(elm, specimens.epub(), "hedges.epub")
    before = elm.withdrawals()
    elm.withdraw_zine(zine.id)
    assert elm.withdrawals() == before + 1  # whereupon the air codec forgets what it learned
    assert list(elm.settings.blobs.glob("*")) == []
    assert elm.database.value("SELECT count(*) FROM extract") == 0
    assert elm.zines(WORD).rows == ()


def test_a_hostile_file_is_refused_and_nothing_is_left(street: Street) -> None:
    assert refused(street.elm, specimens.png_of_size(30_000, 30_000), "a.png").verdict is Objection.PICTURE_TOO_LARGE
    assert refused(street.elm, specimens.photograph(), "a.png").verdict is Objection.FILE_MISNAMED


def test_ten_thousand_files_an_hour_are_not_taken_from_one_account(street: Street, ana: Account) -> None:
    elm = street.elm
    for number in range(elm.settings.archive.uploads_per_hour):
        publish(elm, f"Page {number}".encode(), "a.txt", ana, f"Page {number}")
    refusal = refused(elm, b"One more", "a.txt", ana)
    assert refusal.verdict is Objection.UPLOADS_TOO_MANY
    assert 0 < int(str(refusal.details["seconds"])) <= 60
    street.close(elm)
    again = street.open("Elm")
    assert refused(again, b"One more", "a.txt", ana).verdict is Objection.UPLOADS_TOO_MANY
    publish(again, b"By the keeper", "a.txt", None)


def test_a_publisher_has_so_much_room_and_the_archive_too(street: Street, ana: Account) -> None:
    small = Archive(free_space_floor_bytes=0, publisher_quota_bytes=1000, quota_bytes=2000)
    elm = Node(replace(street.elm.settings, archive=small))
    try:
        publish(elm, b"x" * 900, "a.txt", ana)
        assert refused(elm, b"y" * 101, "a.txt", ana).verdict is Objection.PUBLISHER_FULL
        publish(elm, b"y" * 1000, "a.txt")
        assert refused(elm, b"z" * 101, "a.txt").verdict is Objection.ARCHIVE_FULL
    finally:
        elm.close()


@pytest.fixture
def oak(street: Street) -> Node:
    return street.welcome("Oak")


def carry(street: Street, oak: Node, zine: Zine, content: bytes | None = None) -> Zine:
    """Bring a zine and its file from Elm to Oak, as a road does."""
    street.settle()
    blob = bytes.fromhex(zine.blob)
    content = street.elm.blobs.path(blob).read_bytes() if content is None else content
    oak.blobs.keep(BytesIO(content), len(content))
    with oak.database.writing():
        oak.shelf.has_arrived(blob)
    return oak.zine(zine.id)


def test_what_arrives_is_looked_into_and_keeps_its_bytes(street: Street, oak: Node) -> None:
    zine = publish(street.elm, specimens.pdf(), "a.pdf")
    arrived = carry(street, oak, zine)
    assert (arrived.trouble, arrived.has_cover) == ("NOT_LOOKED_INTO", False)
    assert oak.look_into_next()
    assert not oak.look_into_next()
    seen = oak.zine(zine.id)
    assert (seen.trouble, seen.has_cover, seen.pages, seen.blob) == ("", True, 2, zine.blob)
    assert oak.shelf.extracts.words(bytes.fromhex(zine.blob)) == street.elm.shelf.extracts.words(
        bytes.fromhex(zine.blob)
    )
    assert list(oak.verify()) == []
    assert len(street.hashes()) == 1


def test_a_hostile_arrival_is_only_handed_out(street: Street, oak: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = specimens.png_of_size(30_000, 30_000)
    harmless = publish(street.elm, specimens.drawing(), "a.png")
    with street.elm.saying():
        blob, size = street.elm.blobs.keep(BytesIO(hostile), len(hostile))
        card = replace(street.elm._card(ZineForm("Bomb")), blob=blob, size=size, media_type="image/png")
        place = street.elm._shelve(card, None, None)
    carry(street, oak, harmless)
    bomb = carry(street, oak, street.elm.zine(str(place)))
    while oak.look_into_next():
        pass
    assert oak.zine(bomb.id).trouble == "PICTURE_TOO_LARGE"
    assert oak.zine_file(bomb.id).path.read_bytes() == hostile
    assert oak.zine(harmless.id).trouble == ""
    assert Path(oak.zine_file(bomb.id).path).exists()
