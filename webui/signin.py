"""Who you are: the session behind a cookie, and the doors that ask for one. Hashing, limits and sessions are the node's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, cast

from flask import Flask, current_app, g, redirect, request, url_for

from appliance.answers import Session
from appliance.errors import Objection, Refused

if TYPE_CHECKING:
    from appliance.node import Node

Asked = ParamSpec("Asked")

TOKEN_SIZE_MAX: Final = 200


def node() -> Node:
    """Return the node whose pages these are."""
    return cast("Node", current_app.extensions["node"])


def cookie_name(purpose: str) -> str:
    """Name a cookie of this node."""
    return cookie_of(node().id, purpose)


def cookie_of(node_id: str, purpose: str) -> str:
    """Name a cookie of a node. Browsers share cookies between ports, so two nodes on one machine need two names."""
    mark = "".join(sign for sign in node_id if sign.isalnum())[:10]
    return f"hedgerow-{purpose}-{mark}"


def visitor() -> Session | None:
    """Return the session of whoever asks, or None for a passer-by. Looked up once a request."""
    if "visitor" not in g:
        g.visitor = None  # the page that reports a store fault asks again, and must not fail again
        token = request.cookies.get(cookie_name("session"), "")
        if 0 < len(token) <= TOKEN_SIZE_MAX:
            g.visitor = node().session(token)
    return cast("Session | None", g.visitor)


def member() -> Session:
    """Return the session of a member; Refused(SIGN_IN_FIRST) for a passer-by."""
    session = visitor()
    if session is None:
        raise Refused(Objection.SIGN_IN_FIRST)
    return session


def members_only(view: Callable[Asked, Any]) -> Callable[Asked, Any]:
    """Send a passer-by to the sign-in page, and back here afterwards."""

    @wraps(view)
    def guarded(*args: Asked.args, **kwargs: Asked.kwargs) -> Any:
        if visitor() is None:
            back = request.full_path.rstrip("?") if request.method == "GET" else request.path
            return redirect(url_for("signin.show", next=back), 303)
        return view(*args, **kwargs)

    return guarded


def keepers_only(view: Callable[Asked, Any]) -> Callable[Asked, Any]:
    """Let nobody but a keeper of this node in."""

    @wraps(view)
    @members_only
    def guarded(*args: Asked.args, **kwargs: Asked.kwargs) -> Any:
        if not member().is_keeper:
            raise Refused(Objection.KEEPERS_ONLY)
        return view(*args, **kwargs)

    return guarded


def join(app: Flask) -> None:
    """Let every template know whose page it is and who looks at it."""
    app.context_processor(lambda: {"node": node(), "visitor": visitor()})
