"""What schemathesis is told of this API beyond its description: how a bundle is sent, and one check of our own."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.generation import GenerationMode


@schemathesis.serializer("application/vnd.hedgerow.bundle")
def bundle(_context: Any, value: Any) -> bytes:
    """A bundle is bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.check
def a_described_request_is_refused_only_with_a_verdict(_context: CheckContext, response: Response, case: Case) -> None:
    """What the description allows may still be refused by the node, by name; never as a request that could not be read."""
    sent_as_described = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if sent_as_described and response.status_code in {400, 415, 422}:
        assert "verdict" in response.json(), f"the description allows it: {response.json()['detail']}"
