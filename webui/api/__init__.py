"""The JSON API under /api/v1, for programs: the same node, the same answers, no cookies. Described by openapi.json."""

from __future__ import annotations

from flask import Blueprint

from webui.api import accounts, archive, calls, carrying, description, members, notes, sessions, status, transfers

api = Blueprint("api", __name__, url_prefix="/api/v1")

for room in (status, sessions, members, accounts, transfers, archive, notes, calls, carrying, description):
    api.register_blueprint(room.routes)
