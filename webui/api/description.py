"""The OpenAPI 3.1 document. Bodies come from the lists that check them; the rest is told here, one line for each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Final

from flask import Blueprint

from appliance.kinds import MEDIA_TYPES
from webui.api import archive, calls, members, notes, sessions, transfers
from webui.api.answers import SCHEMAS
from webui.api.bodies import JSON, KEY, Field, schema
from webui.bundles import MEDIA_TYPE
from webui.signin import node

routes = Blueprint("description", __name__)

Document = dict[str, object]
FILES: Final = ",".join(MEDIA_TYPES)
BEARER: Final = "a token from POST /sessions"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path does. `answer` names a schema, or media types where a file is sent."""

    summary: str
    answer: str
    ok: int = 200
    body: Sequence[Field] = ()
    media_type: str = JSON
    query: Mapping[str, str] | None = None
    by_member: bool = False
    keyed: bool = False
    refusals: tuple[int, ...] = ()
    answer_type: str = JSON


FIND: Final = {"q": "What to look for.", "older": "Where a former answer's list goes on."}
OPERATIONS: Final[Mapping[str, Mapping[str, Operation]]] = {
    "/openapi.json": {"get": Operation("This document.", "Anything")},
    "/node": {"get": Operation("The node, as `status --json` gives it.", "Anything")},
    "/peers": {"get": Operation("The neighbour nodes.", "Peers")},
    "/numbers": {"get": Operation("Totals; null where fewer than five people made them.", "Anything")},
    "/sessions": {
        "post": Operation(
            "Sign in.", "Session", 201, sessions.NEW_SESSION, refusals=(400, 401, 403, 413, 415, 422, 429)
        ),
        "delete": Operation("Sign out.", "", 204, by_member=True, refusals=(401,)),
    },
    "/members": {
        "get": Operation("The members whose home is this node.", "Members", by_member=True, refusals=(401,)),
        "post": Operation(
            "Add a member; for keepers.",
            "Card",
            201,
            members.NEW_MEMBER,
            by_member=True,
            refusals=(400, 401, 403, 409, 413, 415, 422),
        ),
    },
    "/accounts": {
        "get": Operation(
            "The neighbours known here.", "Accounts", query={"q": FIND["q"]}, by_member=True, refusals=(401,)
        )
    },
    "/accounts/{account_id}": {
        "get": Operation(
            "Balances, room here and now, and why; for the owner.", "Balances", by_member=True, refusals=(401, 403, 404)
        )
    },
    "/accounts/{account_id}/postings": {
        "get": Operation(
            "What came and went, newest first; for the owner.",
            "Postings",
            query={"older": FIND["older"]},
            by_member=True,
            refusals=(401, 403, 404),
        )
    },
    "/transfers": {
        "post": Operation(
            "Pay. A refusal is 409 with its verdict.",
            "Transfer",
            201,
            transfers.NEW_TRANSFER,
            by_member=True,
            keyed=True,
            refusals=(400, 401, 409, 413, 415, 422),
        )
    },
    "/transfers/{transfer_id}": {
        "get": Operation("A payment; for payer and payee.", "Transfer", by_member=True, refusals=(401, 404))
    },
    "/zines": {
        "get": Operation("Zines, or those that speak of `q`.", "Zines", query=FIND),
        "post": Operation(
            "Publish a zine.",
            "Zine",
            201,
            (*archive.NEW_ZINE, archive.FILE),
            "multipart/form-data",
            by_member=True,
            keyed=True,
            refusals=(400, 401, 409, 413, 415, 422, 429, 507),
        ),
    },
    "/zines/{zine_id}": {"get": Operation("What is known about a zine.", "Zine", refusals=(404,))},
    "/zines/{zine_id}/file": {"get": Operation("Its file; ranges are honoured.", FILES, refusals=(404, 416))},
    "/zines/{zine_id}/notes": {
        "get": Operation(
            "The notes in its margin, newest first, as a page of W3C annotations.",
            "AnnotationPage",
            query={"older": FIND["older"]},
            refusals=(404,),
            answer_type=notes.JSON_LD,
        ),
        "post": Operation(
            "Write a note into its margin.",
            "Annotation",
            201,
            notes.NEW_NOTE,
            notes.JSON_LD,
            by_member=True,
            keyed=True,
            refusals=(400, 401, 403, 404, 409, 413, 415, 422),
            answer_type=notes.JSON_LD,
        ),
    },
    "/zines/{zine_id}/notes/{note_id}": {
        "get": Operation("One note.", "Annotation", refusals=(404,), answer_type=notes.JSON_LD),
        "delete": Operation(
            "Take a note back; for its writer and keepers.", "", 204, by_member=True, refusals=(401, 403, 404, 409)
        ),
    },
    "/calls": {
        "get": Operation(
            "The calls for help that live, the worst first; level `over` where one was taken back.", "Calls"
        ),
        "post": Operation(
            "Call for help, in the place of your earlier call. The same again within two minutes is the same call.",
            "Call",
            201,
            calls.NEW_CALL,
            by_member=True,
            refusals=(400, 401, 403, 409, 413, 415, 422, 429),
        ),
    },
    "/calls/{call_id}": {
        "delete": Operation(
            "Tell everybody that it is over; for whoever called and the keepers of that node.",
            "",
            204,
            by_member=True,
            refusals=(401, 403, 404),
        )
    },
    "/bundle": {
        "get": Operation(
            "A bundle to carry.", MEDIA_TYPE, query={"for": "The id of the node it is for."}, refusals=(404, 429)
        ),
        "post": Operation("Hand a bundle in.", "Imported", media_type=MEDIA_TYPE, refusals=(413, 415, 422)),
    },
}


@routes.get("/openapi.json")
def document() -> Document:
    """Give the document."""
    return _written(node().version)


@cache
def _written(version: str) -> Document:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hedgerow",
            "version": version,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
            "description": "One node of a neighbourhood. Amounts are integers of the currency's smallest unit. "
            "Errors are problem documents (RFC 9457); `verdict` is the name to hold on to. "
            "Any answer may be 503 or 507 where the card cannot be written.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {path: _path(path, methods) for path, methods in OPERATIONS.items()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": BEARER}},
        },
    }


def _path(path: str, methods: Mapping[str, Operation]) -> Document:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    inner: Document = {"parameters": [_parameter(name, "path", "The id.") for name in named]} if named else {}
    return inner | {method: _operation(method, path, operation) for method, operation in methods.items()}


def _operation(method: str, path: str, operation: Operation) -> Document:
    words = [part.strip("{}").replace(".", "_") for part in path.split("/") if part]
    shape: Document = {
        "operationId": "_".join([method, *words]),
        "summary": operation.summary,
        "parameters": [_parameter(name, "query", words) for name, words in (operation.query or {}).items()],
        "responses": _answers(operation),
        "security": [{"token": []}] if operation.by_member else [],
    }
    if operation.keyed:
        shape["parameters"] = [
            _parameter("Idempotency-Key", "header", "Sent again with the same body, it acts once.", f"^{KEY}$")
        ]
    if operation.body or operation.media_type != JSON:
        shape["requestBody"] = {"required": True, "content": {operation.media_type: {"schema": _body(operation)}}}
    return shape


def _body(operation: Operation) -> Document:
    if not operation.body:
        return {"type": "string", "contentMediaType": operation.media_type}
    return schema(operation.body)


def _answers(operation: Operation) -> Document:
    content: Document = {operation.answer_type: {"schema": {"$ref": f"#/components/schemas/{operation.answer}"}}}
    if "/" in operation.answer:
        content = {media_type: {} for media_type in operation.answer.split(",")}
    ok: Document = {"description": HTTPStatus(operation.ok).phrase} | ({"content": content} if operation.answer else {})
    problem: Document = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals: Document = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem} for status in operation.refusals
    }
    return {str(operation.ok): ok} | refusals


def _parameter(name: str, place: str, words: str, pattern: str = "") -> Document:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": words,
        "schema": {"type": "string"} | ({"pattern": pattern} if pattern else {}),
    }
