"""A file while it comes, from its beginning on: its digest is taken of the bytes on their way to the card, in one pass.

No other hand writes in it, as radio and neighbours' pages have files of their own to grow; so what was checked is what was
written. Where the process dies the next one sweeps it away, and whoever brought it begins it anew.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from appliance.store.blobs import NEW, Blobs


class Receiving:
    """The file of `size` bytes whose BLAKE2b-256 should be `blob`. Whoever begins it closes it, also where it was finished."""

    def __init__(self, blobs: Blobs, blob: bytes, size: int) -> None:
        self._blobs = blobs
        self._blob = blob
        self._size = size
        self._digest = blake2b(digest_size=32)
        with blobs.troubles():
            blobs.make_ready()
            handle, name = tempfile.mkstemp(dir=blobs.directory, prefix=f"{NEW}{os.getpid()}-")
            self._file = os.fdopen(handle, "wb")
        self._path = Path(name)

    def put(self, blob: bytes, size: int, offset: int, content: bytes) -> bool:
        """Write what comes next. Returns False where this does not follow: what has holes is no file. Raises `CardFull`."""
        if (blob, size, offset) != (self._blob, self._size, self._file.tell()):
            return False
        with self._blobs.troubles():
            self._blobs.check_space(len(content))
            self._digest.update(content)
            self._file.write(content)
        return True

    @property
    def is_whole(self) -> bool:
        return self._file.tell() == self._size

    def finish(self) -> bool:
        """Give the whole file its name if its digest is right. Returns whether it was."""
        if self._digest.digest() != self._blob:
            return False
        with self._blobs.troubles():
            self._blobs.give_name(self._file, self._path, self._blob)
            self._blobs.drop_parts(self._blob)
        return True

    def close(self) -> None:
        """Drop what got no name. Nothing of it is waited for, so a card that fails now changes nothing."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._file.close()
