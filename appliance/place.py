"""Where the data lie: one name for this board, this card and this very copy of the data directory.

A log has one writer. A copy of the directory would be a second one, so it must be recognised, be it on another board
or beside the original. The name is a digest over

    board   the serial number of the device tree, or the machine-id (machine-id(5)) where there is none and it lasts
    card    the identity that an SD card answers (its CID), where the data lie on one
    key     inode and birth of `node.key`

A reboot or a move within the file system changes none of them. A copy has another key file, born later: `cp -a`,
`rsync` and `tar` keep every other mark of a file, but nobody can set its birth. An image of the whole card put back on
the same card and board has all three; only the peers can tell that one.
"""

from __future__ import annotations

import ctypes
import os
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

from appliance.errors import StoreFault

DOMAIN: Final = b"hedgerow/place/v1"
DIGEST_SIZE: Final = 16
SERIAL_NUMBER: Final = Path("/sys/firmware/devicetree/base/serial-number")  # not in /proc, which services do not see
MACHINE_ID: Final = Path("/etc/machine-id")
DEVICES: Final = Path("/sys/dev/block")

# statx(2): struct statx is 256 bytes; stx_mask begins it, stx_btime is at 80 as (s64 seconds, u32 nanoseconds).
STATX_SIZE: Final = 256
STATX_BTIME: Final = 0x800
STATX_BTIME_OFFSET: Final = 80
AT_FDCWD: Final = -100


def here(key_file: Path) -> str:
    """Return 32 hexadecimal letters that name board, card and copy. Raises `StoreFault` if there is no key file."""
    try:
        key = key_file.stat()
    except OSError as fault:
        raise StoreFault(
            f"{key_file} cannot be looked at: {fault.strerror}. Without its key a node is nobody."
        ) from fault
    marks = (_board(), _card(key.st_dev), str(key.st_ino).encode(), _birth(key_file))
    whole = blake2b(DOMAIN, digest_size=DIGEST_SIZE)
    for mark in marks:
        whole.update(struct.pack(">I", len(mark)) + mark)
    return whole.hexdigest()


def _board() -> bytes:
    return _content(SERIAL_NUMBER) or (b"" if _is_transient(MACHINE_ID) else _content(MACHINE_ID))


def _is_transient(file: Path) -> bool:
    """Whether a system that cannot be written to drew it for this start alone, and mounted it over the file."""
    return os.path.ismount(file)


def _card(device: int) -> bytes:
    """Return the CID of the card that holds the file system, empty for disks, which have none."""
    disk = DEVICES / f"{os.major(device)}:{os.minor(device)}"
    return next(filter(None, (_content(disk / "device/cid"), _content(disk.resolve().parent / "device/cid"))), b"")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()[:256].strip(b"\0\n ")
    except OSError:
        return b""


def _birth(file: Path) -> bytes:
    """Return when the file was born, empty where the file system does not keep it. Python 3.11 has no call for this."""
    filled = ctypes.create_string_buffer(STATX_SIZE)
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "statx") or libc.statx(AT_FDCWD, os.fsencode(file), 0, STATX_BTIME, filled) != 0:
        return b""
    (mask,) = struct.unpack_from("=I", filled)
    return filled.raw[STATX_BTIME_OFFSET : STATX_BTIME_OFFSET + 12] if mask & STATX_BTIME else b""
