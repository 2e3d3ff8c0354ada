"""`hedgerow demo`."""

from typing import Final

COMMANDS: Final = ()
