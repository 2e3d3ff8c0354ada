"""The neighbourhood that `make run` starts: real processes, real pages, a simulated radio, and nothing left when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.shell import about, done, is_well, refused, start, told, until
from tests.ports import free_ports

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

NODES = 3


@pytest.fixture
def port() -> int:
    """The first of three ports in a row that nobody listens on."""
    return free_ports(NODES)


@contextmanager
def demo(data: Path, port: int, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A neighbourhood that answers, until the block ends."""
    neighbourhood = start("demo", "--data", data, "--port", str(port), "--speed", "10", *words)
    assert neighbourhood.stdout
    try:
        until(lambda: all(is_well(port + number) for number in range(NODES)), "all pages", within_s=180)
        yield neighbourhood
    finally:
        neighbourhood.send_signal(signal.SIGINT)
        code = neighbourhood.wait(60)
        said = neighbourhood.stdout.read()
        neighbourhood.stdout.close()
    assert code == 0, said
    assert about(data) == set()
    assert "Traceback" not in said


def facts(data: Path, *numbers: int) -> list[Any]:
    return [told("status", data=data / str(number)) for number in numbers]


def agree(data: Path, *numbers: int) -> bool:
    return len({one["state_hash"] for one in facts(data, *numbers)}) == 1


def test_three_nodes_live_together(tmp_path: Path, port: int) -> None:
    with demo(tmp_path / "street", port):
        data = tmp_path / "street"
        assert "run` already" not in refused("demo", data=data, code=2)
        until(lambda: agree(data, 1, 2, 3), "the three to agree", within_s=120)
        before = facts(data, 1)[0]["state_hash"]
        assert {peer["name"] for peer in facts(data, 1)[0]["peers"]} == {"Mill Lane", "Harbour Steps"}
        assert len(told("zine", "list", data=data / "3")["zines"]) >= 8
        assert all(zine["is_here"] for zine in told("zine", "list", data=data / "3")["zines"])

        paid = told("pay", "--from", "Ben", "--to", "Hana", "1", "hours", data=data / "1")["id"]
        until(lambda: paid in books(data / "3"), "the payment to arrive", within_s=120)
        until(lambda: agree(data, 1, 2, 3), "the three to agree again", within_s=120)
        assert facts(data, 1)[0]["state_hash"] != before

        lose_node_1(data)
        assert paid in books(data / "3")
        assert told("verify", data=data / "3")["sound"]

    with demo(data, port):  # the kept data live on, and a new first node joins the old commons
        until(lambda: agree(data, 1, 2, 3), "the three to agree", within_s=180)
        assert paid in books(data / "1")


def books(data: Path) -> str:
    return done("ledger", "export", "--format", "csv", data=data)


def lose_node_1(data: Path) -> None:
    for number in about(data / "1"):
        os.kill(number, signal.SIGKILL)
    shutil.rmtree(data / "1")
    (data / "1.keel").unlink()


def test_where_all_is_lost_on_the_air_nothing_arrives(tmp_path: Path, port: int) -> None:
    data = tmp_path / "street"
    with demo(data, port, "--loss", "1"):
        paid = told("pay", "--from", "Ben", "--to", "Hana", "1", "hours", data=data / "1")["id"]
        time.sleep(15)
        assert paid not in books(data / "3")
        assert all(peer["heard_s"] is None for one in facts(data, 1, 2, 3) for peer in one["peers"])


def test_no_process_outlives_a_killed_neighbourhood(tmp_path: Path, port: int) -> None:
    data = tmp_path / "street"
    neighbourhood = start("demo", "--data", data, "--port", str(port))
    assert neighbourhood.stdout
    until(lambda: all(is_well(port + number) for number in range(NODES)), "all pages", within_s=180)
    neighbourhood.kill()
    neighbourhood.wait()
    neighbourhood.stdout.close()
    until(lambda: about(data) == set(), "all processes to follow", within_s=10)


def test_a_neighbourhood_that_cannot_be_says_why(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port + 1)):
        said = refused("demo", "--data", tmp_path / "street", "--port", str(port), code=2)
    assert f"port {port + 1}" in said
    assert "--port" in said
    (tmp_path / "file").touch()
    refused("demo", "--data", tmp_path / "file", "--port", str(port), code=2)
    refused("demo", "--loss", "2", code=2)


def test_an_interrupted_start_leaves_no_half_node(tmp_path: Path, port: int) -> None:
    data = tmp_path / "street"
    neighbourhood = start("demo", "--data", data, "--port", str(port), "--speed", "10")
    assert neighbourhood.stdout
    until((data / "1").exists, "the first node")
    neighbourhood.kill()
    neighbourhood.wait()
    neighbourhood.stdout.close()
    for made in data.glob("[0-9]"):
        assert told("verify", data=made)["sound"]
    with demo(data, port):
        until(lambda: agree(data, 1, 2, 3), "the three to agree", within_s=120)
