"""Small cards with a layout like ours, in readers of this machine (loop devices), and a system that runs from one of them.

The system is a root of its own on the second part of its card, as a board's is; its programs are those of a card's base.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provisioning import building
from tests.provisioning.twin import CACHE, run

MIB: Final = 1 << 20
CARD_MIB: Final = 64
HERE: Final = Path(__file__).parents[2] / "systemd"
RULES: Final = "90-hedgerow-card.rules"
PROGRAMS: Final = ("is-own-card", "grow-data")
# In namespaces of its own: the udevd here hears of no network, knows no rule but ours, and ends with the shell.
ENTER: Final = """
set -eu
mount "$1" "$2"
cd "$2"
shift 2
mount --bind "$BASE/usr" usr
mount -t tmpfs rules usr/lib/udev/rules.d
cp "$RULE" usr/lib/udev/rules.d/
mount -t proc proc proc
mount -t sysfs sys sys
mount -t tmpfs run run
mount -t tmpfs dev dev
cp -a /dev/null /dev/zero "$@" dev/
export SYSTEMD_IGNORE_CHROOT=1
chroot . udevadm verify "/usr/lib/udev/rules.d/${RULE##*/}" >&2
chroot . /usr/lib/systemd/systemd-udevd --daemon
exec chroot . sh -euc "$SCRIPT" script "$@"
"""
PARTS: Final = ((1, "start=1MiB, size=2MiB, type=c"), (2, "start=3MiB, size=16MiB"), (4, "start=19MiB, size=4MiB"))


def lay_card(image: Path, number: int) -> Path:
    """Make a card as a file, with nothing in its parts."""
    with image.open("wb") as file:
        file.truncate(CARD_MIB * MIB)
    table = [f"label: dos\nlabel-id: {number:#010x}", *(f"card{part} : {place}" for part, place in PARTS)]
    subprocess.run(["sfdisk", "--quiet", image], input="\n".join(table).encode(), check=True)
    return image


class Reader:
    """A card with a layout like ours in a reader of this machine."""

    def __init__(self, room: Path, number: int) -> None:
        self.device = run("losetup", "--find", "--show", lay_card(room / "card.img", number))
        run("partx", "--delete", self.device, code=None)  # what a kernel found by itself, or somebody left behind
        run("partx", "--add", self.device)

    def part(self, number: int) -> str:
        return f"{self.device}p{number}"

    @property
    def nodes(self) -> list[str]:
        return [self.device, *(self.part(number) for number, _ in PARTS)]

    def take_out(self) -> None:
        run("partx", "--delete", self.device, code=None)
        run("losetup", "--detach", self.device, code=None)


def does(script: str, room: Path, own: Reader, readers: Sequence[Reader]) -> str:
    """Start a system from `own`, with these readers; let it do a piece of shell, of which their devices are the words."""
    root, rule = room / "root", room / RULES
    for place in ("usr", "proc", "sys", "run", "dev"):
        (root / place).mkdir(parents=True)
    for link in ("bin", "lib", "lib64", "sbin"):
        (root / link).symlink_to(f"usr/{link}")
    for name in PROGRAMS:
        (root / name).write_bytes((HERE / name).read_bytes())
        (root / name).chmod(0o755)
    rule.write_text((HERE / RULES).read_text(encoding="utf-8").replace("/usr/lib/hedgerow/", "/"), encoding="utf-8")
    run("mkfs.ext4", "-q", "-m", "0", "-d", root, own.part(2))
    told = [f"BASE={building.base('amd64', CACHE, print)}", f"RULE={rule}", f"SCRIPT={script}"]
    words = ["env", *told, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]
    return run(*words, own.part(2), root, *(node for reader in readers for node in reader.nodes))
