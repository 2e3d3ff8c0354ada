"""Names and signatures: the same everywhere, and worth nothing for another purpose."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import keys
from mesh.errors import BadSignature, Malformed, PeerFault
from mesh.keys import EpochKey, LogId, NodeKey, PublicKey, Scope, channel_key_for
from tests.mesh.vectors import named, vectors

KEY = NodeKey(bytes(range(32)))


@pytest.mark.parametrize("vector", vectors("record-v1", "keys"), ids=named)
def test_vector_of_keys(vector: dict[str, str]) -> None:
    key = NodeKey(bytes.fromhex(vector["seed"]))
    assert key.public_key.hex() == vector["public_key"]
    assert key.node_id.hex() == vector["node_id"]
    assert keys.written(key.node_id) == vector["written"]
    assert blake2b(key.public_key, digest_size=16).hexdigest() == vector["node_id"]


@pytest.mark.parametrize("vector", vectors("record-v1", "logs"), ids=named)
def test_vector_of_logs(vector: dict[str, Any]) -> None:
    key, scope = PublicKey(bytes.fromhex(vector["public_key"])), Scope(bytes.fromhex(vector["scope"]))
    assert keys.log_id(key, vector["incarnation"], scope).hex() == vector["log"]


@pytest.mark.parametrize("vector", vectors("record-v1", "commons"), ids=named)
def test_vector_of_a_commons(vector: dict[str, str]) -> None:
    founder, nonce = PublicKey(bytes.fromhex(vector["founder"])), bytes.fromhex(vector["nonce"])
    assert keys.commons_scope(founder, nonce).hex() == vector["scope"]


@pytest.mark.parametrize("vector", vectors("record-v1", "salts"), ids=named)
def test_vector_of_salts(vector: dict[str, Any]) -> None:
    key, log = EpochKey(bytes.fromhex(vector["epoch_key"])), LogId(bytes.fromhex(vector["log"]))
    assert keys.salt_for(key, log, vector["seq"]).hex() == vector["salt"]


def test_the_first_signature_of_rfc_8032_is_ours_too() -> None:
    """Section 7.1, test 1: the library signs what the standard says; only then our domain comes before the content."""
    key = NodeKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public_key.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


@given(st.binary(max_size=100), st.integers(0, 63), st.integers(0, 7))
def test_a_signature_with_one_bit_changed_is_worth_nothing(content: bytes, place: int, bit: int) -> None:
    signature = bytearray(KEY.sign("a/purpose", content))
    keys.verify(KEY.public_key, "a/purpose", content, bytes(signature))
    signature[place] ^= 1 << bit
    with pytest.raises(BadSignature):
        keys.verify(KEY.public_key, "a/purpose", content, bytes(signature))


def test_what_was_signed_for_one_purpose_is_worth_nothing_for_another() -> None:
    signature = KEY.sign("a/purpose", b"content")
    for domain, content in (("another", b"content"), ("a/purpose", b"Content"), ("a/purpose\0content", b"")):
        with pytest.raises(BadSignature):
            keys.verify(KEY.public_key, domain, content, signature)


@given(st.binary(max_size=40), st.binary(max_size=70))
def test_any_key_and_any_signature_are_a_peer_fault(public_key: bytes, signature: bytes) -> None:
    with pytest.raises(BadSignature):
        keys.verify(PublicKey(public_key), "a/purpose", b"content", signature)


def test_a_secret_does_not_end_in_a_traceback() -> None:
    assert KEY.seed.hex() not in repr(KEY)
    assert str(list(KEY.seed)) not in repr(KEY)


@given(st.binary(min_size=16, max_size=16))
def test_a_written_id_is_read_back(name: bytes) -> None:
    letters = keys.written(name)
    assert len(letters) == 26
    assert keys.unwritten(letters) == name


@given(st.text(max_size=30))
def test_any_letters_are_an_id_or_a_peer_fault(letters: str) -> None:
    with suppress(PeerFault):
        assert keys.written(keys.unwritten(letters)) == letters


@pytest.mark.parametrize(
    "change", [str.upper, lambda word: word[:-1], lambda word: word + "a", lambda word: word[:-1] + "b"]
)
def test_an_id_has_one_form(change: Any) -> None:
    with pytest.raises(Malformed):
        keys.unwritten(change(keys.written(bytes(range(16)))))


def test_a_channel_key_belongs_to_one_commons_and_one_epoch() -> None:
    key, scope = EpochKey(bytes(range(32))), Scope(bytes(range(16)))
    derived = channel_key_for(key, scope)
    assert derived.hex() == "ffef55b54133e71642cd37b1b95591ff2ed6b96abb5293549e1afa1148fb5926"
    assert derived != channel_key_for(EpochKey(bytes(32)), scope)
    assert derived != channel_key_for(key, Scope(bytes(16)))
