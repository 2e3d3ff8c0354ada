"""Files for neighbour nodes: bytes by their digest, in ranges, and nothing that a keeper has not put on the shelf."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from appliance.node import Node
from appliance.updates import held
from appliance.updates.gathering import Gatherer
from appliance.visiting import Visit
from mesh.addresses import Address
from mesh.blob import CHUNK_SIZE, ChunkList, blob_id
from mesh.keys import NodeId
from tests.appliance.updates.cards import ANA, BEN, keepers, update
from tests.webui.street import MARKDOWN, publish
from tests.webui.visitor import Visitor

NAME = blob_id(MARKDOWN).hex()


def test_a_file_is_handed_out_whole_and_in_parts(street: Node, stranger: Visitor):
    whole = stranger.get(f"/blob/{NAME}")
    assert (whole.status_code, whole.data, whole.mimetype) == (200, MARKDOWN, "application/octet-stream")
    assert whole.headers["ETag"] == f'"{NAME}"'
    part = stranger.get(f"/blob/{NAME}", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, MARKDOWN[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(MARKDOWN)}"
    assert stranger.get(f"/blob/{NAME}", headers={"If-None-Match": f'"{NAME}"'}).status_code == 304
    for header in ("bytes=9999-", "bytes=0-1,3-4"):
        assert stranger.get(f"/blob/{NAME}", headers={"Range": header}).status_code == 416
    head = stranger.client.head(f"/blob/{NAME}", base_url="http://127.0.0.1:8080")
    assert (head.status_code, head.content_length, head.data) == (200, len(MARKDOWN), b"")


def test_no_cookie_is_set_and_nothing_is_ever_a_page(street: Node, stranger: Visitor):
    for path in ("/blob/", f"/blob/{NAME}"):
        response = stranger.get(path)
        assert "Set-Cookie" not in response.headers
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["Content-Disposition"].startswith("attachment")
    assert stranger.cookies == {}


@pytest.mark.parametrize(
    "name",
    [NAME.upper(), NAME[:-1], NAME + "0", "0" * 64, "..%2f..%2fnode.key", "zz" * 32, "\u0661" * 64, ".".ljust(64, "a")],
)
def test_other_names_are_not_found(street: Node, stranger: Visitor, name: str):
    for path in (f"/blob/{name}", f"/blob/{name}/chunks"):
        assert stranger.get(path).status_code == 404


def test_the_list_names_what_stands_on_the_shelf(street: Node, stranger: Visitor):
    zines = {zine.title: zine for zine in street.zines().rows}
    assert stranger.get("/blob/").data == b"".join(sorted(bytes.fromhex(zine.blob) for zine in zines.values()))
    zine = zines["Storing water"]
    street.hide(zine.id)
    assert stranger.get("/blob/").data == bytes.fromhex(zines["水的储存"].blob)
    assert stranger.get(f"/blob/{NAME}").status_code == 404
    street.unhide(zine.id)
    assert stranger.get(f"/blob/{NAME}").status_code == 200
    street.leave([zine.id])
    assert stranger.get(f"/blob/{NAME}").status_code == 404
    street.shelve([zine.id])
    street.withdraw_zine(zine.id)
    assert stranger.get(f"/blob/{NAME}").status_code == 404
    assert (street.settings.blobs / NAME).exists() is False


def test_the_chunks_of_a_large_file_are_listed(street: Node, stranger: Visitor):
    content = b"Fill bottles.\n" * 12_000
    content += b"x" * (CHUNK_SIZE - len(content) % CHUNK_SIZE) + b"!"
    street.settings = replace(street.settings, portal=replace(street.settings.portal, upload_max_bytes=10**6))
    zine = publish(street, "Large", content, "large.txt").blob
    listed = stranger.get(f"/blob/{zine}/chunks")
    chunks = [content[at : at + CHUNK_SIZE] for at in range(0, len(content), CHUNK_SIZE)]
    assert listed.data == ChunkList.of(chunks).encode()
    assert stranger.get(f"/blob/{NAME}/chunks").data.hex() == NAME, "a file of one chunk is its own list"


def lay_update(node: Node) -> Path:
    (node.settings.data / held.DIRECTORY).mkdir()
    return update(node.settings.data / held.DIRECTORY, ANA, BEN, architecture=held.here(Path("/nowhere")).architecture)


def test_a_new_version_is_handed_out_in_parts(node: Node, stranger: Visitor):
    assert stranger.get("/update/").data == b""
    for path in ("/update/top", "/update/file"):
        assert stranger.get(path).status_code == 404
    raw = lay_update(node).read_bytes()
    assert stranger.get("/update/").data == b"9.0\n"
    top = stranger.get("/update/top").data
    assert raw.startswith(top)
    part = stranger.get("/update/file", headers={"Range": f"bytes={len(top)}-{len(top) + 9}"})
    assert (part.status_code, part.data) == (206, raw[len(top) : len(top) + 10])
    assert part.headers["Content-Range"] == f"bytes {len(top)}-{len(top) + 9}/{len(raw)}"
    for path in ("/update/", "/update/top", "/update/file"):
        response = stranger.get(path)
        assert "Set-Cookie" not in response.headers
        assert "sandbox" in response.headers["Content-Security-Policy"]


def test_a_neighbour_fetches_it_from_these_pages(node: Node, app: Flask, tmp_path: Path):
    file = lay_update(node)
    (tmp_path / "open/hedgerow").mkdir(parents=True)
    (tmp_path / "open/hedgerow" / held.KEYS).write_text(keepers().as_text(), encoding="utf-8")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        other = Gatherer(tmp_path / "other", 0, Visit, time.monotonic, tmp_path / "open")
        address = Address.parse(f"http://127.0.0.1:{server.server_port}")
        while other.step({NodeId(b"1" * 16): address}):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    kept = held.path(tmp_path / "other")
    assert kept
    assert kept.read_bytes() == file.read_bytes()
