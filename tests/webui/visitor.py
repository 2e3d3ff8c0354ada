"""Somebody at a browser without scripts: loads pages, fills in the forms that are really there, and keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Any, Self

from flask import Flask
from werkzeug.test import TestResponse

ADDRESS = "http://127.0.0.1:8080"


@dataclass
class Form:
    """One form of a page, with what its fields hold."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


class Page(HTMLParser):
    """What a page holds: its forms, its links, its ids and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._words: list[str] = []
        self._select = self._area = ""
        self._hidden = False
        self.feed(html)
        self.words = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self.ids |= {given["id"]} if "id" in given else set()
        match tag:
            case "form":
                self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            case "input" if self.forms and "name" in given:
                self._take_input(given)
            case "select":
                self._select = given["name"]
            case "option" if self._select and ("selected" in given or self._select not in self.forms[-1].fields):
                self.forms[-1].fields[self._select] = given.get("value", "")
            case "textarea":
                self._area = given["name"]
                self.forms[-1].fields[self._area] = ""
            case "a":
                self.links.append(given.get("href", ""))
            case "style" | "script":
                self._hidden = True

    def _take_input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind == "file":
            self.forms[-1].files.add(given["name"])
        elif kind not in ("checkbox", "radio") or "checked" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = self._hidden and tag not in ("style", "script")
        self._area = "" if tag == "textarea" else self._area
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")
        elif not self._hidden:
            self._words.append(data)

    def form(self, action: str) -> Form:
        """The form that posts to `action`."""
        return next(form for form in self.forms if form.action == action and form.method == "post")


class Visitor:
    """One browser."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, base_url=ADDRESS, buffered=True, **more)

    def page(self, path: str, **more: Any) -> Page:
        return Page(self.get(path, **more).text)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this browser keeps."""
        return {cookie.key: cookie.value for cookie in (self.client._cookies or {}).values()}

    def submit(self, path: str, action: str, **typed: Any) -> TestResponse:
        """Load the page at `path`, fill in its form for `action`, and send it. Redirects are followed.

        `file` is the content and the name of a file to bring along.
        """
        file = typed.pop("file", None)
        form = self.page(path).form(action)
        unknown = set(typed) - set(form.fields) - {"board", "sure", "keeper", "do"}
        assert not unknown, f"the form has no fields {unknown}"
        return self.send(action, form.fields | typed, file)

    def send(self, action: str, fields: dict[str, str], file: tuple[bytes, str] | None = None) -> TestResponse:
        data: dict[str, Any] = dict(fields)
        if file is not None:
            data["file"] = (BytesIO(file[0]), file[1])
        return self.client.post(action, data=data, base_url=ADDRESS, follow_redirects=True, buffered=True)

    def sign_in(self, name: str, pin: str) -> Self:
        response = self.submit("/signin", "/signin", name=name, pin=pin)
        assert response.status_code == 200, response.text
        return self
