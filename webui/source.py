"""The source of the software that runs here, packed from its own files and from nothing else.

Equal files give equal bytes, whoever asks and whenever: names are sorted, owners and times are left out.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

PACKAGES: Final = ("appliance", "mesh", "provisioning", "systemd", "webui")
BESIDE: Final = ("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml")
HOUSE: Final = Path(__file__).parent.parent
PACKING: Final = Lock()  # many may ask at once
GZIP: Final = 16 + zlib.MAX_WBITS  # zlib writes no time into the header


def kept_source(top: str) -> Path:
    """Return where the source lies, packed once: it does not change while it runs. On the card, for the memory is small."""
    with PACKING:
        return _packed_file(top)


@lru_cache(maxsize=1)
def _packed_file(top: str) -> Path:
    """Write a file without a name, which goes with this process, and return the way to it."""
    handle, name = tempfile.mkstemp(prefix="source-")
    Path(name).unlink()
    with open(handle, "wb", closefd=False) as file:
        file.writelines(packed_source(top))
    return Path(f"/proc/self/fd/{handle}")


def packed_source(top: str, house: Path = HOUSE) -> Iterator[bytes]:
    """Yield a .tar.gz, piece by piece, of the packages below `house` and the few files beside them, all under `top`."""
    pipe, press = io.BytesIO(), zlib.compressobj(wbits=GZIP)
    with tarfile.open(fileobj=pipe, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sources(house):
            content = path.read_bytes()
            tar.addfile(_entry(f"{top}/{path.relative_to(house).as_posix()}", len(content)), io.BytesIO(content))
            yield press.compress(_drained(pipe))
    yield press.compress(_drained(pipe)) + press.flush()


def sources(house: Path) -> Iterator[Path]:
    """Yield the files that make up the software, sorted. Only the packages' own: never what a node keeps, never links."""
    yield from (house / name for name in BESIDE if (house / name).is_file())
    for package in PACKAGES:
        for path in sorted((house / package).rglob("*")):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                yield path


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry


def _drained(pipe: io.BytesIO) -> bytes:
    content = pipe.getvalue()
    pipe.seek(0)
    pipe.truncate()
    return content
