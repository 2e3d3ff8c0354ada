"""Sound: looked through to its end, and put together again without tags and pictures. Not one tone is touched.

MP3: ISO 11172-3, 2.4.1.3, with ID3 (id3.org) and APE tags around it. Ogg: RFC 3533, Vorbis I section 5, RFC 7845.
FLAC: RFC 9639. WAV: Multimedia Programming Interface and Data Specifications 1.0.

There is a library for tags (mutagen), but none that also says no to what is no sound; and what it takes is these few pages.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from appliance import confinement
from appliance.intake.findings import CLEAN, Findings
from appliance.intake.segments import damaged, riff_chunks

FRAMES_MIN: Final = 3
JUNK_MAX: Final = 64 * 1024  # what may stand between and behind the frames of an MP3
RATES: Final = (44_100, 48_000, 32_000)
BIT_RATES: Final = {  # kbit/s of layer III; of MPEG 1, and of MPEG 2 and 2.5
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
FLAC_KEPT: Final = (0, 3)  # what the stream is like, and where to seek in it
WAV_KEPT: Final = (b"fmt ", b"fact", b"data")
PAGES_MAX: Final = 2_000_000
COMMENT_SIGNS: Final = {b"\x01vorbis": b"\x03vorbis", b"OpusHead": b"OpusTags"}
STREAMS_MAX: Final = 100


def work(request: dict[str, Any]) -> dict[str, object]:
    """Clean the sound that `request` names."""
    sound = Path(request["file"]).read_bytes()
    with Path(CLEAN).open("wb") as out:
        return Findings(removed=clean(sound, str(request["media_type"]), out)).leave()


def clean(sound: bytes, media_type: str, out: BinaryIO) -> set[str]:
    """Write `sound` without its tags; return the names of what was taken out. Raises `Refused` where it is no sound."""
    cleaners: dict[str, Callable[[bytes, BinaryIO], set[str]]] = {
        "audio/mpeg": _clean_mp3,
        "audio/ogg": _clean_ogg,
        "audio/flac": _clean_flac,
        "audio/wav": _clean_wav,
    }
    return cleaners[media_type](sound, out)


# MP3


def _clean_mp3(sound: bytes, out: BinaryIO) -> set[str]:
    begins, ends = _without_tags(sound)
    place, count, junk = begins, 0, 0
    while place < ends:
        size = _frame_size(sound, place)
        if size and (place + size == ends or _frame_size(sound, place + size) or place + size > ends - 4):
            if place + size <= ends:
                out.write(memoryview(sound)[place : place + size])
            place, count = place + size, count + 1
            continue
        following = sound.find(b"\xff", place + 1, ends)
        following = ends if following < 0 else following
        junk, place = junk + following - place, following
        if junk > JUNK_MAX:
            raise damaged()
    if count < FRAMES_MIN:
        raise damaged()
    return _in_tags(sound[:begins] + sound[ends:])


def _without_tags(sound: bytes) -> tuple[int, int]:
    """Return where the frames begin and end: tags stand before and behind them."""
    begins, ends = 0, len(sound)
    while sound[begins : begins + 3] == b"ID3" and begins + 10 <= ends:
        a, b, c, d = sound[begins + 6 : begins + 10]
        begins += 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if sound[begins + 5] & 0x10 else 0)
    if sound[ends - 128 : ends - 125] == b"TAG":
        ends -= 128
    if sound[ends - 32 : ends - 24] == b"APETAGEX":
        size, flags = struct.unpack_from("<I4xI", sound, ends - 32 + 12)
        ends -= size + (32 if flags & 1 << 31 else 0)
    if begins >= ends:
        raise damaged()
    return begins, ends


def _frame_size(sound: bytes, place: int) -> int:
    """Return how many bytes the frame at `place` has; 0 where there is none."""
    if place + 4 > len(sound) or sound[place] != 0xFF or sound[place + 1] & 0xE6 != 0xE2:
        return 0
    version, rate = sound[place + 1] >> 3 & 3, sound[place + 2] >> 2 & 3
    if version == 1 or rate == 3 or sound[place + 2] >> 4 in (0, 15):
        return 0
    per_second = RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bit_rate = BIT_RATES[version == 3][sound[place + 2] >> 4] * 1000
    return (144 if version == 3 else 72) * bit_rate // per_second + (sound[place + 2] >> 1 & 1)


def _in_tags(tags: bytes) -> set[str]:
    if not tags.strip(b"\0"):
        return set()
    has_picture = b"APIC" in tags or b"PIC\0" in tags or b"Cover Art" in tags
    return {"tags"} | ({"picture"} if has_picture else set())


# Ogg


class _Page(NamedTuple):
    """One page: its stream, its flags, and where it, its segments' sizes and what they hold begin, and where it ends."""

    serial: int
    flags: int
    begins: int
    sizes: int
    body: int
    ends: int


class _Stream:
    """One stream within an Ogg file: how many packets of it went by, and where its second packet, the comments, lies."""

    def __init__(self, sign: bytes) -> None:
        self.sign = sign
        self.packets = 0
        self.parts: list[tuple[int, int]] = []
        self.pages: list[_Page] = []

    def follow(self, sound: bytes, page: _Page) -> None:
        if self.packets >= 2:
            return
        self.pages.append(page)
        place = page.body
        for size in sound[page.sizes : page.body]:
            if self.packets == 1:
                self.parts.append((place, place + size))
            place += size
            self.packets += size < 255


def _clean_ogg(sound: bytes, out: BinaryIO) -> set[str]:
    """The comments are written over in place, so that no page gets another number, and few another checksum."""
    streams: dict[int, _Stream] = {}
    every: list[_Stream] = []
    ends = 0
    for page in _ogg_pages(sound):
        ends = page.ends
        if page.flags & 2:
            sign = next((sign for sign in COMMENT_SIGNS if sound.startswith(sign, page.body)), None)
            if sign is None or len(every) >= STREAMS_MAX:
                raise damaged()
            streams[page.serial] = _Stream(sign)
            every.append(streams[page.serial])
        if page.serial not in streams:
            raise damaged()
        streams[page.serial].follow(sound, page)
    if not every or any(stream.packets < 2 for stream in every):
        raise damaged()
    whole = bytearray(sound[:ends])
    removed = {name for stream in every for name in _blanked(whole, stream)}
    out.write(whole)
    return removed | ({"attachment"} if sound[ends:].strip(b"\0") else set())


def _ogg_pages(sound: bytes) -> Iterator[_Page]:
    place = 0
    for _ in range(PAGES_MAX):
        if sound[place : place + 5] != b"OggS\0" or place + 27 > len(sound):
            return
        body = place + 27 + sound[place + 26]
        ends = body + sum(sound[place + 27 : body])
        if ends > len(sound):
            raise damaged()
        serial = int.from_bytes(sound[place + 14 : place + 18], "little")
        yield _Page(serial, sound[place + 5], place, place + 27, body, ends)
        place = ends


def _blanked(whole: bytearray, stream: _Stream) -> Iterator[str]:
    """Put in the place of a stream's comments none at all, by a program whose name is as many blanks as it takes."""
    said = b"".join(whole[begins:ends] for begins, ends in stream.parts)
    sign = COMMENT_SIGNS[stream.sign]
    ending = b"\1" if sign == b"\x03vorbis" else b""
    blanks = len(said) - len(sign) - 8 - len(ending)
    if not said.startswith(sign) or blanks < 0:
        raise damaged()
    if said.count(b"=", len(sign) + 4):
        yield "tags"
    if b"METADATA_BLOCK_PICTURE" in said.upper():
        yield "picture"
    plain = sign + struct.pack("<I", blanks) + b" " * blanks + bytes(4) + ending
    for begins, ends in stream.parts:
        whole[begins:ends], plain = plain[: ends - begins], plain[ends - begins :]
    for page in stream.pages:
        whole[page.begins + 22 : page.begins + 26] = bytes(4)
        whole[page.begins + 22 : page.begins + 26] = struct.pack("<I", _checksum(whole[page.begins : page.ends]))


def _checksum(page: bytes | bytearray) -> int:
    """Return the sum of a page whose own sum is zero (RFC 3533, section 6: polynomial 0x04c11db7, not reflected)."""
    value = 0
    for byte in page:
        value = (value << 8) & 0xFFFFFFFF ^ SUMS[value >> 24 ^ byte]
    return value


def _sums() -> Iterator[int]:
    for value in range(256):
        rest = value << 24
        for _ in range(8):
            rest = (rest << 1) & 0xFFFFFFFF ^ (0x04C11DB7 if rest & 0x80000000 else 0)
        yield rest


SUMS: Final = tuple(_sums())


# FLAC and WAV


def _clean_flac(sound: bytes, out: BinaryIO) -> set[str]:
    begins, _ = _without_tags(sound)
    place, kept, dropped = begins + 4, [], set()
    if sound[begins:place] != b"fLaC":
        raise damaged()
    for _ in range(1000):
        if place + 4 > len(sound):
            raise damaged()
        kind, size = sound[place] & 0x7F, int.from_bytes(sound[place + 1 : place + 4], "big")
        if place + 4 + size + 2 > len(sound):
            raise damaged()
        if kind in FLAC_KEPT:
            kept.append((kind, sound[place + 4 : place + 4 + size]))
        else:
            dropped.add(kind)
        is_last, place = sound[place] & 0x80, place + 4 + size
        if is_last:
            break
    if not kept or kept[0][0] != 0 or len(kept[0][1]) != 34 or sound[place] != 0xFF or sound[place + 1] & 0xFC != 0xF8:
        raise damaged()
    out.write(b"fLaC")
    for number, (kind, content) in enumerate(kept, 1):
        out.write(bytes((kind | (0x80 if number == len(kept) else 0),)) + len(content).to_bytes(3, "big") + content)
    out.write(memoryview(sound)[place:])
    said = {"tags"} if begins or dropped - {1, 6} else set()
    return said | ({"picture"} if 6 in dropped else set())


def _clean_wav(sound: bytes, out: BinaryIO) -> set[str]:
    ends_all = min(len(sound), 8 + int.from_bytes(sound[4:8], "little"))
    chunks = list(riff_chunks(sound, 12, ends_all))
    kept = [chunk for chunk in chunks if chunk[0] in WAV_KEPT]
    names = [kind for kind, _, _ in kept]
    if names[:1] != [b"fmt "] or names.count(b"data") != 1 or names.count(b"fmt ") != 1 or kept[0][2] - kept[0][1] < 14:
        raise damaged()
    size = 4 + sum(8 + (ends - begins) + (ends - begins) % 2 for _, begins, ends in kept)
    out.write(b"RIFF" + struct.pack("<I", size) + b"WAVE")
    for kind, begins, ends in kept:
        out.write(kind + struct.pack("<I", ends - begins))
        out.write(memoryview(sound)[begins:ends])
        out.write(bytes((ends - begins) % 2))
    said = {"tags"} if any(kind not in (*WAV_KEPT, b"PAD ", b"JUNK") for kind, _, _ in chunks) else set()
    return said | ({"attachment"} if len(sound) > ends_all + 1 else set())


if __name__ == "__main__":
    confinement.serve(work)
