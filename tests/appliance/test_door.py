"""The one door: what is let in whole, what is turned away whole, and what waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.door import GUEST_HEIGHT_MAX, GUEST_LOGS_MAX, Door, Taken
from appliance.errors import StoreFault
from appliance.kinds import PostCard
from mesh import links
from mesh.errors import BadSignature, Malformed
from mesh.keys import PUBLIC, NodeKey, commons_scope
from mesh.links import Founding, Opening
from mesh.log import BATCH_SIZE_MAX
from mesh.record import Record
from tests.appliance.doorway import post, rows, turned_away
from tests.appliance.scribes import NONCE, SALT, STREET, Scribe, key_of

# what is taken in


def test_a_run_is_taken_in_once(door: Door, founder: Scribe) -> None:
    before = rows(door)
    assert door.accept(founder.run()) == Taken(new=0)
    assert door.accept(replace(founder.run(), after=0)) == Taken(new=0)
    assert rows(door) == before


def test_a_run_that_begins_below_brings_only_what_is_new(door: Door, founder: Scribe) -> None:
    founder.say(post("Street breakfast"))
    founder.say(post("A ladder was found"))
    assert door.accept(founder.run(after=2)) == Taken(new=2)
    assert door.database.rows("SELECT title FROM post ORDER BY seq") == [("Street breakfast",), ("A ladder was found",)]


def test_a_run_above_a_gap_waits_and_leaves_nothing(door: Door, founder: Scribe) -> None:
    founder.say(post("one"))
    first = founder.run(after=5)
    founder.say(post("two"))
    before = rows(door)
    assert door.accept(founder.run(after=6)) == Taken(waits=True)
    assert rows(door) == before
    assert door.accept(first) == Taken(new=1)
    assert door.accept(founder.run(after=6)) == Taken(new=1)


def test_the_middle_of_an_unknown_log_waits(door: Door) -> None:
    scribe = Scribe.founder()
    before = rows(door)
    assert door.accept(scribe.run(after=1)) == Taken(waits=True)
    assert rows(door) == before


# what is turned away


def test_a_forged_signature(door: Door, founder: Scribe) -> None:
    founder.say(post("not mine"))
    run = founder.run(after=5)
    forged = bytes([run.signature[0] ^ 1]) + run.signature[1:]
    turned_away(door, replace(run, signature=forged), BadSignature, "no valid signature")
    turned_away(door, replace(run, signature=run.signature[:-1]), Malformed, "checkpoint")


def test_a_signature_for_another_interval(door: Door, founder: Scribe) -> None:
    founder.say(post("mine"))
    turned_away(door, replace(founder.run(after=5), previous=4), BadSignature, "no valid signature")


def test_one_changed_record(door: Door, founder: Scribe) -> None:
    founder.pay(1, founder.account(2), 100)
    run = founder.run(after=5)
    other = Scribe.founder()
    other.pay(1, other.account(2), 900)
    turned_away(door, replace(run, records=tuple(other.records[-1:])), BadSignature, "no valid signature")


def test_a_record_in_anothers_log(door: Door, founder: Scribe) -> None:
    thief = Scribe.invited(key_of(2))
    thief.say(post("signed by somebody else"))
    turned_away(door, replace(thief.run(), log=founder.log, after=5), BadSignature, "no valid signature")
    turned_away(door, replace(thief.run(), log=Scribe.invited(key_of(3)).log), Malformed, "its own opening")


def test_a_log_that_begins_with_something_else(door: Door) -> None:
    scribe = Scribe.founder()
    scribe.seal()
    headless = replace(scribe.run(), records=tuple(scribe.records[1:]))
    turned_away(door, headless, Malformed, "begins with an open record")
    turned_away(door, replace(scribe.run(), records=()), Malformed, "its own opening")


def test_an_empty_run_of_a_known_log(door: Door, founder: Scribe) -> None:
    turned_away(door, replace(founder.run(after=3), records=()), Malformed, "at least one record")


def test_a_second_opening_inside_a_log(door: Door, founder: Scribe) -> None:
    founder.say(founder.opening.record(1))
    turned_away(door, founder.run(after=5), Malformed, "opens once")
    fresh = Scribe.invited(key_of(2))
    fresh.say(fresh.opening.record(1))
    turned_away(door, fresh.run(), Malformed, "opens once")


def test_a_log_of_another_commons(door: Door) -> None:
    key = key_of(2)
    elsewhere = Scribe(key, Opening(key.public_key, 0, commons_scope(key.public_key, NONCE), right=Founding(NONCE)))
    turned_away(door, elsewhere.run(), Malformed, "another commons")


def test_a_commons_log_without_a_right(door: Door) -> None:
    key = key_of(2)
    turned_away(door, Scribe(key, Opening(key.public_key, 0, STREET)).run(), BadSignature, "no right")
    founding = Opening(key.public_key, 0, STREET, right=Founding(NONCE))
    turned_away(door, Scribe(key, founding).run(), BadSignature, "did not found")
    borrowed = replace(Scribe.invited(key_of(3)).opening, public_key=key.public_key)
    turned_away(door, Scribe(key, borrowed).run(), BadSignature, "invite")


# strangers


def test_strangers_are_held_only_as_far_as_there_is_room(door: Door, founder: Scribe) -> None:
    for number in range(GUEST_LOGS_MAX + 3):
        door.accept(Scribe.public(NodeKey(bytes([200, number]) * 16)).run())
    assert len(door.records.logs(PUBLIC)) == GUEST_LOGS_MAX + 1  # and this node's own
    before = rows(door)
    assert door.accept(Scribe.public(NodeKey(bytes([201]) * 32)).run()) == Taken(waits=True)
    assert rows(door) == before


def test_a_stranger_is_held_up_to_a_height(door: Door) -> None:
    stranger = Scribe.public(key_of(2))
    for _ in range(GUEST_HEIGHT_MAX):
        stranger.say(Record.new([77, 0]))
        stranger.seal()
    assert door.accept(stranger.run(upto=GUEST_HEIGHT_MAX)) == Taken(new=GUEST_HEIGHT_MAX)
    assert door.accept(stranger.run(after=GUEST_HEIGHT_MAX)) == Taken(waits=True)


def test_who_is_let_in_is_no_stranger(door: Door, founder: Scribe) -> None:
    guest = Scribe.invited(key_of(2))
    for _ in range(GUEST_HEIGHT_MAX):
        guest.say(Record.new([77, 0]))
    assert door.accept(guest.run()) == Taken(waits=True)
    founder.say(links.admit(0, guest.node))
    door.accept(founder.run(after=5))
    assert door.accept(guest.run()) == Taken(new=GUEST_HEIGHT_MAX + 1)


# what was signed stays


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE record SET core = x'00'",
        "DELETE FROM record",
        "UPDATE checkpoint SET signature = x'00'",
        "DELETE FROM checkpoint",
        "UPDATE said SET text = x'00'",
        "DELETE FROM said",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_signed(door: Door, founder: Scribe, sql: str) -> None:
    before = rows(door)
    with pytest.raises(StoreFault), door.database.writing():
        door.database.run(sql)
    assert rows(door) == before


def test_rebuilt_views_are_the_views(door: Door, founder: Scribe) -> None:
    guest = Scribe.invited(key_of(2))
    guest.say(links.absorb(0, founder.place()))
    guest.member(1, "Cara")
    guest.pay(1, founder.account(1), 200)
    founder.say(links.admit(0, guest.node))
    founder.say(links.absorb(0, guest.place()))
    founder.say(post("Street breakfast"))
    door.accept(guest.run())
    door.accept(founder.run(after=5))
    before = rows(door)
    with door.database.writing():
        door.counting.rebuild()
    assert {table: sorted(content, key=str) for table, content in rows(door).items() if table != "transfer"} == {
        table: sorted(content, key=str) for table, content in before.items() if table != "transfer"
    }


# what this node signs


def test_what_was_written_is_certified_in_batches_that_fit_every_road(door: Door) -> None:
    """A node may write for hours with no road open: a single run of all that would never pass a radio."""
    with door.saying():
        for number in range(12):
            door.say(door.commons, PostCard("notice", 1, f"Notice {number}", "y" * 3000).record(0, SALT))
    door.seal()
    log = door.own_log(door.commons)
    assert log.certified == log.height
    after = 0
    while after < log.height:
        run = door.records.run(log.log, after, 0)
        assert run is not None
        assert sum(record.size for record in run.records) <= BATCH_SIZE_MAX
        after = run.upto
