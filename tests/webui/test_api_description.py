"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from appliance.node import Node
from tests.webui.test_api import PAYMENT, Program, publish
from webui.refusals import STATUSES


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    written: dict[str, Any] = Program(app).get("/openapi.json").json
    return written


def test_the_document_is_valid_openapi_3_1(document: dict):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_and_the_routes_are_the_same(app: Flask, document: dict):
    written = {
        (method, path) for path, shape in document["paths"].items() for method in shape if method != "parameters"
    }
    routes = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert written == routes


def conforms(document: dict, name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema).validate(value)
    return True


def test_answers_are_as_written(street: Node, app: Flask, document: dict):
    ana = Program(app, "Ana", "1234")
    mine = street.find_payee("Ana").id
    assert conforms(document, "Transfer", ana.post("/transfers", PAYMENT).json)
    assert conforms(document, "Problem", json.loads(ana.post("/transfers", PAYMENT | {"amount": 0}).text))
    assert conforms(document, "Zine", publish(ana).json)
    assert conforms(document, "Call", ana.post("/calls", {"level": "danger", "minutes": 60, "words": "fire"}).json)
    assert conforms(document, "Card", ana.post("/members", {"name": "Eve"}).json)
    assert conforms(document, "Session", ana.post("/sessions", {"name": "Ben", "pin": "2345"}).json)
    for path, name in (
        ("/members", "Members"),
        ("/accounts", "Accounts"),
        (f"/accounts/{mine}", "Balances"),
        (f"/accounts/{mine}/postings", "Postings"),
        ("/zines", "Zines"),
        ("/peers", "Peers"),
        ("/calls", "Calls"),
    ):
        assert conforms(document, name, ana.get(path).json)


def test_every_refusal_has_a_status_that_some_operation_names(document: dict):
    named = {int(status) for path in document["paths"].values() for shape in path.values() if "responses" in shape
             for status in shape["responses"]}  # fmt: skip
    assert {status.value for status in STATUSES.values()} - named <= {
        410,
        503,
        507,
    }  # any may be 503 or 507; 410 is a page's alone
