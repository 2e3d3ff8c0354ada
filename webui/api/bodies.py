"""What a program may send, checked to the letter: a wrong type, a strange key or a number beyond measure is one sentence and 422.

The same lists of fields are the schemas of the OpenAPI document, so that what is written there is what is checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from flask import abort, request

SIZE_MAX: Final = 64 * 1024
DIGITS_MAX: Final = 40  # the node says of any of these what is too large; beyond, it is no number that anybody means
JSON: Final = "application/json"
TYPES: Final[dict[str, type]] = {"string": str, "integer": int, "boolean": bool, "object": dict}
UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
WRITABLE: Final = (
    r"^[^\x00-\x08\x0b-\x1f\x7f]*$"  # the same for the description; JSON of other programs has no half signs
)
KEY: Final = r"[\x21-\x7e]{1,200}"


@dataclass(frozen=True, slots=True)
class Field:
    """One named value of a body. An object is one `of` several lists of fields, told apart by what their `type` may be `only`."""

    name: str
    type: str
    description: str
    required: bool = True
    only: str = ""
    pattern: str = ""
    of: tuple[tuple[Field, ...], ...] = ()

    def read(self, value: object) -> object:
        """Return `value` if it is of this field's type; else 422."""
        # JSON's true is no number here, though Python's is.
        if type(value) is not TYPES[self.type]:
            _refuse(f"{self.name} must be of type {self.type}.")
        if isinstance(value, str) and UNWRITABLE.search(value):
            _refuse(f"{self.name} holds a sign that cannot be written.")
        if self.only and value != self.only:
            _refuse(f"{self.name} must be {self.only}.")
        if self.pattern and isinstance(value, str) and not re.fullmatch(self.pattern, value):
            _refuse(f"{self.name} must be like {self.pattern}.")
        return self._read_object(value) if isinstance(value, dict) else value

    def _read_object(self, value: Mapping[str, object]) -> dict[str, Any]:
        for fields in self.of[:-1]:
            if value.get("type") == fields[0].only:
                return checked(value, fields)
        return checked(value, self.of[-1])

    @property
    def schema(self) -> dict[str, object]:
        """The JSON schema of the value."""
        said: dict[str, object] = {"description": self.description} if self.description else {}
        if self.of:
            shapes = [schema(fields) for fields in self.of]
            return said | (shapes[0] if len(shapes) == 1 else {"oneOf": shapes})
        if self.type == "file":
            return said | {"type": "string", "format": "binary"}
        if self.only:
            return said | {"type": self.type, "const": self.only}
        limits = {"pattern": f"^{self.pattern}$" if self.pattern else WRITABLE} if self.type == "string" else {}
        return said | {"type": self.type} | limits


def schema(fields: Sequence[Field]) -> dict[str, object]:
    """Return the JSON schema of a body of `fields` and of nothing else."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if field.required],
        "properties": {field.name: field.schema for field in fields},
    }


def read(fields: Sequence[Field], media_types: Sequence[str] = (JSON,)) -> dict[str, Any]:
    """Return the request's JSON body, every value of its field's type. Answers 400, 413, 415 or 422 otherwise."""
    if request.mimetype not in media_types:
        abort(415, f"Send the body as {' or '.join(media_types)}.")
    request.max_content_length = SIZE_MAX
    body = _parsed(request.get_data())
    if not isinstance(body, dict):
        _refuse("The body must be a JSON object.")
    return checked(body, fields)


def checked(body: Mapping[str, object], fields: Sequence[Field]) -> dict[str, Any]:
    """Return `body` with nothing missing, nothing strange and each value of its type."""
    known = {field.name: field for field in fields}
    for name in body:
        if name not in known:
            _refuse(f"{_short(name)} is not known here. Known are {', '.join(known)}.")
    for field in fields:
        if field.required and field.name not in body:
            _refuse(f"{field.name} is missing.")
    return {name: known[name].read(value) for name, value in body.items()}


def idempotency_key() -> str | None:
    """Return the key by which a request may be sent twice and act once (draft-ietf-httpapi-idempotency-key-header)."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(KEY, key):
        abort(400, "An Idempotency-Key is 1 to 200 printable ASCII characters without spaces.")
    return key


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(
            raw.decode("utf-8"), parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_once_each
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        abort(400, "The body is not readable as JSON.")


def _whole(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        _refuse(f"A number has at most {DIGITS_MAX} digits.")
    return int(digits)


def _no_number(word: str) -> NoReturn:
    _refuse(f"{word} is not a number.")


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) < len(pairs):
        _refuse("A key stands twice in the body.")
    return body


def _short(name: str) -> str:
    return json.dumps(name[:40])


def _refuse(words: str) -> NoReturn:
    abort(422, words)
