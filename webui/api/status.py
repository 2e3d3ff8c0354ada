"""The node, its peers and the street's numbers."""

from __future__ import annotations

from flask import Blueprint

from webui.api import shapes
from webui.signin import node

routes = Blueprint("status", __name__)


@routes.get("/node")
def status() -> shapes.Shape:
    """Answer as `status --json` does."""
    return node().status().as_json()


@routes.get("/peers")
def peers() -> shapes.Shape:
    """List the neighbour nodes."""
    return {"peers": [shapes.peer(other) for other in node().neighbours()]}


@routes.get("/numbers")
def numbers() -> shapes.Shape:
    """Give totals; null where fewer than five people made them."""
    return node().numbers()
