"""Files for neighbour nodes: bytes by their digest, in ranges, to anybody on the street. No cookie takes part."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, make_response, request, send_file

from webui.signin import node

pages = Blueprint("lending", __name__)

BYTES: Final = "application/octet-stream"


@pages.get("/blob/")
def listed() -> Response:
    """List what may be fetched here: digests of 32 bytes, one after another."""
    return _bytes(node().lent())


@pages.get("/blob/<name>")
def file(name: str) -> Response:
    """Hand out a file, whole or in parts (RFC 9110 section 14)."""
    lent = node().lent_file(name)
    response = send_file(
        lent.path,
        mimetype=BYTES,
        as_attachment=True,
        download_name=name,
        conditional=True,
        etag=lent.etag,
        max_age=None,
    )
    response.headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD" or response.status_code == HTTPStatus.NOT_MODIFIED:
        response.close()  # nobody reads the file then, and nobody would close it
    return response


@pages.get("/blob/<name>/chunks")
def chunks(name: str) -> Response:
    """Hand out the digests of a file's chunks, by which each part can be checked."""
    return _bytes(node().lent_chunk_list(name))


def _bytes(content: bytes) -> Response:
    response = make_response(content)
    response.mimetype = BYTES
    response.headers["Content-Disposition"] = "attachment"
    return response
