"""Signing in and out, and who may go where."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.node import Node
from tests.webui.visitor import Page, Visitor
from webui import create_app


def test_a_neighbour_signs_in_and_out(stranger: Visitor):
    stranger.sign_in("Ana", "1234")
    assert "Good to see you, Ana" in stranger.page("/").words
    stranger.submit("/signin", "/signout")
    assert "Good to see you" not in stranger.page("/").words


def test_the_session_is_ended_at_the_node_too(node: Node, app, stranger: Visitor):
    stranger.sign_in("Ana", "1234")
    token = next(value for name, value in stranger.cookies.items() if "session" in name)
    assert node.session(token)
    stranger.submit("/signin", "/signout")
    assert node.session(token) is None
    assert not stranger.cookies


def test_cookies_are_closed_to_scripts_and_other_sites_and_have_no_date(stranger: Visitor):
    response = stranger.get("/signin")
    form = Page(response.text).form("/signin")
    given = stranger.client.post(
        "/signin", data=form.fields | {"name": "Ana", "pin": "1234"}, base_url="http://127.0.0.1:8080"
    )
    lines = [
        line
        for line in response.headers.getlist("Set-Cookie") + given.headers.getlist("Set-Cookie")
        if "=;" not in line
    ]
    assert len(lines) == 2
    for line in lines:
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Expires" not in line
        assert "Max-Age" not in line


def test_a_passer_by_gets_no_cookie(street: Node, stranger: Visitor):
    for path in ("/", "/archive", "/market", "/commons", "/mesh", "/numbers", "/help", "/poster", "/stay"):
        assert "Set-Cookie" not in stranger.get(path).headers


@pytest.mark.parametrize(("name", "pin"), [("Ana", "9999"), ("Nobody", "1234"), ("", ""), ("Ana\x00", "1" * 5000)])
def test_a_wrong_name_or_pin_is_one_sentence_and_the_name_stays(stranger: Visitor, name: str, pin: str):
    response = stranger.submit("/signin", "/signin", name=name, pin=pin)
    page = Page(response.text)
    assert response.status_code == 401
    assert "The name or the PIN is not right." in page.words
    assert page.form("/signin").fields["name"] == name.rstrip("\x00")
    assert page.form("/signin").fields["pin"] == ""


def test_wrong_pins_make_one_wait_and_the_page_says_how_long(stranger: Visitor):
    answers = [stranger.submit("/signin", "/signin", name="Ana", pin="0000") for _ in range(8)]
    late = next(answer for answer in answers if answer.status_code == 429)
    seconds = late.headers["Retry-After"]
    assert int(seconds) > 0
    assert f"Too many tries. Wait {seconds} seconds, then try again." in Page(late.text).words


@pytest.mark.parametrize("wanted", ["/market", "/archive?q=water", "/ledger?to=Ben"])
def test_one_comes_back_to_where_one_wanted_to_go(stranger: Visitor, wanted: str):
    response = stranger.submit(f"/signin?next={wanted.replace('?', '%3F')}", "/signin", name="Ana", pin="1234")
    assert response.request.full_path.rstrip("?") == wanted


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_nobody_is_led_elsewhere_after_signing_in(stranger: Visitor, evil: str):
    form = stranger.page("/signin").form("/signin").fields | {"name": "Ana", "pin": "1234", "next": evil}
    response = stranger.client.post("/signin", data=form, base_url="http://127.0.0.1:8080")
    assert response.location == "/ledger"


@pytest.mark.parametrize("path", ["/ledger", "/steward", "/steward/introduction"])
def test_a_passer_by_is_asked_to_sign_in(stranger: Visitor, path: str):
    assert stranger.get(path).location == f"/signin?next={path}"


def test_only_a_keeper_sees_the_keepers_page(ben: Visitor, ana: Visitor):
    assert ben.get("/steward").status_code == 403
    assert "/steward" not in ben.page("/").links
    assert ana.get("/steward").status_code == 200
    assert "/steward" in ana.page("/").links


def test_names_of_members_are_for_members(street: Node, stranger: Visitor, ben: Visitor):
    assert "Ana" not in stranger.page("/commons").words
    assert "Ana" in ben.page("/commons").words


def test_a_new_pin_counts_from_now_on(stranger: Visitor):
    stranger.sign_in("Ana", "1234")
    wrong = stranger.submit("/signin", "/signin/pin", old="1111", new="4321")
    assert wrong.status_code == 401
    weak = stranger.submit("/signin", "/signin/pin", old="1234", new="12")
    assert weak.status_code == 422
    assert "A PIN has 4 to 12 digits." in Page(weak.text).words


def test_a_session_and_an_open_form_outlive_a_restart(node: Node, ana: Visitor, tmp_path: Path):
    form = ana.page("/commons").form("/commons").fields | {"title": "Written before the restart"}
    again = Node.open(tmp_path / "node")
    later = Visitor(create_app(again))
    for name, value in ana.cookies.items():
        later.client.set_cookie(name, value, domain="127.0.0.1")
    assert later.send("/commons", form).status_code == 200
    assert "Written before the restart" in later.page("/commons").words
    again.close()


@pytest.mark.parametrize("cookie", ["x", "\x00", "a" * 10_000, "é"])
def test_a_made_up_cookie_is_nobody(app, stranger: Visitor, node: Node, cookie: str):
    name = f"hedgerow-session-{node.id[:10]}"
    response = stranger.get("/", headers={"Cookie": f"{name}={cookie}"})
    assert response.status_code == 200
    assert "Good to see you" not in response.text
