"""Reading in parts, with notes in the margin that are written without a script."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from random import Random
from typing import Final

import pytest

from appliance.library import NoteForm, Zine
from appliance.node import Node
from tests.webui.street import publish
from tests.webui.visitor import Page, Visitor
from webui.leaves import PICTURE_SIZE
from webui.reading import SIZE_MAX

READER_PRESSED_MAX: Final = 25_000
BREAD: Final = """# Bread

Flour, water, salt and a long night.

Rye wants **more** water, and a long night too.

- knead
- wait

| Grams | Of |
|-------|----|
| 500   | rye |
"""


@pytest.fixture
def bread(node: Node) -> Zine:
    return publish(node, "Bread", BREAD.encode())


def test_a_paragraph_is_picked_and_a_note_stands_beside_it(node: Node, bread: Zine, ben: Visitor, stranger: Visitor):
    path = f"/archive/{bread.id}"
    links = [link for link in ben.page(f"{path}/read").links if "/note?at=" in link]
    assert links == [f"{path}/note?at={number}" for number in range(1, 5)]
    form = ben.page(links[1]).form(f"{path}/note")
    assert form.fields["quote"] == "Rye wants more water, and a long night too."
    shown = ben.send(form.action, form.fields | {"quote": "a long night", "text": "Two nights, in winter."})
    (note,) = node.notes(bread.id).rows
    assert (note.quote, note.by) == ("a long night", "Ben")
    assert note.before.endswith("Rye wants more water, and")  # the same words stand in the paragraph before as well
    assert note.after.startswith("too.")
    assert shown.request.path == f"{path}/read"
    assert passages(stranger.get(f"{path}/read").text)["p2"] == ["Two nights, in winter."]


def passages(html: str) -> dict[str, list[str]]:
    """What is written beside each passage."""
    found = {}
    for piece in html.split('<div class="passage" id="')[1:]:
        number = piece[: piece.index('"')]
        if notes := re.findall(r'<aside class="note"[^>]*><p dir="auto">(.*?)</p>', piece, re.DOTALL):
            found[number] = notes
    return found


def test_a_note_may_be_nobodys(node: Node, bread: Zine, ben: Visitor, stranger: Visitor):
    form = ben.page(f"/archive/{bread.id}/note").form(f"/archive/{bread.id}/note")
    unsigned = {name: value for name, value in form.fields.items() if name != "signed"}
    ben.send(form.action, unsigned | {"text": "Too dry."})
    page = stranger.page(f"/archive/{bread.id}")
    assert "Too dry." in page.words
    assert "anonymous" in page.words
    assert node.notes(bread.id).rows[0].by == ""


def test_a_form_sent_twice_writes_one_note(node: Node, bread: Zine, ben: Visitor):
    form = ben.page(f"/archive/{bread.id}/note").form(f"/archive/{bread.id}/note")
    for _ in range(2):
        ben.send(form.action, form.fields | {"text": "Once."})
    assert len(node.notes(bread.id).rows) == 1


def test_what_was_typed_stays_where_the_note_was_refused(bread: Zine, ben: Visitor):
    form = ben.page(f"/archive/{bread.id}/note?at=1").form(f"/archive/{bread.id}/note")
    answer = ben.send(form.action, form.fields | {"text": "x" * 2_000})
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "That text is too long" in page.words
    assert page.form(form.action).fields["quote"] == "Flour, water, salt and a long night."


def test_a_passage_that_is_nowhere_is_said_to_be(node: Node, bread: Zine, stranger: Visitor):
    node.annotate(bread.id, NoteForm("Hm?", "words that nobody wrote"), node.find_payee("Ben"))
    page = stranger.page(f"/archive/{bread.id}/read")
    assert "The passage was not found in this zine." in page.words
    assert "words that nobody wrote" in page.words


def test_what_has_no_words_is_noted_by_its_page(node: Node, bread: Zine, ben: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("webui.reading.READABLE", ())
    path = f"/archive/{bread.id}"
    shown = ben.submit(f"{path}/note", f"{path}/note", page="3", text="A misprint.")
    assert "Page 3" in Page(shown.text).words
    assert node.notes(bread.id).rows[0].page == 3
    for wrong in ("0", "-1", "x", "99999", "9" * 40):
        refused = ben.submit(f"{path}/note", f"{path}/note", page=wrong, text="A misprint.")
        assert refused.status_code == 422, wrong
        assert "Pages are counted from 1 to 9999." in Page(refused.text).words


def test_only_its_writer_or_a_keeper_takes_a_note_back(node: Node, bread: Zine, ben: Visitor, chiara: Visitor):
    note = node.annotate(bread.id, NoteForm("Hm."), node.find_payee("Ben"))
    path = f"/archive/{bread.id}"
    assert not [form for form in chiara.page(path).forms if "withdraw" in form.action]
    token = chiara.page(f"{path}/note").form(f"{path}/note").fields["form_token"]
    assert chiara.send(f"{path}/notes/{note.id}/withdraw", {"form_token": token}).status_code == 403
    assert "Hm." not in Page(ben.submit(path, f"{path}/notes/{note.id}/withdraw").text).words
    assert node.notes(bread.id).rows == ()


def test_a_passer_by_is_asked_to_sign_in(node: Node, bread: Zine, stranger: Visitor):
    assert "/signin?next=" in stranger.get(f"/archive/{bread.id}/note?at=1").headers["Location"]
    token = stranger.page("/signin").form("/signin").fields["form_token"]
    stranger.send(f"/archive/{bread.id}/note", {"form_token": token, "text": "Hm."})
    assert node.notes(bread.id).rows == ()


@pytest.mark.parametrize("words", ['<script>alert(1)</script> & "x"', "\u202eevil", "أهلا", "x" * 1_500])
def test_any_words_may_stand_in_the_margin(node: Node, bread: Zine, ben: Visitor, words: str):
    node.annotate(bread.id, NoteForm(words, words[:20], words[:40], words[:40]), node.find_payee("Ben"))
    for path in ("", "/read"):
        html = ben.get(f"/archive/{bread.id}{path}").text
        assert "<script" not in html
        assert "\u202e" not in html


def test_older_notes_are_a_tap_away(node: Node, bread: Zine, stranger: Visitor):
    for number in range(22):
        node.annotate(bread.id, NoteForm(f"Note {number}."), node.find_payee("Ben"))
    page = stranger.page(f"/archive/{bread.id}")
    older = next(link for link in page.links if "notes=" in link)
    assert "Note 1." not in page.words
    assert "Note 1." in stranger.page(older).words


# parts


def long_text(chance: Random, size: int) -> str:
    """Words that no program can make small, under headings, with a list, a table and a very long paragraph among them."""
    lines = ["# Long", "", "[to the end](#the-end) [nowhere](#nothing)", ""]
    written = 0
    while written < size:
        words = " ".join(
            "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(chance.randint(5, 120))
        )
        kind = chance.choice(["{}", "{}", "{}", "## {}", "- {}\n- {}", "1. {}", "> {}", "    {}"])
        lines += [kind.replace("{}", words[:60] if kind.startswith("#") else words), ""]
        written += len(lines[-2])
    return "\n".join([*lines, "x" * 40_000, "", "## The end", "", "Over."])


def test_any_length_is_read_part_by_part_in_order_and_small(node: Node, stranger: Visitor):
    text = long_text(Random(7), 150_000)
    zine = publish(node, "Long", text.encode())
    path, seen, sizes = f"/archive/{zine.id}/read", [], []
    while path:
        response = stranger.get(path, headers={"Accept-Encoding": "gzip"})
        sizes.append(len(response.data))
        html = gzip.decompress(response.data).decode()
        seen += [re.sub(r"<[^>]+>", "", block) for block in re.findall(r'<div lang="en">(.*?)</div>', html, re.DOTALL)]
        last = re.findall(r'<div lang="en"><(\w+)', html)[-1]
        following = re.search(r'rel="next" href="([^"]+)"', html)
        path = following[1] if following else ""
        assert last not in ("h2", "h3") or not path, "a heading ends a part"
    assert max(sizes) <= READER_PRESSED_MAX, max(sizes)
    wanted = re.sub(r"^(# Long|## |- |1\. |> |    )", "", text, flags=re.MULTILINE)
    wanted = wanted.replace("[to the end](#the-end)", "to the end").replace("[nowhere](#nothing)", "nowhere")
    assert "".join("".join(seen).split()) == "".join(wanted.split())
    print(f"{len(sizes)} parts, the largest {max(sizes)} bytes compressed")


def test_a_part_with_a_full_margin_is_small_too(node: Node, stranger: Visitor):
    chance = Random(3)
    zine = publish(node, "Long", long_text(chance, 60_000).encode())
    for _ in range(40):
        words = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ", k=400))
        node.annotate(zine.id, NoteForm(words, "to the end"), node.find_payee("Ben"))
    response = stranger.get(f"/archive/{zine.id}/read", headers={"Accept-Encoding": "gzip"})
    assert len(response.data) <= READER_PRESSED_MAX
    assert "more notes" in Page(gzip.decompress(response.data).decode()).words


def test_a_link_within_a_zine_leads_to_its_part(node: Node, stranger: Visitor):
    zine = publish(node, "Long", long_text(Random(7), 60_000).encode())
    links = stranger.page(f"/archive/{zine.id}/read").links
    link = next(link for link in links if link.endswith("#z-the-end"))
    assert "z-the-end" in stranger.page(link.partition("#")[0]).ids
    assert not [link for link in links if link.endswith("#nothing")]


def test_a_note_is_found_in_its_part(node: Node, stranger: Visitor):
    zine = publish(node, "Long", long_text(Random(7), 60_000).encode())
    note = node.annotate(zine.id, NoteForm("At last.", "Over."), node.find_payee("Ben"))
    first = stranger.get(f"/archive/{zine.id}/read").text
    assert note.id not in first
    last = re.findall(r"of (\d+)</p>", first)[0]
    assert "At last." in str(passages(stranger.get(f"/archive/{zine.id}/read?part={last}").text))


@pytest.mark.parametrize("part", ["0", "x", "", "-1"])
def test_a_part_that_is_none_is_the_first(bread: Zine, stranger: Visitor, part: str):
    assert "Flour" in stranger.page(f"/archive/{bread.id}/read?part={part}").words


def test_a_part_beyond_the_last_is_not_there(bread: Zine, stranger: Visitor):
    assert stranger.get(f"/archive/{bread.id}/read?part=2").status_code == 404


def test_a_larger_picture_is_a_request_of_its_own(node: Node, stranger: Visitor):
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script>" + b"<g/>" * 2_000 + b"</svg>"
    zine = publish(node, "Map", b"![a map](data:image/svg+xml;base64," + b64encode(svg) + b")")
    page = stranger.page(f"/archive/{zine.id}/read")
    (source,) = [given["src"] for tag, given in page.tags if tag == "img"]
    answer = stranger.get(source)
    assert (answer.data, answer.mimetype) == (svg, "image/svg+xml")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert len(svg) > PICTURE_SIZE
    for number in ("0", "2", "99999999999"):
        assert stranger.get(f"/archive/{zine.id}/picture/{number}").status_code == 404


@pytest.mark.real  # a process of its own looks into what is brought
def test_html_that_was_brought_is_read_and_written_beside(node: Node, ben: Visitor, stranger: Visitor):
    html = b"""<!doctype html><html lang="en"><head><title>Hedges</title></head><body><h1>Hedges</h1>
<p onclick="alert(1)">White in <a href="#late">May</a>.</p><script>alert(2)</script>
<h2 id="late">Late</h2><p>Red in <img src="http://evil.example/x.png" alt="">October.</p></body></html>"""
    zine = publish(node, "Hedges", html, "hedges.html")
    assert zine.media_type == "text/html"
    path = f"/archive/{zine.id}"
    shown = stranger.get(f"{path}/read")
    for hostile in ("alert", "evil.example", "onclick"):
        assert hostile not in shown.text
    page = Page(shown.text)
    assert "White in May" in page.words
    assert f"{path}/read?part=1#z-late" in page.links
    note = next(link for link in page.links if "/note?at=" in link)
    form = ben.page(note).form(f"{path}/note")
    ben.send(form.action, form.fields | {"text": "In April, this year."})
    assert "In April, this year." in str(passages(stranger.get(f"{path}/read").text))


def test_the_reading_limit_is_a_megabyte(node: Node, bread: Zine):
    assert SIZE_MAX == 1 << 20
