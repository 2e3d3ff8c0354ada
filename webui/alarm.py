"""Calls for help stand on top of every page, whoever looks at it, for as long as they live."""

from __future__ import annotations

from flask import Flask, g

from appliance.calling import Call
from appliance.errors import StoreFault
from webui.signin import node


def join(app: Flask) -> None:
    """Let every template know who calls for help."""
    app.context_processor(lambda: {"calls_for_help": _calls()})


def _calls() -> list[Call]:
    """Return the calls, looked up once a request; none where the store fails, of which the page tells in its own way."""
    if "calls_for_help" not in g:
        g.calls_for_help = []
        try:
            g.calls_for_help = [call for call in node().calls() if not call.is_over]
        except StoreFault:
            return []
    found: list[Call] = g.calls_for_help
    return found
