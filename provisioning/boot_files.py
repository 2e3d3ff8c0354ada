"""What the board's own starter reads, laid out for two systems on one card (mesh/spec/update-v1.md).

config.txt           which of the two starts, in one letter
a/  b/               kernel, first memory disk, command line and device trees of each; b/ is filled by the first update
*.elf, *.dat, …      the starter itself, which no update touches
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from appliance.errors import SettingsFault
from appliance.updates import command_line

FIRST: Final = "a"
KERNEL, MEMORY_DISK = "vmlinuz", "initrd.img"
# The first line is written over in place, so it stands in the first sector, and nothing before it ever changes its place.
CONFIG: Final = f"""os_prefix={FIRST}/
# The letter above says which of the two systems on this card starts. Updates change it; fallback.txt puts it back.
arm_64bit=1
enable_uart=1
upstream_kernel=1
dtparam=i2c_arm=on
kernel={KERNEL}
initramfs {MEMORY_DISK} followkernel
"""


def lay_out(firmware: Path) -> Path:
    """Sort what the packages laid into the open part; return the folder of the first system. Raises `SettingsFault`.

    Done already, or on a machine without such a starter, it changes nothing.
    """
    folder = firmware / FIRST
    if folder.exists() or not (firmware / "config.txt").exists():
        return folder
    folder.mkdir()
    for name in (KERNEL, MEMORY_DISK):
        _newest(firmware, name).rename(folder / name)
        for older in firmware.glob(f"{name}-*"):
            older.unlink()
    for path in [*firmware.glob("*.dtb"), firmware / "overlays", firmware / command_line.FILE]:
        if path.exists():
            shutil.move(path, folder / path.name)
    (firmware / "config.txt").write_text(CONFIG, encoding="ascii")
    return folder


def _newest(firmware: Path, name: str) -> Path:
    found = sorted(firmware.glob(f"{name}-*"), key=lambda path: (path.stat().st_mtime, path.name))
    if not found:
        raise SettingsFault(f"There is no {name} in {firmware}. Build the base anew: remove it from where it is kept.")
    return found[-1]
