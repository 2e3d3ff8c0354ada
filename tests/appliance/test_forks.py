"""Logs that were written twice, and texts that were taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.door import Door, Taken
from mesh import links
from mesh.errors import BadSignature, ForkedLog, PeerFault
from mesh.links import Opening
from mesh.log import Checkpoint, ForkProof
from tests.appliance.doorway import post, rows, turned_away
from tests.appliance.scribes import STREET, Scribe, key_of, stranger_in_the_street, stripped, unsynced


def branches(founder: Scribe) -> tuple[Scribe, Scribe]:
    """Return two hands that write on from the same place, as after a card was copied."""
    hands = Scribe.founder(), Scribe.founder()
    for number, hand in enumerate(hands):
        for record in founder.records[2:]:
            hand.say(record)
        hand.seals = list(founder.seals)
        hand.say(post(f"by hand {number}"))
    return hands


def test_two_overlapping_checkpoints_prove_a_fork_and_the_first_stays(door: Door, founder: Scribe) -> None:
    one, other = branches(founder)
    door.accept(one.run(after=5))
    before = rows(door)
    with pytest.raises(ForkedLog, match="the proof is kept"):
        door.accept(other.run(after=5))
    (proof,) = door.records.fork_proofs(STREET)
    proof.check()
    assert {proof.one, proof.other} == {one.checkpoint(6), other.checkpoint(6)}
    assert {table: content for table, content in rows(door).items() if table != "fork_proof"} == {
        table: content for table, content in before.items() if table != "fork_proof"
    }
    with pytest.raises(ForkedLog):
        door.accept(other.run(after=5))
    assert len(door.records.fork_proofs(STREET)) == 1


def test_a_fork_that_no_two_checkpoints_prove_is_turned_away(door: Door, founder: Scribe) -> None:
    one, other = branches(founder)
    one.say(post("and on"))
    door.accept(replace(one.run(after=5), previous=6, signature=sealed(one, 6, 7).signature))
    turned_away(
        door, replace(other.run(after=5), previous=5, signature=sealed(other, 5, 6).signature), ForkedLog, "twice"
    )


def sealed(scribe: Scribe, previous: int, seq: int) -> Checkpoint:
    return Checkpoint.sign(scribe.key, scribe.log, previous, seq, scribe.chain[seq])


def test_another_copy_of_this_node_that_wrote_on_is_found_out(door: Door, founder: Scribe) -> None:
    founder.say(links.admit(0, door.node_id))
    door.accept(founder.run(after=5))
    own = door.own_log(STREET)
    with door.saying():
        door.say(STREET, post("by this copy"))
    other = Scribe(door.key, Opening.read(door.records.span(own.no, 0, 1)[0]))
    other.records, other.chain = door.records.span(own.no, 0, own.height), [*other.chain[:1], own.head]
    other.seals = [own.height]
    other.say(post("by the other copy"))
    turned_away(door, other.run(after=own.height), ForkedLog, "another copy of this node")
    other.say(post("and again"))
    turned_away(door, other.run(after=own.height), ForkedLog, "another copy of this node")


def test_the_tail_of_this_node_comes_home_above_what_was_never_sealed(door: Door, founder: Scribe) -> None:
    founder.say(links.admit(0, door.node_id))
    door.accept(founder.run(after=5))
    own = door.own_log(STREET)
    with door.saying():
        door.say(STREET, post("never sealed here"))
    log = door.own_log(STREET)
    twin = Scribe(door.key, Opening.read(door.records.span(own.no, 0, 1)[0]))
    twin.records, twin.chain = door.records.span(log.no, 0, log.height), [*twin.chain[:1], own.head, log.head]
    twin.seals = [own.height]
    twin.say(post("written later, and lost"))
    assert door.accept(twin.run(after=own.height)) == Taken(new=1)
    assert door.own_log(STREET).certified == 3


def test_a_fork_proof_is_kept_once_and_only_if_it_proves_something(door: Door, founder: Scribe) -> None:
    one, other = branches(founder)
    one.seal()
    other.seal()
    proof = ForkProof(founder.key.public_key, one.checkpoint(6), other.checkpoint(6))
    with pytest.raises(BadSignature, match="do not contradict"):
        door.accept_fork_proof(replace(proof, other=proof.one))
    with pytest.raises(BadSignature):
        door.accept_fork_proof(replace(proof, public_key=key_of(2).public_key))
    assert not door.records.fork_proofs(STREET)
    assert door.accept_fork_proof(proof)
    assert not door.accept_fork_proof(proof)
    stranger = Scribe.invited(key_of(2))
    stranger.seal()
    mine = ForkProof(key_of(2).public_key, *(Checkpoint.sign(key_of(2), founder.log, 5, 6, h) for h in one.chain[5:7]))
    assert not door.accept_fork_proof(mine), "only the log's own writer can be convicted"


# texts that were taken back


def test_a_text_without_its_withdrawal_is_turned_away_whole(door: Door, founder: Scribe) -> None:
    founder.say(post("a slip of the tongue"))
    founder.say(post("something else"))
    turned_away(door, stripped(founder.run(after=5), 6), PeerFault, "nobody here took it back")


def test_a_text_and_its_withdrawal_arrive_together_or_apart(door: Door, founder: Scribe) -> None:
    founder.say(post("a slip of the tongue"))
    founder.seal()
    founder.say(links.withdraw(0, founder.log, 6))
    assert door.accept(stripped(founder.run(after=5), 6)) == Taken(new=2)
    assert not door.database.rows("SELECT * FROM post")
    assert not door.database.rows("SELECT * FROM said WHERE seq = 6")


def test_a_run_goes_on_to_the_word_that_took_a_text_back(door: Door, founder: Scribe, tmp_path: Path) -> None:
    founder.say(post("a slip of the tongue"))
    for number in range(10):
        founder.say(post(f"notice {number}"))
        founder.seal()
    founder.say(links.withdraw(0, founder.log, 6))
    founder.seal()
    for run in founder.runs(founder.seals):
        door.accept(run)
    later = Door(stranger_in_the_street(tmp_path / "later"), make=unsynced)
    after = 0
    while part := door.records.run(founder.log, after, 100):
        after += later.accept(part).new
    later.close()
    assert after == founder.height


def test_only_the_author_takes_a_text_back_and_only_where_it_was_said(door: Door, founder: Scribe) -> None:
    place = founder.say(post("Street breakfast"))
    other, public = Scribe.invited(key_of(2)), Scribe.public(founder.key)
    other.say(links.withdraw(0, *place))
    public.say(links.withdraw(0, *place))
    for run in (other.run(), public.run(), founder.run(after=5), public.run()):
        door.accept(run)
    assert door.database.value("SELECT title FROM post") == "Street breakfast"
