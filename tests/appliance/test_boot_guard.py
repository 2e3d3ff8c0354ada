"""A log has one writer: what happens to copies, put-back files, and to what their originals wrote meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import keel, settings
from appliance.errors import StoreFault
from appliance.node import Node
from appliance.settings import Gossip
from mesh.errors import ForkedLog
from mesh.keys import PUBLIC, Head
from mesh.links import Height
from mesh.log import Checkpoint, ForkProof
from tests.appliance.street import Street
from tests.appliance.writers import balance, in_accord, pay, put_back, refuses_to_write, take_away


@pytest.fixture
def elm(street: Street) -> Node:
    street.neighbour(street.elm, "Ana", keeper=True)
    street.neighbour(street.elm, "Ben")
    return street.elm


@pytest.fixture
def oak(street: Street, elm: Node) -> Node:
    return street.welcome("Oak")


# copies


def test_a_restart_is_no_copy(street: Street, elm: Node) -> None:
    pay(elm, 100)
    street.close(elm)
    again = street.open("Elm")
    assert again.trouble is None
    pay(again, 100)
    moved = Path(shutil.move(again.settings.data, street.directory / "moved"))
    street.close(again)
    mark = again.settings.keel_file
    shutil.move(mark, mark.with_name("moved.keel"))
    node = Node.open(moved)
    assert node.trouble is None, "a move within the card is no copy either"
    node.close()


def test_a_copy_elsewhere_only_reads_until_the_keeper_says_so(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    pay(elm, 100)
    street.settle()
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    refuses_to_write(copy, "other_hardware")
    copy.confirm_lost_tail()
    assert copy.trouble is None
    assert copy.status().as_json()["incarnation"] == 1
    pay(copy, 200)
    street.nodes.append(copy)
    street.settle()
    refuses_to_write(elm, "superseded")
    assert in_accord(elm, oak, copy)
    assert balance(oak) == -300


def test_what_the_original_wrote_before_it_heard_of_its_copy_is_neither_lost_nor_double(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    street.settle()
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    copy.confirm_lost_tail()
    pay(elm, 100)
    pay(copy, 1000)
    elm.seal()
    street.sync(elm, oak)
    street.nodes.append(copy)
    street.settle()
    street.settle()
    assert in_accord(elm, oak, copy)
    assert balance(oak) == balance(copy) == -1100


def test_a_copy_that_was_never_sealed_up_to_its_end_takes_the_tail_from_the_others(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    elm.settings = replace(elm.settings, gossip=Gossip(batch_s=600))
    pay(elm, 100)  # not sealed yet
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    pay(elm, 200)
    street.settle()
    street.cut(elm, copy)
    street.nodes.append(copy)
    copy.confirm_lost_tail()
    assert balance(copy) == 0, "what was not sealed counts again only if somebody holds it"
    street.settle()
    street.settle()
    assert in_accord(oak, copy)
    assert balance(copy) == balance(oak) == -300


# put-back files


def test_files_that_were_put_back_are_behind_the_keel_mark(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    pay(elm, 100)
    saved = take_away(elm, tmp_path / "saved")
    pay(elm, 200)
    street.settle()
    street.close(elm)
    put_back(saved, elm.settings.data)
    again = street.open("Elm")
    refuses_to_write(again, "behind")
    assert balance(again) == -100
    street.sync(oak, again)
    assert again.trouble is None, "its tail was fetched, and nothing is missing"
    assert (balance(again), again.status().as_json()["incarnation"]) == (-300, 0)
    pay(again, 400)
    street.settle()
    assert in_accord(again, oak)


def test_a_bare_height_moves_no_node_to_go_on_nor_to_stop(street: Street, elm: Node, oak: Node, tmp_path: Path) -> None:
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    log = copy.own_log(copy.commons)
    for height in (1, log.height - 1, log.height, log.height + 1, 2**62):
        for liar in (oak.node_id, oak.node_id[:4]):
            copy.peer_holds("loopback", liar, copy.commons, {log.log: height})
            refuses_to_write(copy, "other_hardware")
            elm.peer_holds("loopback", liar, elm.commons, {log.log: height})
            assert elm.trouble is None
    pay(elm, 500)
    street.nodes = [oak, copy]
    street.show(oak, to=copy)
    refuses_to_write(copy, "other_hardware")
    copy.confirm_lost_tail()
    assert copy.status().as_json()["incarnation"] == 1
    street.settle()
    assert in_accord(copy, oak)
    elm.close()


def test_as_long_as_a_neighbour_holds_more_it_does_not_go_on(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    pay(elm, 500)
    street.settle()
    street.show(oak, to=copy)
    refuses_to_write(copy, "other_hardware")
    street.sync(oak, copy)
    street.show(oak, to=copy)
    assert copy.trouble is None
    street.nodes = [oak, copy]
    street.settle()
    assert balance(copy) == balance(oak) == -500
    assert in_accord(copy, oak)
    elm.close()


def test_a_part_of_the_tail_is_not_enough_where_another_shows_more(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    fir = street.welcome("Fir")
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    pay(elm, 100)
    elm.seal()
    street.sync(elm, fir)
    part = elm.own_log(elm.commons).height
    pay(elm, 200)
    elm.seal()
    street.sync(elm, oak)
    street.show(oak, to=copy)
    street.sync(fir, copy)
    assert copy.own_log(copy.commons).height == part
    street.show(fir, to=copy)
    refuses_to_write(copy, "other_hardware")
    street.sync(oak, copy)
    street.show(oak, to=copy)
    assert copy.trouble is None
    assert balance(copy) == -300
    copy.close()


def test_a_neighbour_that_never_heard_of_this_node_proves_nothing(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    copy = Node.open(take_away(elm, tmp_path / "copy"))
    copy.peer_holds("loopback", oak.node_id, copy.commons, {oak.own_log(oak.commons).log: 1})
    copy.peer_holds("loopback", oak.node_id, PUBLIC, {log.log: log.height for log in elm.records.logs(PUBLIC)})
    refuses_to_write(copy, "other_hardware")
    copy.close()


# forks


def test_a_node_that_learns_that_its_log_was_forked_only_reads(street: Street, elm: Node, oak: Node) -> None:
    log = elm.own_log(elm.commons)
    one, other = (Checkpoint.sign(elm.key, log.log, 0, 1, head) for head in (log.head, Head(bytes(32))))
    assert elm.accept_fork_proof(ForkProof(log.public_key, one, other))
    refuses_to_write(elm, "forked")
    elm.confirm_lost_tail()
    assert elm.trouble is None
    pay(elm, 100)
    street.settle()
    assert in_accord(elm, oak)


def test_a_second_copy_that_writes_on_is_found_out_when_the_two_meet(
    street: Street, elm: Node, oak: Node, tmp_path: Path
) -> None:
    """An image of the whole card that was put back on its board has the same place and mark: only others can tell."""
    saved = take_away(elm, tmp_path / "saved")
    pay(elm, 100)
    street.settle()
    street.close(elm)
    elm.settings.keel_file.unlink()
    put_back(saved, elm.settings.data)
    again = street.open("Elm")
    assert again.trouble is None
    log = again.own_log(again.commons)
    pay(again, 1000)
    again.seal()
    run = again.run(log.log, log.certified, 1000)
    assert run is not None
    with pytest.raises(ForkedLog):
        oak.accept(run)
    (proof,) = oak.fork_proofs(oak.commons)
    assert again.accept_fork_proof(proof)
    refuses_to_write(again, "forked")


def test_a_broken_place_is_said(elm: Node, tmp_path: Path) -> None:
    elm.close()
    for content in (None, b"", b"not a key\n", b"ab" * 31, b"\xff" * 64):
        elm.settings.key_file.unlink(missing_ok=True)
        if content is not None:
            elm.settings.key_file.write_bytes(content)
        with pytest.raises(StoreFault, match="key"):
            Node(settings.load(elm.settings.data))


def test_a_mark_of_another_story_is_behind(street: Street, elm: Node) -> None:
    mark = keel.read(elm.settings.keel_file)
    assert mark is not None
    log = elm.own_log(elm.commons)
    keel.write(elm.settings.keel_file, keel.Keel(mark.place, (Height(log.log, log.height, Head(bytes(32))),)))
    street.close(elm)
    refuses_to_write(street.open("Elm"), "behind")
