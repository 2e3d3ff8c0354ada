"""Notes over the API: W3C Web Annotations, strict on the way in and by the model's MUSTs on the way out."""

from __future__ import annotations

from typing import Any, Final

import pytest
from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from appliance.library import NoteForm, Zine
from appliance.node import Node
from tests.webui.street import publish
from tests.webui.test_api import Program, is_problem
from webui.api.answers import SCHEMAS

CONTEXT: Final = "http://www.w3.org/ns/anno.jsonld"
JSON_LD: Final = f'application/ld+json; profile="{CONTEXT}"'  # Web Annotation Protocol, section 4.1


@pytest.fixture
def zine(node: Node) -> Zine:
    return publish(node, "Bread", b"Flour, water, salt and a long night.")


@pytest.fixture
def ben(app: Flask) -> Program:
    return Program(app, "Ben", "2345")


def annotation(zine: Zine, **more: Any) -> dict[str, Any]:
    source = f"http://127.0.0.1:8080/archive/{zine.id}"
    selector = {"type": "TextQuoteSelector", "exact": "a long night", "prefix": "salt and ", "suffix": "."}
    return {
        "@context": CONTEXT,
        "type": "Annotation",
        "body": {"type": "TextualBody", "value": "Rye wants longer."},
        "target": {"source": source, "selector": selector},
        "creator": {"name": "Ben"},
    } | more


def valid(name: str, document: object) -> bool:
    Draft202012Validator(SCHEMAS[name]).validate(document)
    return True


def follows_the_model(one: dict[str, Any], is_embedded: bool = False) -> bool:
    """What the Web Annotation Data Model says an annotation MUST have (sections 3.1, 3.2.4, 4, 4.2)."""
    assert is_embedded or one["@context"] == CONTEXT
    assert one["type"] == "Annotation"
    assert one["id"].startswith("http")
    assert one["body"]["type"] == "TextualBody"
    assert isinstance(one["body"]["value"], str)
    target = one["target"]
    if isinstance(target, dict):
        assert target["source"].startswith("http")
        selector = target["selector"]
        needed = {"TextQuoteSelector": "exact", "FragmentSelector": "value"}[selector["type"]]
        assert isinstance(selector[needed], str)
    else:
        assert target.startswith("http")
    return True


def test_a_note_is_written_and_given_back(zine: Zine, ben: Program, app: Flask):
    path = f"/zines/{zine.id}/notes"
    written = ben.post(path, annotation(zine))
    assert written.status_code == 201
    assert written.headers["Content-Type"] == JSON_LD
    assert follows_the_model(written.json)
    assert valid("Annotation", written.json)
    assert written.json["creator"] == {"type": "Person", "name": "Ben"}
    one = Program(app).client.get(written.location, base_url="http://127.0.0.1:8080")
    assert one.json == written.json
    listed = Program(app).get(path)
    assert listed.headers["Content-Type"] == JSON_LD
    assert valid("AnnotationPage", listed.json)
    assert listed.json["items"] == [{name: value for name, value in written.json.items() if name != "@context"}]
    assert follows_the_model(listed.json["items"][0], is_embedded=True)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ({"selector": {"type": "FragmentSelector", "value": "page=3"}}, dict),
        ({}, str),
        ({"type": "SpecificResource", "selector": {"type": "TextQuoteSelector", "exact": "salt"}}, dict),
    ],
)
def test_a_note_stands_on_a_page_a_passage_or_the_whole(zine: Zine, ben: Program, target: dict[str, Any], kind: type):
    written = ben.post(f"/zines/{zine.id}/notes", annotation(zine, target={"source": f"/archive/{zine.id}"} | target))
    assert follows_the_model(written.json)
    assert valid("Annotation", written.json)
    assert type(written.json["target"]) is kind


def test_a_long_margin_has_pages(node: Node, zine: Zine, ben: Program):
    for number in range(52):
        node.annotate(zine.id, NoteForm(f"Note {number}"), node.find_payee("Ben"))
    first = ben.get(f"/zines/{zine.id}/notes").json
    second = ben.get(f"/zines/{zine.id}/notes?{first['next'].partition('?')[2]}").json
    assert valid("AnnotationPage", second)
    assert second["id"] == first["next"]
    assert first["partOf"] == second["partOf"]
    assert len(first["items"]) + len(second["items"]) == 52
    assert "next" not in second


def test_nobodys_note_names_nobody(zine: Zine, ben: Program):
    unsigned = annotation(zine)
    del unsigned["creator"]
    assert "creator" not in ben.post(f"/zines/{zine.id}/notes", unsigned).json


def test_the_same_note_under_the_same_key_is_written_once(node: Node, zine: Zine, ben: Program):
    path, key = f"/zines/{zine.id}/notes", {"Idempotency-Key": "n1"}
    first, second = (ben.post(path, annotation(zine), headers=key) for _ in range(2))
    assert first.json == second.json
    assert is_problem(
        ben.post(
            path,
            annotation(zine) | {"motivation": "commenting", "body": {"type": "TextualBody", "value": "No."}},
            headers=key,
        ),
        422,
        "key_reused",
    )
    assert len(node.notes(zine.id).rows) == 1


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"@context": "http://example.org/"}, 422),
        ({"type": "Note"}, 422),
        ({"motivation": "bookmarking"}, 422),
        ({"body": "Rye"}, 422),
        ({"body": {"type": "TextualBody"}}, 422),
        ({"body": {"type": "TextualBody", "value": 1}}, 422),
        ({"body": {"type": "TextualBody", "value": "x\x00"}}, 422),
        ({"body": {"type": "TextualBody", "value": "x", "format": "text/html"}}, 422),
        ({"body": {"type": "TextualBody", "value": ""}}, 422),
        ({"target": {"source": "/archive/x"}}, 409),
        ({"target": {}}, 422),
        ({"target": "/archive/x"}, 422),
        ({"creator": {"name": "Ana"}}, 403),
        ({"creator": {"name": "Ben", "email": "x"}}, 422),
        ({"strange": 1}, 422),
    ],
)  # fmt: skip
def test_what_is_no_annotation_is_refused(node: Node, zine: Zine, ben: Program, more: dict[str, Any], status: int):
    assert is_problem(ben.post(f"/zines/{zine.id}/notes", annotation(zine, **more)), status)
    assert node.notes(zine.id).rows == ()


@pytest.mark.parametrize(
    "selector",
    [
        {"type": "XPathSelector", "value": "/p"},
        {"type": "TextQuoteSelector"},
        {"type": "FragmentSelector", "value": "page=0"},
        {"type": "FragmentSelector", "value": "page=3\n"},
        {"type": "FragmentSelector", "value": "xywh=1"},
        {"exact": "salt"},
        {},
        [],
    ],
)
def test_other_places_are_not_known(zine: Zine, ben: Program, selector: Any):
    target = {"source": f"/archive/{zine.id}", "selector": selector}
    assert is_problem(ben.post(f"/zines/{zine.id}/notes", annotation(zine, target=target)), 422)


def test_who_may_write_and_take_back(node: Node, zine: Zine, ben: Program, app: Flask):
    path = f"/zines/{zine.id}/notes"
    assert is_problem(Program(app).post(path, annotation(zine)), 401, "sign_in_first")
    note = node.annotate(zine.id, NoteForm("Hm."), node.find_payee("Ben"))
    chiara = Program(app, "Chiara", "3456")
    gone = [taken_back(who, f"{path}/{note.id}") for who in (Program(app), chiara, ben, ben)]
    assert [answer.status_code for answer in gone] == [401, 403, 204, 404]
    assert node.notes(zine.id).rows == ()


def taken_back(who: Program, path: str) -> Any:
    return who.delete(path)


def test_a_note_is_found_under_its_own_zine_only(node: Node, zine: Zine, ben: Program):
    other = publish(node, "Soup", b"Water.")
    note = node.annotate(zine.id, NoteForm("Hm."), node.find_payee("Ben"))
    assert is_problem(ben.get(f"/zines/{other.id}/notes/{note.id}"), 404, "not_found")
    assert is_problem(ben.get(f"/zines/{zine.id}/notes/x"), 404, "not_found")
    assert is_problem(ben.get("/zines/x/notes"), 404, "not_found")
