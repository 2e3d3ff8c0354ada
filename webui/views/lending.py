"""Files for neighbour nodes: bytes by their digest, in ranges, to anybody on the street. No cookie takes part."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, make_response, request, send_file

from appliance.errors import Refused
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
    return _parts(response)


def _parts(response: Response) -> Response:
    """Say that parts may be asked for."""
    response.headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD" or response.status_code == HTTPStatus.NOT_MODIFIED:
        response.close()  # nobody reads the file then, and nobody would close it
    return response


@pages.get("/update/")
def update() -> Response:
    """Say which new version lies here for neighbour nodes; nothing where there is none."""
    try:
        return _bytes(f"{node().lent_update().version}\n".encode())
    except Refused:
        return _bytes(b"")


@pages.get("/update/top")
def update_top() -> Response:
    """Hand out its beginning, with the signatures and the digests by which each part can be checked."""
    return _bytes(node().lent_update().top)


@pages.get("/update/file")
def update_file() -> Response:
    """Hand out the file, whole or in parts."""
    lent = node().lent_update()
    return _parts(send_file(lent.path, mimetype=BYTES, as_attachment=True, conditional=True, max_age=None))


@pages.get("/blob/<name>/chunks")
def chunks(name: str) -> Response:
    """Hand out the digests of a file's chunks, by which each part can be checked."""
    return _bytes(node().lent_chunk_list(name))


def _bytes(content: bytes) -> Response:
    response = make_response(content)
    response.mimetype = BYTES
    response.headers["Content-Disposition"] = "attachment"
    return response
