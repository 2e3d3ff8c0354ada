"""Chains, checkpoints, runs and fork proofs: what verifies, and what does not with one thing changed."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import errors, keys
from mesh.answers import RUN_SIZE_MAX
from mesh.errors import BadSignature, Malformed, PeerFault
from mesh.keys import Head, LogId, PublicKey
from mesh.log import BATCH_SIZE_MAX, Checkpoint, ForkProof, Run, batches, first_head, heads
from mesh.record import Record
from tests.mesh.islands import MemoryHoldings, node_key
from tests.mesh.vectors import named, vectors


def expected(vector: dict[str, Any]) -> Any:
    return pytest.raises(getattr(errors, vector["fault"])) if vector["fault"] else nullcontext()


def records(vector: dict[str, Any]) -> tuple[Record, ...]:
    return tuple(Record.parse(bytes.fromhex(plain)) for plain in vector["records"])


@pytest.mark.parametrize("vector", vectors("record-v1", "chains"), ids=named)
def test_vector_of_a_chain(vector: dict[str, Any]) -> None:
    log, held = LogId(bytes.fromhex(vector["log"])), records(vector)
    assert [record.leaf.hex() for record in held] == vector["leaves"]
    chain = [first_head(log), *heads(first_head(log), held)]
    assert [head.hex() for head in chain] == vector["heads"]
    for below, above, leaf in zip(vector["heads"], vector["heads"][1:], vector["leaves"], strict=False):
        assert blake2b(bytes.fromhex(below + leaf), digest_size=32).hexdigest() == above


@pytest.mark.parametrize("vector", vectors("record-v1", "chains"), ids=named)
def test_vector_of_checkpoints(vector: dict[str, Any]) -> None:
    key = PublicKey(bytes.fromhex(vector["public_key"]))
    for certified in vector["checkpoints"]:
        checkpoint = Checkpoint.parse(bytes.fromhex(certified["plain"]))
        assert checkpoint.encode().hex() == certified["plain"]
        assert (checkpoint.previous, checkpoint.seq) == (certified["previous"], certified["seq"])
        assert checkpoint.signature.hex() == certified["signature"]
        assert checkpoint.head.hex() == vector["heads"][checkpoint.seq]
        checkpoint.check(key)
        domain, _, statement = bytes.fromhex(certified["signed"]).partition(b"\0")
        keys.verify(key, domain.decode(), statement, checkpoint.signature)


@pytest.mark.parametrize("vector", vectors("record-v1", "checkpoint_faults"), ids=named)
def test_vector_of_a_checkpoint_that_fails(vector: dict[str, Any]) -> None:
    with expected(vector):
        Checkpoint.parse(bytes.fromhex(vector["plain"]))


@pytest.mark.parametrize("vector", vectors("record-v1", "runs"), ids=named)
def test_vector_of_a_run(vector: dict[str, Any]) -> None:
    run = Run(
        LogId(bytes.fromhex(vector["log"])),
        vector["after"],
        records(vector),
        vector["previous"],
        bytes.fromhex(vector["signature"]),
    )
    with expected(vector):
        run.check(PublicKey(bytes.fromhex(vector["public_key"])), Head(bytes.fromhex(vector["head_after"])))


@pytest.mark.parametrize("vector", vectors("record-v1", "fork_proofs"), ids=named)
def test_vector_of_a_fork_proof(vector: dict[str, Any]) -> None:
    one, other = (Checkpoint.parse(bytes.fromhex(vector[side])) for side in ("one", "other"))
    with expected(vector):
        ForkProof(PublicKey(bytes.fromhex(vector["public_key"])), one, other).check()


@given(st.binary(max_size=150))
def test_any_bytes_are_a_checkpoint_or_a_peer_fault(raw: bytes) -> None:
    with suppress(PeerFault):
        assert Checkpoint.parse(raw).encode() == raw


def held() -> tuple[MemoryHoldings, Run]:
    holdings = MemoryHoldings(node_key(1))
    log = holdings.write("one", "two", None, "four")
    run = holdings.run(log, 0, 10_000)
    assert run is not None
    return holdings, run


@given(st.data())
def test_a_run_with_anything_changed_is_refused(data: st.DataObject) -> None:
    _, run = held()
    key, head = node_key(1).public_key, first_head(run.log)
    run.check(key, head)
    place = data.draw(st.integers(0, len(run.records) - 1))
    changed = Record.new([*run.records[place].fields(), "more"])
    forged = (*run.records[:place], changed, *run.records[place + 1 :])
    with pytest.raises(BadSignature):
        Run(run.log, 0, forged, run.previous, run.signature).check(key, head)


def test_a_run_without_its_texts_still_verifies() -> None:
    _, run = held()
    left = tuple(record.without_text() for record in run.records)
    Run(run.log, 0, left, run.previous, run.signature).check(node_key(1).public_key, first_head(run.log))


def test_a_run_on_the_wrong_ground_is_refused() -> None:
    _, run = held()
    with pytest.raises(BadSignature):
        run.check(node_key(1).public_key, first_head(LogId(bytes(16))))


def test_a_checkpoint_reaches_below_the_run_that_carries_it() -> None:
    """Whoever holds a part of the interval is sent the rest only, and the signature still fits."""
    holdings, run = held()
    chain = holdings.logs[run.log].chain
    upper = Run(run.log, 3, run.records[3:], run.previous, run.signature)
    assert upper.check(node_key(1).public_key, chain[3]).previous == 0


spans = st.tuples(st.integers(0, 6), st.integers(1, 6)).map(lambda span: (span[0], span[0] + span[1]))


@given(spans, spans, st.booleans())
def test_checkpoints_contradict_each_other_where_they_overlap_and_differ(
    one: tuple[int, int], other: tuple[int, int], same_head: bool
) -> None:
    log = LogId(bytes(16))
    first = Checkpoint(log, *one, Head(bytes(32)), bytes(64))
    second = Checkpoint(log, *other, Head(bytes(32) if same_head else b"\1" * 32), bytes(64))
    shared = set(range(one[0] + 1, one[1] + 1)) & set(range(other[0] + 1, other[1] + 1))
    assert first.contradicts(second) == second.contradicts(first)
    assert first.contradicts(second) == (bool(shared) and not (one == other and same_head))


@given(st.integers(0, 50), st.lists(st.integers(0, 8000), max_size=30))
def test_batches_end_at_the_last_record_and_fit_every_road(after: int, sizes: list[int]) -> None:
    written = [Record.new([20, 0], bytes(size), bytes(16)) for size in sizes]
    ends = list(batches(after, written))
    assert ends[-1:] == [after + len(sizes)] * bool(sizes)
    for begin, end in pairwise([after, *ends]):
        assert end > begin
        assert sum(record.size for record in written[begin - after : end - after]) <= BATCH_SIZE_MAX
    assert BATCH_SIZE_MAX <= RUN_SIZE_MAX


def test_a_run_that_ends_beyond_all_numbers_is_malformed() -> None:
    _, run = held()
    with pytest.raises(Malformed):
        Run(run.log, 2**63 - 2, run.records, 0, run.signature).checkpoint(first_head(run.log))
