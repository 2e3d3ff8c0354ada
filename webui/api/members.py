"""Members of the commons: listed for members, added by keepers."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from webui.api import shapes
from webui.api.bearer import keeper, session
from webui.api.bodies import Field, read
from webui.signin import node

routes = Blueprint("members", __name__)

NEW_MEMBER: Final = (
    Field("name", "string", "The neighbour's name."),
    Field("pin", "string", "4 to 12 digits; left out, the node chooses.", required=False),
    Field("keeper", "boolean", "Whether the neighbour may keep this node.", required=False),
)


@routes.get("/members")
def members() -> shapes.Shape:
    """List the members whose home is this node."""
    session()
    return {"members": [shapes.account(who) for who in node().accounts() if who.is_here]}


@routes.post("/members")
def add() -> tuple[shapes.Shape, int]:
    """Add a member. The PIN is told once, in this answer."""
    keeper()
    body = read(NEW_MEMBER)
    card = node().add_member(body["name"], body.get("pin"), body.get("keeper", False))
    return shapes.account(card.account) | {"pin": card.pin, "address": card.address}, 201
