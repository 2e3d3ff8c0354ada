"""Publishing, finding, reading, taking along and taking back zines."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.node import Node
from tests.webui.conftest import UPLOAD_MAX
from tests.webui.street import MARKDOWN, publish
from tests.webui.visitor import Page, Visitor

TYPED = {"title": "Seeds", "creator": "Ana", "language": "en", "tags": "seeds, garden,seeds"}


def publish_by_form(visitor: Visitor, content: bytes, name: str = "seeds.md", **typed: str):
    return visitor.submit("/archive", "/archive", file=(content, name), **(TYPED | typed))


def test_a_zine_is_published_found_and_read(node: Node, ana: Visitor, stranger: Visitor):
    response = publish_by_form(ana, MARKDOWN, description="How to keep them dry.")
    page = Page(response.text)
    assert "How to keep them dry." in page.words
    path = response.request.path
    assert path in stranger.page("/archive?q=seeds").links
    assert path in stranger.page("/archive?q=bottles").links  # a word of its text
    assert path not in stranger.page("/archive?q=bicycle").links
    shown = stranger.page(f"{path}/read")
    assert "Fill clean bottles, close them and keep them dark." in shown.words
    assert "9" in shown.words
    assert node.zines().rows[0].tags == ("seeds", "garden")


def test_chinese_is_found_by_a_part_of_a_word(street: Node, stranger: Visitor):
    assert "水的储存" in stranger.page("/archive?q=存放在").words


def test_a_zine_is_taken_along_whole_or_in_parts(street: Node, stranger: Visitor):
    zine = next(zine for zine in street.zines().rows if zine.language == "en")
    path = f"/archive/{zine.id}/file"
    whole = stranger.get(path)
    assert whole.data == stranger.get(path, headers={"Accept-Encoding": "gzip"}).data == MARKDOWN
    assert whole.headers["Content-Disposition"] == "attachment; filename=Storing-water.md"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    part = stranger.get(path, headers={"Range": "bytes=2-8"})
    assert (part.status_code, part.data) == (206, MARKDOWN[2:9])
    assert part.headers["Content-Range"] == f"bytes 2-8/{len(MARKDOWN)}"
    beyond = stranger.get(path, headers={"Range": "bytes=99999-"})
    assert beyond.status_code == 416
    same = stranger.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304


def test_only_its_maker_or_a_keeper_takes_a_zine_back(street: Node, ben: Visitor, chiara: Visitor):
    zine = publish(street, "By Ben", b"Hello.")
    path = f"/archive/{zine.id}"
    assert "Take it back" not in chiara.page(path).words
    token = chiara.page("/archive").form("/archive").fields["form_token"]
    assert chiara.send(f"{path}/withdraw", {"form_token": token}).status_code == 403
    gone = ben.submit(path, f"{path}/withdraw")
    assert "It was taken back." in Page(gone.text).words
    assert ben.get(path).status_code == 404
    assert ben.get(f"{path}/file").status_code == 404


@pytest.mark.parametrize(
    ("content", "name", "status", "sentence"),
    [
        (b"\xff\xfe\x00", "a.md", 415, "not Markdown or plain text"),
        (b"%PDF-1.7\n\xe2\xe3", "a.pdf", 415, "damaged or cut short"),
        (b"", "a.md", 415, "There is nothing in that file"),
        (b"   \n", "a.txt", 415, "There is nothing in that file"),
        (b"x" * (UPLOAD_MAX + 1), "a.md", 413, "too large"),
        (b"x" * (UPLOAD_MAX + 200_000), "a.md", 413, "more than this node takes in at once"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_left(
    node: Node, ana: Visitor, tmp_path: Path, content: bytes, name: str, status: int, sentence: str
):
    response = publish_by_form(ana, content, name)
    assert response.status_code == status
    assert sentence in Page(response.text).words
    assert not node.zines().rows
    assert not [file for file in (tmp_path / "node" / "blobs").rglob("*") if file.is_file()]


def test_a_form_sent_twice_publishes_one_zine(node: Node, ana: Visitor):
    form = ana.page("/archive").form("/archive").fields | TYPED
    first, second = (ana.send("/archive", form, (MARKDOWN, "seeds.md")) for _ in range(2))
    assert first.request.path == second.request.path
    assert len(node.zines().rows) == 1


def test_what_was_typed_stays_when_the_file_was_bad(ana: Visitor):
    page = Page(publish_by_form(ana, b"\xff", description="Dry & dark", language="en").text)
    typed = page.form("/archive").fields
    assert (typed["title"], typed["creator"], typed["description"]) == ("Seeds", "Ana", "Dry & dark")
    assert typed["tags"] == "seeds, garden"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"title": ""}, "There is nothing written here."),
        ({"title": "x" * 10_000}, "That text is too long"),
        ({"language": "english!"}, "is not a language code"),
    ],
)
def test_bad_words_about_a_zine_are_refused(node: Node, ana: Visitor, typed: dict[str, str], sentence: str):
    response = publish_by_form(ana, b"Hello.", **typed)
    assert response.status_code == 422
    assert sentence in Page(response.text).words
    assert not node.zines().rows


def test_without_a_file_nothing_is_published(node: Node, ana: Visitor):
    assert ana.submit("/archive", "/archive", **TYPED).status_code == 422
    assert not node.zines().rows


def test_a_passer_by_cannot_publish(node: Node, stranger: Visitor):
    token = stranger.page("/signin").form("/signin").fields["form_token"]
    stranger.send("/archive", TYPED | {"form_token": token}, (b"Hello.", "a.md"))
    assert not node.zines().rows


def test_titles_in_any_script_are_shown_and_named_safely(street: Node, stranger: Visitor):
    for title in ("שלום \u202e street", "نشرة الحي", '<b>bold</b> & "quoted"', "🌱🌿", "../../etc/passwd", "a" * 100):
        zine = publish(street, title, b"Hello.", "a.txt")
        response = stranger.get(f"/archive/{zine.id}")
        assert "<b>bold" not in response.text
        assert ("h1", {"dir": "auto", "lang": "en"}) in Page(response.text).tags
        named = stranger.get(f"/archive/{zine.id}/file").headers["Content-Disposition"]
        assert "/" not in named.replace("UTF-8''", "")
        assert ".." not in named


def test_a_very_long_zine_is_for_taking_along(street: Node, stranger: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("webui.reading.SIZE_MAX", 10)
    zine = publish(street, "Long", b"Much more than ten bytes.")
    page = stranger.page(f"/archive/{zine.id}/read")
    assert "not shown as a page here" in page.words
    assert f"/archive/{zine.id}/file" in page.links


def test_plain_text_is_shown_as_it_stands(street: Node, stranger: Visitor):
    zine = publish(street, "Poem", b"one\n  <i>two</i>\n", "poem.txt")
    assert "one\n  &lt;i&gt;two&lt;/i&gt;\n" in stranger.get(f"/archive/{zine.id}/read").text


def test_a_shelf_of_many_zines_goes_on(street: Node, stranger: Visitor):
    for number in range(22):
        publish(street, f"Issue number {number}", f"Text {number}".encode())
    first = stranger.page("/archive")
    older = next(link for link in first.links if "older=" in link)
    assert "Storing water" not in first.words
    assert "Storing water" in stranger.page(older).words
