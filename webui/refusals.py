"""Every no and every fault as one sentence with the right HTTP status: a page for people, a problem document for programs."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from appliance.errors import Answer, CardFull, Objection, Refused, StoreFault
from appliance.next_card import Unready
from webui.languages import gettext, lazy_gettext
from webui.words import sentence

API: Final = "/api/"
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# What is not here is a conflict with how things stand (409): names taken, floors reached, things given back already.
STATUSES: Final[dict[Answer, HTTPStatus]] = {
    Objection.NAME_EMPTY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.NAME_TOO_LONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.NAME_UNWRITABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PIN_TOO_WEAK: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.SIGN_IN_FAILED: HTTPStatus.UNAUTHORIZED,
    Objection.SIGN_IN_ELSEWHERE: HTTPStatus.FORBIDDEN,
    Objection.TRY_LATER: HTTPStatus.TOO_MANY_REQUESTS,
    Objection.SIGN_IN_FIRST: HTTPStatus.UNAUTHORIZED,
    Objection.KEEPERS_ONLY: HTTPStatus.FORBIDDEN,
    # As draft-ietf-httpapi-idempotency-key-header asks for a key that comes again with another body.
    Objection.KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TIME_UNREADABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TIME_PAST: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TIME_FAR: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TEXT_EMPTY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TEXT_TOO_LONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Objection.NOT_YOURS: HTTPStatus.FORBIDDEN,
    Objection.FILE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.FILE_UNREADABLE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_EMPTY: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_KIND_UNKNOWN: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_MISNAMED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_TWO_KINDS: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_DAMAGED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_LOCKED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_NAMES_UNSAFE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Objection.FILE_TOO_HARD: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.FILE_UNPACKS_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.PICTURE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.PAGES_TOO_MANY: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.PAGE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Objection.NODE_BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Objection.UPLOADS_TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Objection.PUBLISHER_FULL: HTTPStatus.INSUFFICIENT_STORAGE,
    Objection.CALL_UNREADABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.LANGUAGE_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.NUMBER_UNFIT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PAGE_UNCOUNTED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.NOT_HERE_YET: HTTPStatus.NOT_FOUND,
    Objection.NOT_PRINTABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TOO_LONG_FOR_MINI: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.TOO_MANY_PAGES: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PAGE_UNPRINTABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PDF_UNPRINTABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PAPER_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PRINT_TOO_MUCH: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.PRINTER_BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Objection.ZINE_PUT_AWAY: HTTPStatus.NOT_FOUND,
    Objection.ARCHIVE_FULL: HTTPStatus.INSUFFICIENT_STORAGE,
    Objection.REPORTS_WAIT: HTTPStatus.TOO_MANY_REQUESTS,
    Objection.NOTHING_CHOSEN: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.CARD_FULL: HTTPStatus.INSUFFICIENT_STORAGE,
    Objection.BUNDLE_UNREADABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.INVITE_UNREADABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Objection.INTRODUCTION_UNREADABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    **dict.fromkeys(Unready, HTTPStatus.UNPROCESSABLE_ENTITY),
    Unready.PAPERS_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
    Unready.TAKEN_ALREADY: HTTPStatus.GONE,
}

SENTENCES: Final = {
    400: lazy_gettext("That could not be read. Go back, load the page again and try once more."),
    403: lazy_gettext("That is not for everybody."),
    404: lazy_gettext("There is no such page here."),
    405: lazy_gettext("That cannot be done here in this way."),
    408: lazy_gettext("That took too long. Please try once more."),
    413: lazy_gettext("That is more than this node takes in at once. Try with something smaller."),
    415: lazy_gettext("That kind of file or form is not read here."),
    416: lazy_gettext("The file has no such part."),
    421: lazy_gettext("This node does not go by that name."),
    422: lazy_gettext("Something in that form is not as it should be."),
    429: lazy_gettext("Many people ask at once just now. Please try again in a moment."),
    500: lazy_gettext("Something is wrong in this node itself. Please tell its keeper when it happened."),
}


def join(app: Flask) -> None:
    """Answer for everything that goes wrong under `app`."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(StoreFault, store_fault)
    app.register_error_handler(OSError, os_fault)
    app.register_error_handler(HTTPException, http_error)


def status_of(refusal: Refused) -> int:
    """Return the HTTP status of a refusal."""
    return STATUSES.get(refusal.verdict, HTTPStatus.CONFLICT).value


def page(template: str, refusal: Refused | None = None, **facts: object) -> Response:
    """Render a page; with a refusal it says so at its top, in the refusal's status, and keeps what was typed."""
    if refusal is None:
        return make_response(render_template(template, refusal="", **facts))
    shown = render_template(template, refusal=sentence(refusal), **facts)
    return _with_patience(make_response(shown, status_of(refusal)), refusal)


def refused(refusal: Refused) -> Response:
    """Answer a refusal that no page took up."""
    response = _with_patience(_answer(status_of(refusal), sentence(refusal), refusal.verdict.code), refusal)
    if response.status_code == HTTPStatus.UNAUTHORIZED and request.path.startswith(API):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def store_fault(fault: StoreFault) -> Response:
    """Answer that nothing was kept: 507 where the card is full, else 503."""
    full = isinstance(fault, CardFull)
    status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.SERVICE_UNAVAILABLE
    response = _answer(status, gettext(str(fault)), "card_full" if full else "store_fault")
    response.headers["Retry-After"] = "60"
    return response


def os_fault(fault: OSError) -> Response:
    """Answer that an upload could not be kept while it arrived. Any other fault of the system is our bug."""
    if fault.errno in NO_ROOM:
        return store_fault(CardFull("There is no room left for that upload. Nothing was kept; payments still work."))
    if fault.errno == errno.EROFS:
        return store_fault(StoreFault("The card can only be read just now. Nothing was kept."))
    raise fault


def http_error(error: HTTPException) -> Response:
    """Answer what HTTP itself finds wrong. A redirect is no error and goes its way."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None or status < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    own_words = error.description if "description" in vars(error) else None
    response = _answer(status, str(own_words or SENTENCES.get(status) or HTTPStatus(status).description), "")
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "Content-Range"}:
            response.headers[name] = value
    return response


def problem(status: int, words: str, verdict: str = "") -> Response:
    """Write a problem document (RFC 9457). `verdict` is the name that programs hold on to; empty where HTTP says it all."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": words}
    response = make_response(document | ({"verdict": verdict} if verdict else {}), status)
    response.mimetype = "application/problem+json"
    return response


def _with_patience(response: Response, refusal: Refused) -> Response:
    if refusal.verdict in (Objection.TRY_LATER, Objection.UPLOADS_TOO_MANY):
        response.headers["Retry-After"] = str(refusal.details["seconds"])
    return response


def _answer(status: int, words: str, verdict: str) -> Response:
    if request.path.startswith(API):
        return problem(status, words, verdict)
    return make_response(render_template("refused.html", sentence=words, status=int(status)), status)
