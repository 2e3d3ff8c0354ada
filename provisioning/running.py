"""Programs of the distribution, run for what they do: their faults become sentences, and what they draw or date stands still."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from appliance.errors import SettingsFault

EPOCH: Final = "1767225600"  # 2026-01-01: equal contents give equal files
WORDS_MAX: Final = 400


def run(words: Sequence[str], problem: str, told: str = "") -> str:
    """Run one program, with `told` on its standard input; return what it printed. Raises `SettingsFault` with its last words."""
    if not shutil.which(words[0]):
        raise SettingsFault(f"The program {words[0]} is missing. Install the packages of .ci/packages.txt, as root.")
    plain = os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run([*words], env=plain, input=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingsFault(f"{problem}: {' '.join(done.stderr.split())[-WORDS_MAX:]}")
    return done.stdout
