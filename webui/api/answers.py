"""The JSON schemas of what the API answers, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Schema = Mapping[str, object]
TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
YES_NO: Final[Schema] = {"type": "boolean"}
TEXT_OR_NONE: Final[Schema] = {"type": ["string", "null"]}
STATE: Final[Schema] = {"type": "string", "enum": ["settled", "good", "promise", "in_question"]}


def _all_of(**properties: Schema) -> Schema:
    """Return an object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str, **more: Schema) -> Schema:
    return _all_of(**{name[0].lower() + name[1:] + "s": {"type": "array", "items": _ref(name)}}, **more)


ACCOUNT: Final[dict[str, Schema]] = {"id": TEXT, "name": TEXT, "node_id": TEXT, "home": TEXT, "is_here": YES_NO}

SCHEMAS: Final[dict[str, Schema]] = {
    "Anything": {"type": "object"},
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT, "verdict": TEXT},
    },
    "Account": _all_of(**ACCOUNT),
    "Accounts": _list("Account"),
    "Members": _all_of(members={"type": "array", "items": _ref("Account")}),
    "Card": _all_of(**ACCOUNT, pin=TEXT, address=TEXT),
    "Session": _all_of(token=TEXT, account=_ref("Account"), is_keeper=YES_NO),
    "Balance": _all_of(currency=TEXT, decimals=WHOLE, balance=WHOLE, room=WHOLE, floor=WHOLE, waiting=WHOLE, why=TEXT),
    "Balances": _all_of(**ACCOUNT, balances={"type": "array", "items": _ref("Balance")}),
    "Transfer": _all_of(
        id=TEXT,
        state=STATE,
        verdict=TEXT,
        amount=WHOLE,
        currency=TEXT,
        decimals=WHOLE,
        memo=TEXT,
        at=WHOLE,
        reverses=TEXT_OR_NONE,
        reversed_by=TEXT_OR_NONE,
        held_by=WHOLE,
        neighbours=WHOLE,
        to=_ref("Account"),
        **{"from": _ref("Account")},
    ),
    "Posting": _all_of(
        transfer=TEXT, amount=WHOLE, currency=TEXT, memo=TEXT, at=WHOLE, state=STATE, **{"with": _ref("Account")}
    ),
    "Postings": _list("Posting", older=TEXT),
    "Zine": _all_of(
        id=TEXT,
        title=TEXT,
        creator=TEXT,
        language=TEXT,
        description=TEXT,
        series=TEXT,
        issue=TEXT,
        licence=TEXT,
        tags={"type": "array", "items": TEXT},
        media_type=TEXT,
        size=WHOLE,
        blob=TEXT,
        at=WHOLE,
        published_at=TEXT,
        is_here=YES_NO,
        wanted=YES_NO,
        shelved=YES_NO,
        copies=WHOLE,
    ),
    "Zines": _list("Zine", older=TEXT),
    "Notes": _all_of(notes={"type": "array"}),
    "Peer": _all_of(
        node_id=TEXT, name=TEXT, road=TEXT, heard_s={"type": ["integer", "null"], "minimum": 0}, holds_ours=YES_NO
    ),
    "Peers": _list("Peer"),
    "Imported": _all_of(
        records=WHOLE, already=WHOLE, waiting=WHOLE, blobs=WHOLE, refused=WHOLE, torn=YES_NO, sealed_kept=WHOLE
    ),
}
