"""Pages and API over one node. Pages know the node and its plain answers, never the store or the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from webui import (
    alarm,
    captive,
    compression,
    csrf,
    headers,
    languages,
    navigation,
    refusals,
    remarks,
    signin,
    tray,
    uploads,
    words,
)
from webui.api import api
from webui.views import PAGES

if TYPE_CHECKING:
    from appliance.node import Node


def create_app(node: Node) -> Flask:
    """Build the portal of `node`. Several apps may live in one process: nothing is kept outside of them."""
    app = Flask(__name__)
    app.extensions["node"] = node
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for room in (
        languages,
        words,
        signin,
        navigation,
        alarm,
        captive,
        tray,
        uploads,
        csrf,
        headers,
        compression,
        refusals,
        remarks,
    ):
        room.join(app)
    for pages in PAGES:
        app.register_blueprint(pages)
    app.register_blueprint(api)
    return app
