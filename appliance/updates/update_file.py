"""An update as a file: read from its beginning, believed only as far as its signatures and digests reach, in bounded memory."""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from appliance.errors import Refused
from appliance.updates.flaws import Flaw
from appliance.updates.header import HEADER_SIZE_MAX, Chunk, Header, Part, number, places
from appliance.updates.keepers import KEY_SIZE, KEYS_MAX, Keepers
from mesh.errors import BadSignature, Malformed
from mesh.keys import SIGNATURE_SIZE, PublicKey, digest, verify

MAGIC: Final = b"HEDGEUPD"
FORMAT: Final = 1
PRELUDE: Final = struct.Struct(">8sBI")
SEAL_SIZE: Final = KEY_SIZE + SIGNATURE_SIZE
SEALS_SIZE: Final = KEYS_MAX * SEAL_SIZE
TOP_SIZE_MAX: Final = PRELUDE.size + HEADER_SIZE_MAX + SEALS_SIZE
DOMAIN: Final = "hedgerow/update/v1"
NAME: Final = re.compile(r"hedgerow-[0-9A-Za-z._+-]{1,64}\.update", re.ASCII)
# Fixed by the format, so that nothing of it is a stranger's choice.
PACKING: Final = ({"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20},)

Read = Callable[[int, int], bytes]  # an offset and a size


@dataclass(frozen=True)
class Top:
    """All that stands before the chunks. `header` may only be asked for once the signatures were looked at, or to show it."""

    name: str
    raw: bytes
    seals: Mapping[PublicKey, bytes]

    @classmethod
    def read(cls, name: str, read: Read) -> Top:
        """Read the beginning of an update. Raises `Refused`."""
        magic, version, size = _prelude(name, read(0, PRELUDE.size))
        if magic != MAGIC or not 0 < size <= HEADER_SIZE_MAX or version == 0:
            raise Refused(Flaw.NOT_ONE, name=name)
        if version != FORMAT:
            raise Refused(Flaw.LATER_FORMAT, name=name)
        raw, seals = read(PRELUDE.size, size), read(PRELUDE.size + size, SEALS_SIZE)
        if len(raw) != size or len(seals) != SEALS_SIZE:
            raise Refused(Flaw.CUT_SHORT, name=name, have=PRELUDE.size + len(raw) + len(seals), size="more")
        return cls(name, raw, MappingProxyType(_seals(name, seals)))

    @property
    def size(self) -> int:
        return PRELUDE.size + len(self.raw) + SEALS_SIZE

    @property
    def written(self) -> bytes:
        """What stands before the chunks, as it stands there."""
        filled = b"".join(key + seal for key, seal in sorted(self.seals.items()))
        return PRELUDE.pack(MAGIC, FORMAT, len(self.raw)) + self.raw + filled.ljust(SEALS_SIZE, b"\0")

    @cached_property
    def header(self) -> Header:
        """What it brings. Raises `Refused`."""
        try:
            return Header.parse(self.raw)
        except Malformed as fault:
            raise Refused(Flaw.NOT_ONE, name=self.name) from fault

    @property
    def whole_size(self) -> int:
        return self.size + self.header.stored

    def signers(self, keepers: Keepers | None) -> list[str]:
        """Return the names of enough keepers who signed. Raises `Refused`."""
        if keepers is None:
            raise Refused(Flaw.NO_KEYS)
        found = []
        for key, seal in self.seals.items():
            if (who := keepers.names.get(key)) is not None:
                self._check_seal(key, seal, who)
                found.append(who or "?")
        if len(found) < keepers.needed:
            raise Refused(Flaw.TOO_FEW, name=self.name, have=len(found), needed=keepers.needed)
        return found

    def _check_seal(self, key: PublicKey, seal: bytes, who: str) -> None:
        try:
            verify(key, DOMAIN, digest(self.raw), seal)
        except BadSignature as fault:
            raise Refused(Flaw.FALSE_SIGNATURE, name=self.name, signer=who or "a keeper") from fault


def _prelude(name: str, raw: bytes) -> tuple[bytes, int, int]:
    if len(raw) != PRELUDE.size:
        raise Refused(Flaw.NOT_ONE, name=name)
    magic, version, size = PRELUDE.unpack(raw)
    return magic, version, size


def _seals(name: str, raw: bytes) -> dict[PublicKey, bytes]:
    """Return signatures by key. They stand in the order of the keys, each once, and nothing but zeros follows."""
    rows = [raw[at : at + SEAL_SIZE] for at in range(0, SEALS_SIZE, SEAL_SIZE)]
    used = [row for row in rows if any(row)]
    keys = [PublicKey(row[:KEY_SIZE]) for row in used]
    if rows[: len(used)] != used or keys != sorted(set(keys)):
        raise Refused(Flaw.SIGNED_TWICE, name=name)
    return {key: row[KEY_SIZE:] for key, row in zip(keys, used, strict=True)}


@dataclass(frozen=True, slots=True)
class Here:
    """What the node that is to take an update is: what runs, on which kind of machine, and what was tried in vain."""

    version: str
    architecture: str
    failed: str = ""


def check(top: Top, keepers: Keepers | None, here: Here) -> list[str]:
    """Return who signed an update that this node may take. Raises `Refused`. No clock is asked: versions only grow."""
    signers = top.signers(keepers)
    header = top.header
    if header.architecture != here.architecture:
        raise Refused(Flaw.OTHER_MACHINE, name=top.name, architecture=header.architecture, ours=here.architecture)
    if number(header.version) == number(here.version):
        raise Refused(Flaw.SAME, version=here.version)
    if number(header.version) < number(here.version):
        raise Refused(Flaw.OLD, name=top.name, version=header.version, running=here.version)
    if header.version == here.failed:
        raise Refused(Flaw.FAILED_HERE, version=header.version)
    return signers


class UpdateFile:
    """An update that lies in a file. Whoever put it there is a stranger, and may pull it out any moment."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            self._file: BinaryIO = os.fdopen(handle, "rb")
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                self._file.close()
                raise Refused(Flaw.NOT_ONE, name=self.name)
            self.size = os.fstat(handle).st_size
        except OSError as fault:
            raise self._unreadable(fault) from fault
        try:
            self.top = Top.read(self.name, self.read)
        except Refused:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def read(self, offset: int, size: int) -> bytes:
        """Return what stands there, less where the file ends. Raises `Refused`."""
        try:
            self._file.seek(offset)
            return self._file.read(size)
        except OSError as fault:
            raise self._unreadable(fault) from fault

    def check_size(self) -> None:
        """Raises `Refused` where the file has another size than its header tells."""
        whole = self.top.whole_size
        if self.size < whole:
            raise Refused(Flaw.CUT_SHORT, name=self.name, have=self.size, size=whole)
        if self.size > whole:
            raise Refused(Flaw.TOO_LONG, name=self.name)

    def sealed_chunks(self, part: Part) -> Iterator[bytes]:
        """Yield each chunk as it is stored, once its digest was found right. Raises `Refused`."""
        for at, chunk in places(part):
            yield self.sealed_chunk(part, at, chunk)

    def sealed_chunk(self, part: Part, at: int, chunk: Chunk) -> bytes:
        """Return the chunk that is stored `at` so many bytes behind its part's first one. Raises `Refused`."""
        offset = self.top.size + self.top.header.offset(part) + at
        stored = self.read(offset, chunk.stored)
        if digest(stored) != chunk.sealed:
            raise Refused(Flaw.CHANGED, name=self.name, at=offset)
        return stored

    def content(self, part: Part, index: int, at: int) -> bytes:
        """Return a chunk unpacked. Raises `Refused`."""
        chunk = part.chunks[index]
        found = unpacked(self.sealed_chunk(part, at, chunk), part.chunk_size(index))
        if found is None or digest(found) != chunk.digest:
            raise Refused(Flaw.CHANGED, name=self.name, at=self.top.size + self.top.header.offset(part) + at)
        return found

    def check_whole(self) -> None:
        """Read all of it. Raises `Refused` at the first byte that is not what was signed."""
        self.check_size()
        for part in self.top.header.parts:
            for index, (at, _) in enumerate(places(part)):
                self.content(part, index, at)

    def _unreadable(self, fault: OSError) -> Refused:
        return Refused(Flaw.UNREADABLE, name=self.name, reason=fault.strerror)


def packed(content: bytes) -> bytes:
    """Return a chunk as it is stored: packed, or as it is where that is not shorter."""
    shorter = lzma.compress(content, lzma.FORMAT_RAW, filters=list(PACKING))
    return shorter if len(shorter) < len(content) else content


def unpacked(stored: bytes, size: int) -> bytes | None:
    """Return the chunk of `size` bytes that is stored so, never more; None where it is none."""
    if len(stored) == size:
        return stored
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=list(PACKING))
    try:
        content = unpacker.decompress(stored, max_length=size + 1)
    except lzma.LZMAError:
        return None
    return content if len(content) == size and unpacker.eof and not unpacker.unused_data else None


def found(place: Path) -> Path:
    """Return the update that `place` is, or that lies in it or in its folder `hedgerow`: the one of the newest name.

    Raises `Refused` where there is none.
    """
    try:
        if place.is_file():
            return place
        folders = [folder for folder in (place, place / "hedgerow") if not folder.is_symlink()]
        names = [path for folder in folders for path in folder.glob("*.update") if NAME.fullmatch(path.name)]
    except OSError as fault:
        raise Refused(Flaw.UNREADABLE, name=place.name, reason=fault.strerror) from fault
    if not names:
        raise Refused(Flaw.NONE_THERE, place=place)
    return max(names, key=lambda path: (_numbers(path.name), path.name))


def _numbers(name: str) -> list[int]:
    return [int(one) for one in re.findall(r"[0-9]{1,6}", name)]
