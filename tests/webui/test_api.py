"""The API: strict about what comes in, exact about what goes out."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from appliance.errors import CardFull
from appliance.node import Node
from tests.webui.conftest import UPLOAD_MAX
from tests.webui.street import MARKDOWN
from tests.webui.visitor import ADDRESS, Visitor

PAYMENT = {"to": "Ben", "amount": 150, "currency": "hours", "memo": "two loaves"}


class Program:
    """A program that speaks to the API."""

    def __init__(self, app: Flask, name: str = "", pin: str = "") -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers: dict[str, str] = {}
        if name:
            token = self.post("/sessions", {"name": name, "pin": pin}).json["token"]
            self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", base_url=ADDRESS, headers=self.headers | headers, buffered=True)

    def post(self, path: str, body: object = None, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        if body is not None:
            more |= {"data": body if isinstance(body, bytes) else json.dumps(body), "content_type": "application/json"}
        return self.client.post(f"/api/v1{path}", base_url=ADDRESS, headers=headers, **more)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1{path}", base_url=ADDRESS, headers=self.headers)


@pytest.fixture
def anyone(app: Flask) -> Program:
    return Program(app)


@pytest.fixture
def ana(app: Flask) -> Program:
    return Program(app, "Ana", "1234")


@pytest.fixture
def ben(app: Flask) -> Program:
    return Program(app, "Ben", "2345")


def is_problem(response: TestResponse, status: int, verdict: str | None = None) -> bool:
    """A problem document (RFC 9457) that says what the status says, in one sentence."""
    document = response.get_json(force=True)
    assert response.mimetype == "application/problem+json"
    assert (response.status_code, document["status"]) == (status, status), document
    assert document.get("verdict") == verdict or verdict is None, document
    assert document["title"]
    assert document["detail"]
    return True


def test_a_payment_is_201_with_its_id_and_state(node: Node, ana: Program, ben: Program):
    response = ana.post("/transfers", PAYMENT)
    paid = response.json
    assert response.status_code == 201
    assert response.location == f"/api/v1/transfers/{paid['id']}"
    assert (paid["state"], paid["amount"], paid["decimals"], paid["memo"]) == ("good", 150, 2, "two loaves")
    for program in (ana, ben):
        assert program.get(f"/transfers/{paid['id']}").json == paid


def test_the_same_key_and_body_again_pays_once(node: Node, ana: Program):
    first, second = (ana.post("/transfers", PAYMENT, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json == second.json
    assert node.rooms(node.find_payee("Ben"))[0].balance == 150
    other = ana.post("/transfers", PAYMENT | {"amount": 151}, headers={"Idempotency-Key": "k1"})
    assert is_problem(other, 422, "key_reused")
    assert node.rooms(node.find_payee("Ben"))[0].balance == 150


def test_two_members_may_use_the_same_key(ana: Program, ben: Program):
    key = {"Idempotency-Key": "k1"}
    assert ana.post("/transfers", PAYMENT, headers=key).status_code == 201
    assert ben.post("/transfers", PAYMENT | {"to": "Ana"}, headers=key).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "é", "a b"])
def test_a_strange_key_is_refused(ana: Program, key: str):
    assert is_problem(ana.post("/transfers", PAYMENT, headers={"Idempotency-Key": key}), 400)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"amount": 0}, "amount_must_be_positive"),
        ({"amount": -1}, "amount_must_be_positive"),
        ({"amount": 2**63}, "amount_too_large"),
        ({"amount": 10**39}, "amount_too_large"),
        ({"amount": 2001}, "exceeds_credit_limit"),
        ({"to": "Ana"}, "accounts_must_differ"),
        ({"to": "Nobody"}, "payee_unknown"),
        ({"to": ""}, "payee_unknown"),
        ({"currency": "gold"}, "currency_unknown"),
        ({"memo": "x" * 10_000}, "memo_too_long"),
    ],
)
def test_a_refused_payment_is_409_with_its_verdict(node: Node, ana: Program, change: dict[str, object], verdict: str):
    assert is_problem(ana.post("/transfers", PAYMENT | change), 409, verdict)
    assert node.rooms(node.find_payee("Ana"))[0].balance == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PAYMENT | {"amount": 1.5}, 422),
        (PAYMENT | {"amount": "7"}, 422),
        (PAYMENT | {"amount": True}, 422),
        (PAYMENT | {"amount": None}, 422),
        (PAYMENT | {"amount": [1]}, 422),
        (PAYMENT | {"to": 7}, 422),
        (PAYMENT | {"memo": None}, 422),
        (PAYMENT | {"colour": "red"}, 422),
        ({"to": "Ben"}, 422),
        ([], 422),
        ("text", 422),
        (7, 422),
        (b'{"to":"Ben","amount":NaN,"currency":"hours"}', 422),
        (b'{"to":"Ben","amount":-Infinity,"currency":"hours"}', 422),
        (b'{"to":"Ben","amount":1e3,"currency":"hours"}', 422),
        (b'{"to":"Ben","amount":' + b"9" * 5000 + b',"currency":"hours"}', 422),
        (b'{"to":"Ben","amount":1,"amount":2,"currency":"hours"}', 422),
        (b'{"to":"Ben\\u0000","amount":1,"currency":"hours"}', 422),
        (b'{"to":"Ben","amount":1,"currency":"hours","memo":"\\ud800"}', 422),
        (b"{", 400),
        (b"\xff", 400),
        (b"", 400),
        (b"[" * 60_000, 400),
        (b" " * 70_000, 413),
    ],
)
def test_a_body_is_checked_to_the_letter(node: Node, ana: Program, body: object, status: int):
    assert is_problem(ana.post("/transfers", body), status)
    assert node.rooms(node.find_payee("Ana"))[0].balance == 0


def test_a_body_of_another_kind_is_415(ana: Program):
    assert is_problem(ana.post("/transfers", data="to=Ben", content_type="application/x-www-form-urlencoded"), 415)


def test_without_a_token_little_is_told(street: Node, anyone: Program):
    account = street.find_payee("Ana").id
    paid = street.statement(street.find_payee("Ana")).rows[0].id
    for path in (
        "/members",
        "/accounts",
        f"/accounts/{account}",
        f"/accounts/{account}/postings",
        f"/transfers/{paid}",
    ):
        response = anyone.get(path)
        assert is_problem(response, 401, "sign_in_first")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert is_problem(anyone.post("/transfers", PAYMENT), 401)
    for path in ("/node", "/peers", "/numbers", "/zines", "/openapi.json"):
        assert anyone.get(path).status_code == 200


@pytest.mark.parametrize("given", ["Bearer", "Bearer x", "Basic QW5hOjEyMzQ=", "Bearer " + "x" * 5000, "bearer \x7f"])
def test_a_made_up_token_is_nobody(anyone: Program, given: str):
    assert is_problem(anyone.get("/members", Authorization=given), 401)


def test_a_browsers_cookie_counts_for_nothing(app: Flask):
    visitor = Visitor(app).sign_in("Ana", "1234")
    assert visitor.get("/api/v1/members").status_code == 401
    paid = visitor.client.post("/api/v1/transfers", json=PAYMENT, base_url=ADDRESS)
    assert paid.status_code == 401


def test_a_session_ends_when_it_is_ended(ana: Program):
    assert ana.get("/members").status_code == 200
    assert ana.delete("/sessions").status_code == 204
    assert is_problem(ana.get("/members"), 401)


def test_wrong_pins_are_401_and_then_429_with_the_time_to_wait(anyone: Program):
    answers = [anyone.post("/sessions", {"name": "Ana", "pin": "0000"}) for _ in range(8)]
    assert is_problem(answers[0], 401, "sign_in_failed")
    late = next(answer for answer in answers if answer.status_code == 429)
    assert is_problem(late, 429, "try_later")
    assert int(late.headers["Retry-After"]) > 0


def test_nobody_sees_anothers_account(street: Node, ana: Program, ben: Program):
    mine = street.find_payee("Ana").id
    balances = ana.get(f"/accounts/{mine}").json["balances"]
    assert balances[0] | {"why": ""} == {
        "currency": "hours",
        "decimals": 2,
        "balance": 200,
        "room": 2200,
        "floor": -2000,
        "waiting": 0,
        "why": "",
    }
    assert "nobody's may go below" in balances[0]["why"]
    assert sum(posting["amount"] for posting in ana.get(f"/accounts/{mine}/postings").json["postings"]) == 200
    for path in (f"/accounts/{mine}", f"/accounts/{mine}/postings", "/accounts/nobody", "/accounts/%00"):
        assert is_problem(ben.get(path), 403, "not_yours")


def test_a_payment_of_others_is_not_there(street: Node, ben: Program):
    paid = next(row for row in street.statement(street.find_payee("Ana")).rows if row.payer.name == "Chiara")
    assert is_problem(ben.get(f"/transfers/{paid.id}"), 404, "not_found")
    assert is_problem(ben.get("/transfers/x"), 404, "not_found")


def test_members_are_added_by_keepers_only(app: Flask, ana: Program, ben: Program):
    assert is_problem(ben.post("/members", {"name": "Eve"}), 403, "keepers_only")
    added = ana.post("/members", {"name": "Eve"})
    assert added.status_code == 201
    assert Program(app, "Eve", added.json["pin"]).get("/accounts").json["accounts"][-1]["name"] == "Eve"
    assert is_problem(ana.post("/members", {"name": "Eve"}), 409, "name_taken")
    assert is_problem(ana.post("/members", {"name": "x" * 10_000}), 422, "name_too_long")
    assert is_problem(ana.post("/members", {"name": "F", "pin": "1"}), 422, "pin_too_weak")
    assert [member["name"] for member in ana.get("/members").json["members"]] == ["Ana", "Ben", "Chiara", "Eve"]


def publish(program: Program, content: bytes = MARKDOWN, headers: dict[str, str] | None = None, **fields: str) -> Any:
    form = {"title": "Storing water"} | fields | {"file": (BytesIO(content), "water.md")}
    return program.post("/zines", data=form, content_type="multipart/form-data", headers=headers or {})


def test_a_zine_is_published_listed_and_fetched_in_parts(ana: Program, anyone: Program):
    response = publish(ana, tags="water, summer", language="en")
    zine = response.json
    assert response.status_code == 201
    assert response.location == f"/api/v1/zines/{zine['id']}"
    assert zine["tags"] == ["water", "summer"]
    assert anyone.get("/zines?q=bottles").json["zines"] == [anyone.get(f"/zines/{zine['id']}").json]
    assert anyone.get(f"/zines/{zine['id']}/file").data == MARKDOWN
    part = anyone.get(f"/zines/{zine['id']}/file", Range="bytes=-5")
    assert (part.status_code, part.data) == (206, MARKDOWN[-5:])
    assert is_problem(anyone.get(f"/zines/{zine['id']}/file", Range="bytes=99999-"), 416)


def test_the_same_zine_under_the_same_key_is_published_once(node: Node, ana: Program):
    first, second = (publish(ana, headers={"Idempotency-Key": "z1"}) for _ in range(2))
    assert first.json == second.json
    assert len(node.zines().rows) == 1
    other = publish(ana, b"Another text.", headers={"Idempotency-Key": "z1"})
    assert is_problem(other, 422, "key_reused")
    assert len(node.zines().rows) == 1


def test_a_bad_zine_is_refused(node: Node, ana: Program, anyone: Program):
    assert is_problem(publish(anyone), 401)
    assert is_problem(publish(ana, b"\xff"), 415, "file_unreadable")
    assert is_problem(publish(ana, title=""), 422, "text_empty")
    assert is_problem(publish(ana, colour="red"), 422)
    assert is_problem(publish(ana, language="???"), 422, "language_unknown")
    assert is_problem(publish(ana, b"x" * (UPLOAD_MAX + 1)), 413, "file_too_large")
    assert is_problem(publish(ana, b"x" * (UPLOAD_MAX + 100_000)), 413)
    assert is_problem(ana.post("/zines", {"title": "x"}), 415)
    assert is_problem(ana.post("/zines", data={"title": "x"}, content_type="multipart/form-data"), 422)
    assert not node.zines().rows


def test_a_full_card_is_507(node: Node, ana: Program, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise CardFull("The card is full.")

    monkeypatch.setattr(type(node), "pay", full)
    assert is_problem(ana.post("/transfers", PAYMENT), 507, "card_full")


def test_a_bundle_is_taken_and_handed_in(street: Node, anyone: Program):
    bundle = anyone.get("/bundle")
    assert bundle.mimetype == "application/vnd.hedgerow.bundle"
    came = anyone.post("/bundle", data=bundle.data, content_type=bundle.mimetype)
    assert came.status_code == 200
    assert (came.json["records"], came.json["refused"], came.json["torn"]) == (0, 0, False)
    assert came.json["already"] > 0
    torn = anyone.post("/bundle", data=bundle.data[:-20], content_type="application/octet-stream")
    assert torn.json["torn"]
    assert is_problem(anyone.post("/bundle", data=b"garbage", content_type=bundle.mimetype), 422, "bundle_unreadable")
    assert is_problem(anyone.post("/bundle", data=b"garbage", content_type="text/plain"), 415)
    assert is_problem(anyone.get("/bundle?for=nobody"), 404)


def test_the_node_tells_its_state_as_the_command_does(street: Node, anyone: Program):
    told = anyone.get("/node").json
    assert told["state_hash"] == street.status().as_json()["state_hash"]
    assert set(told) >= {
        "version",
        "node_id",
        "read_only",
        "frontiers",
        "state_hashes",
        "peers",
        "air",
        "clock",
        "store",
    }


def test_what_is_not_there_is_a_problem_document_too(anyone: Program):
    assert is_problem(anyone.get("/nothing"), 404)
    assert is_problem(anyone.post("/node"), 405)


# --- calls for help

CALL = {"level": "danger", "minutes": 60, "words": "fire at number 12"}


def test_a_call_is_raised_shown_to_everybody_and_ended(ben: Program, anyone: Program):
    response = ben.post("/calls", CALL)
    call = response.json
    assert response.status_code == 201
    assert (call["level"], call["words"], call["author"]["name"]) == ("danger", CALL["words"], "Ben")
    assert 3500 < call["left_s"] <= 3600
    assert ben.post("/calls", CALL).json["id"] == call["id"], "sent twice, it is one call"
    (shown,) = anyone.get("/calls").json["calls"]
    assert shown == call | {"left_s": shown["left_s"]}
    assert ben.delete(f"/calls/{call['id']}").status_code == 204
    (over,) = anyone.get("/calls").json["calls"]
    assert (over["level"], over["id"] != call["id"]) == ("over", True)
    assert is_problem(ben.delete(f"/calls/{over['id']}"), 404, "not_found")


def test_a_call_is_ended_by_whom_it_belongs_to_or_a_keeper(ana: Program, ben: Program, app: Flask, anyone: Program):
    chiara = Program(app, "Chiara", "3456")
    call = ben.post("/calls", CALL).json["id"]
    assert is_problem(anyone.delete(f"/calls/{call}"), 401, "sign_in_first")
    assert is_problem(chiara.delete(f"/calls/{call}"), 403, "not_yours")
    assert ana.delete(f"/calls/{call}").status_code == 204


def test_what_no_call_can_say_is_a_problem(ben: Program, anyone: Program):
    assert is_problem(anyone.post("/calls", CALL), 401, "sign_in_first")
    for wrong in ({"level": "over"}, {"minutes": 0}, {"minutes": 1441}, {"minutes": 10**30}, {"minutes": "60"}):
        assert is_problem(ben.post("/calls", CALL | wrong), 422)
    assert anyone.get("/calls").json == {"calls": []}
