"""Calls for help: everybody reads them, members raise them, and end their own."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from webui.api import shapes
from webui.api.bearer import session
from webui.api.bodies import Field, read
from webui.signin import node

routes = Blueprint("calls", __name__)

NEW_CALL: Final = (
    Field("level", "string", "How bad it is.", pattern="(watch|help|danger)"),
    Field("minutes", "integer", "How long it is shown, 1 to 1440."),
    Field("words", "string", "What and where; what is longer than 76 bytes is cut off.", required=False),
)


@routes.get("/calls")
def calls() -> shapes.Shape:
    """List the calls that live, the worst first, and behind them those that are over and still told."""
    return {"calls": [shapes.call(one) for one in node().calls()]}


@routes.post("/calls")
def raise_call() -> tuple[shapes.Shape, int]:
    """Call for help, in the place of an earlier call of whoever asks. The same again within two minutes is the same call."""
    author, body = session().account, read(NEW_CALL)
    return shapes.call(node().raise_call(author, body["level"], body["minutes"], body.get("words", ""))), 201


@routes.delete("/calls/<call_id>")
def end(call_id: str) -> tuple[str, int]:
    """Tell everybody that it is over."""
    node().end_call(call_id, session())
    return "", 204
