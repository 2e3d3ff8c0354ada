"""The API against its own description: schemathesis sends what the description allows, and what it does not allow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import requests
from flask import Flask
from waitress.server import create_server

from appliance.node import Node
from tests.webui.portal import CHECKOUT, Running, running, settle

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SEED: Final = 3
EXAMPLES: Final = 100
# What the node itself answers to a request that is as described: its own list of verdicts, each with its status.
SETTINGS: Final = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 413, 415, 422, 429]
"""


def judged(address: str, room: Path, *more: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Run all checks of schemathesis on the API at `address`, signed in with a token or not at all.

    Signed in, it also walks the edges of every value; without a token most of them would end at the door.
    """
    settings = room / "schemathesis.toml"
    settings.write_text(SETTINGS)
    phases = "examples,coverage,fuzzing" if token else "examples,fuzzing"
    signed_in = ["--header", f"Authorization: Bearer {token}"] if token else []
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
        *(f"{address}/api/v1/openapi.json", "--url", f"{address}/api/v1", "--checks", "all"),
        *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--phases", phases, "--no-color", "--workers", "1"),
        *("--suppress-health-check", "all", "--continue-on-failure", "--no-shrink"),
        *("--generation-deterministic", *signed_in, *more),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.webui.judging", "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, cwd=room, env=environment, capture_output=True, text=True, check=False, timeout=500)


def token(portal: Running, name: str = "Ana", pin: str = "1234") -> str:
    answer = requests.post(f"{portal.address}/api/v1/sessions", json={"name": name, "pin": pin}, timeout=30)
    found: str = answer.json()["token"]
    return found


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("contract") / "node"
    settle(data)
    with running(data) as portal:
        yield portal


def clean(judgement: subprocess.CompletedProcess[str]) -> bool:
    print(judgement.stdout[-2500:])
    assert judgement.returncode == 0, judgement.stdout + judgement.stderr
    assert "0 failures" not in judgement.stdout
    return True


def test_the_api_keeps_its_word_to_a_passer_by(portal: Running, tmp_path: Path):
    assert clean(judged(portal.address, tmp_path))


def test_the_api_keeps_its_word_to_a_keeper(portal: Running, tmp_path: Path):
    assert clean(judged(portal.address, tmp_path, "--exclude-operation-id", "delete_sessions", token=token(portal)))


def test_signing_out_keeps_its_word_too(portal: Running, tmp_path: Path):
    one = ("--include-operation-id", "delete_sessions")
    assert clean(judged(portal.address, tmp_path, *one, token=token(portal)))


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app of the test's own."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(server.close)
        thread.join(10)


def test_a_planted_fault_is_found_by_the_same_call(app: Flask, node: Node, tmp_path: Path):
    def fails() -> str:
        raise RuntimeError("planted")

    app.view_functions["api.status.peers"] = fails
    with serving(app) as address:
        judgement = judged(address, tmp_path, "--include-path", "/peers")
    assert judgement.returncode == 1
    assert "Server error" in judgement.stdout
    assert "GET /peers" in judgement.stdout
