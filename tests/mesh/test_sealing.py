"""A sealed section opens for its commons alone, is checked by anybody, and gives away its size and equality only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import BadSignature, Malformed
from mesh.keys import PUBLIC, SIGNATURE_SIZE, EpochKey, digest
from mesh.sealing import HEAD_SIZE, OVERHEAD, SEALED_DOMAIN, TAG_SIZE, Seal, SealedSection
from tests.mesh.bundle_samples import ANA, BEN, STREET, STREET_KEY

NEXT_KEY = EpochKey(bytes([5]) * 32)
TEXT = b"two loaves, rye" * 20
SEAL = Seal(STREET, STREET_KEY)


def sealed(content: bytes = TEXT, number: int = 7) -> SealedSection:
    return SEAL.seal(ANA, number, content)


def hidden(section: SealedSection) -> bytes:
    return section.raw[HEAD_SIZE:-SIGNATURE_SIZE]


@given(st.binary(min_size=1, max_size=300), st.integers(0, 2**64 - 1))
def test_what_is_sealed_opens_and_keeps_its_bytes(content: bytes, number: int) -> None:
    section = SealedSection.parse(sealed(content, number).raw)
    section.check()
    assert SEAL.open(section) == content
    assert len(section.raw) == len(content) + OVERHEAD
    assert (section.number, section.public_key) == (number, ANA.public_key)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_fault_of_the_peer(raw: bytes) -> None:
    if len(raw) <= OVERHEAD:
        with pytest.raises(Malformed):
            SealedSection.parse(raw)
    else:
        with pytest.raises(BadSignature):
            SealedSection.parse(raw).check()
        with pytest.raises(BadSignature):
            SEAL.open(SealedSection.parse(raw))


def test_a_stranger_notices_every_changed_bit_without_a_key() -> None:
    raw = sealed().raw
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :]
        with pytest.raises(BadSignature):
            SealedSection.parse(changed).check()


def test_a_member_notices_every_changed_bit_of_head_and_content() -> None:
    raw = sealed().raw
    for place in range(len(raw) - SIGNATURE_SIZE):
        changed = raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :]
        with pytest.raises(BadSignature):
            SEAL.open(SealedSection.parse(changed))


def test_nobody_can_pass_a_section_off_as_sealed_by_oneself() -> None:
    unsigned = SEAL.handle + BEN.public_key + bytes(8) + hidden(sealed(number=0))
    claimed = SealedSection.parse(unsigned + BEN.sign(SEALED_DOMAIN, digest(unsigned)))
    claimed.check()
    with pytest.raises(BadSignature):
        SEAL.open(claimed)


def test_equal_seals_show_equality_and_nothing_else() -> None:
    """AES-SIV is deterministic: equal key, sealer, number and content give equal bytes; any other give quite others."""
    assert sealed() == sealed()
    others = [
        sealed(number=8),
        sealed(TEXT[:-1] + b"."),
        sealed(TEXT + b"."),
        SEAL.seal(BEN, 7, TEXT),
        Seal(STREET, NEXT_KEY).seal(ANA, 7, TEXT),
        Seal(PUBLIC, STREET_KEY).seal(ANA, 7, TEXT),
    ]
    known = blocks(hidden(sealed()))
    assert len(known) == (len(TEXT) + TAG_SIZE) // 4
    assert all(known.isdisjoint(blocks(hidden(other))) for other in others)


def blocks(content: bytes) -> set[bytes]:
    return {content[place : place + 4] for place in range(0, len(content) - 3, 4)}


def test_a_repeated_text_does_not_show_inside_a_seal() -> None:
    content = hidden(sealed(bytes(4096)))
    assert len({content[place : place + 16] for place in range(0, 4096, 16)}) == 256


def test_a_handle_tells_strangers_neither_the_commons_nor_the_epoch() -> None:
    after_a_member_left = Seal(STREET, NEXT_KEY)
    assert len({bytes(SEAL.handle), bytes(after_a_member_left.handle), bytes(STREET)}) == 3
    assert sealed().handle == SEAL.handle
    assert sealed().raw.find(STREET) < 0


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(33)])
def test_a_key_of_another_size_never_seals(key: bytes) -> None:
    with pytest.raises(ValueError, match="an epoch key has 32 bytes"):
        Seal(STREET, EpochKey(key))
