"""A real node with a small street in it, and visitors who use its pages as a browser does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from appliance.founding import found
from appliance.node import Node
from appliance.settings import Portal, Settings
from tests.webui.street import furnish
from tests.webui.visitor import Visitor
from webui import create_app

UPLOAD_MAX = 200_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A new node on which Ana is the keeper, and Ben and Chiara are members."""
    settings = Settings(tmp_path / "node", "Elm Street", "Riverside", portal=Portal(upload_max_bytes=UPLOAD_MAX))
    found(settings)
    node = Node.open(settings.data)
    for name, pin in (("Ana", "1234"), ("Ben", "2345"), ("Chiara", "3456")):
        node.add_member(name, pin, keeper=name == "Ana")
    yield node
    node.close()


@pytest.fixture
def street(node: Node) -> Node:
    """The same node with payments, slips and zines."""
    furnish(node)
    return node


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Where compiled templates are kept, so that not every test compiles them again."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(node: Node, compiled: FileSystemBytecodeCache) -> Flask:
    app = create_app(node)
    app.jinja_env.bytecode_cache = compiled
    return app


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Somebody who passes by."""
    return Visitor(app)


@pytest.fixture
def ana(app: Flask) -> Visitor:
    """The keeper, signed in."""
    return Visitor(app).sign_in("Ana", "1234")


@pytest.fixture
def ben(app: Flask) -> Visitor:
    return Visitor(app).sign_in("Ben", "2345")


@pytest.fixture
def chiara(app: Flask) -> Visitor:
    return Visitor(app).sign_in("Chiara", "3456")
