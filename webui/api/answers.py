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


def _exactly(required: str = "", **properties: Schema) -> Schema:
    """Return an object that has those `required`, may have the others, and has nothing else."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def _const(value: str) -> Schema:
    return {"const": value}


# W3C Web Annotation Data Model, sections 3.2 (annotation), 3.2.4 (textual body), 4 (specific resources), 4.2.1 and 4.2.4
# (selectors), 5 (pages): what it asks of each, and what we give beyond.
IRI: Final[Schema] = {"type": "string", "pattern": "^https?://[^ ]+$"}
QUOTED: Final = _exactly("type exact", type=_const("TextQuoteSelector"), exact=TEXT, prefix=TEXT, suffix=TEXT)
ON_PAGE: Final = _exactly(
    "type value", type=_const("FragmentSelector"), value={"type": "string", "pattern": "^page=[1-9][0-9]{0,3}$"}
)
PLACE: Final = _exactly(
    "type source selector", type=_const("SpecificResource"), source=IRI, selector={"oneOf": [QUOTED, ON_PAGE]}
)
ITEM: Final[dict[str, Schema]] = {
    "id": IRI,
    "type": _const("Annotation"),
    "motivation": _const("commenting"),
    "body": _exactly("type value format", type=_const("TextualBody"), value=TEXT, format=_const("text/plain")),
    "target": {"oneOf": [IRI, PLACE]},
    "creator": _exactly("type name", type=_const("Person"), name=TEXT),
    "created": {"type": "string", "format": "date-time", "pattern": "^[0-9-]{10}T[0-9:]{8}Z$"},
}
IN_CONTEXT: Final[dict[str, Schema]] = {"@context": _const("http://www.w3.org/ns/anno.jsonld")}
ANNOTATIONS: Final[dict[str, Schema]] = {
    "Annotation": _exactly("@context id type motivation body target", **IN_CONTEXT, **ITEM),
    "AnnotationPage": _exactly(
        "@context id type partOf items",
        **IN_CONTEXT,
        id=IRI,
        type=_const("AnnotationPage"),
        partOf=_exactly("id type", id=IRI, type=_const("AnnotationCollection")),
        items={"type": "array", "items": _exactly("id type motivation body target", **ITEM)},
        next=IRI,
    ),
}
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
        silent=WHOLE,
        on_its_way=YES_NO,
        to=_ref("Account"),
        **{"from": _ref("Account")},
    ),
    "Posting": _all_of(
        transfer=TEXT, amount=WHOLE, currency=TEXT, memo=TEXT, at=WHOLE, state=STATE, **{"with": _ref("Account")}
    ),
    "Postings": _list("Posting", older=TEXT, on_their_way={"type": "array", "items": _ref("Posting")}),
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
        pages=WHOLE,
        has_cover=YES_NO,
        trouble=TEXT,
        removed={"type": "array", "items": TEXT},
    ),
    "Zines": _list("Zine", older=TEXT),
    **ANNOTATIONS,
    "Call": _all_of(
        id=TEXT,
        author=_ref("Account"),
        level={"type": "string", "enum": ["danger", "help", "watch", "over"]},
        words=TEXT,
        at=WHOLE,
        left_s=WHOLE,
    ),
    "Calls": _list("Call"),
    "Peer": _all_of(
        node_id=TEXT, name=TEXT, road=TEXT, heard_s={"type": ["integer", "null"], "minimum": 0}, holds_ours=YES_NO
    ),
    "Peers": _list("Peer"),
    "Imported": _all_of(
        records=WHOLE,
        already=WHOLE,
        waiting=WHOLE,
        blobs=WHOLE,
        refused=WHOLE,
        torn=YES_NO,
        sealed_kept=WHOLE,
        calls=WHOLE,
    ),
}
