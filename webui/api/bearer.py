"""Who asks, for programs: the token of a session, in the Authorization header (RFC 6750). Cookies count for nothing."""

from __future__ import annotations

from flask import request

from appliance.answers import Session
from appliance.errors import Objection, Refused
from webui.signin import TOKEN_SIZE_MAX, node


def session() -> Session:
    """Return the session of the token; Refused(SIGN_IN_FIRST) without one that counts."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= TOKEN_SIZE_MAX:
        raise Refused(Objection.SIGN_IN_FIRST)
    found = node().session(token)
    if found is None:
        raise Refused(Objection.SIGN_IN_FIRST)
    return found


def keeper() -> Session:
    """Return the session of a keeper of this node; Refused(KEEPERS_ONLY) for anybody else."""
    found = session()
    if not found.is_keeper:
        raise Refused(Objection.KEEPERS_ONLY)
    return found
