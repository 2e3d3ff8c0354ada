"""Signing in and out."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from webui.api import shapes
from webui.api.bearer import session
from webui.api.bodies import Field, read
from webui.signin import node

routes = Blueprint("sessions", __name__)

NEW_SESSION: Final = (
    Field("name", "string", "The member's name at this node."),
    Field("pin", "string", "The member's PIN."),
)


@routes.post("/sessions")
def sign_in() -> tuple[shapes.Shape, int]:
    """Give a token for a name and a PIN."""
    body = read(NEW_SESSION)
    found = node().sign_in(body["name"], body["pin"])
    return {"token": found.token, "account": shapes.account(found.account), "is_keeper": found.is_keeper}, 201


@routes.delete("/sessions")
def sign_out() -> tuple[str, int]:
    """End the session of the token that comes with the request."""
    node().sign_out(session().token)
    return "", 204
