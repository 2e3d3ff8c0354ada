"""Which card's parts are called ours: real udevd, with our rule, on a machine that has two cards of one number and one layout.

The machine is a root of its own on the second part of one card, as a board's is; its programs are those of a card's base.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from provisioning import building
from provisioning.number import OF_IMAGES
from tests.provisioning.twin import CACHE, run
from tests.systemd.readers import Reader

pytestmark = pytest.mark.real

HERE: Final = Path(__file__).parents[2] / "systemd"
RULES: Final = "90-hedgerow-card.rules"
# In namespaces of its own: the udevd here hears of no network, knows no rule but ours, and ends with the shell.
MACHINE: Final = """
set -eu
cd "$1" && shift
mount --bind "$BASE/usr" usr
mount -t tmpfs rules usr/lib/udev/rules.d
cp "$RULE" usr/lib/udev/rules.d/
mount -t proc proc proc
mount -t sysfs sys sys
mount -t tmpfs run run
mount -t tmpfs dev dev
cp -a /dev/null "$@" dev/
export SYSTEMD_IGNORE_CHROOT=1
chroot . udevadm verify "/usr/lib/udev/rules.d/${RULE##*/}" >&2
chroot . /usr/lib/systemd/systemd-udevd --daemon
tell() {
    for part in "$@"; do echo "/sys/class/block/${part##*/}"; done | xargs chroot . udevadm trigger --action="$action" --settle
}
show() { for name in open data; do readlink -f "dev/hedgerow/$name" || echo none; done; }
action=add tell "$@" && show
action=change tell "$@" && show
"""


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        found = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            found.append(Reader(tmp_path / name, OF_IMAGES))
            stack.callback(found[-1].take_out)
        yield found


@pytest.mark.parametrize("own", [0, 1])
def test_only_parts_of_the_disk_that_the_system_runs_from_are_called_ours(
    readers: list[Reader], own: int, tmp_path: Path
) -> None:
    ours = readers[own]
    root, rule = tmp_path / "root", tmp_path / RULES
    for place in ("usr", "proc", "sys", "run", "dev"):
        (root / place).mkdir(parents=True)
    for link in ("bin", "lib", "lib64", "sbin"):
        (root / link).symlink_to(f"usr/{link}")
    (root / "is-own-card").write_bytes((HERE / "is-own-card").read_bytes())
    (root / "is-own-card").chmod(0o755)
    rule.write_text((HERE / RULES).read_text(encoding="utf-8").replace("/usr/lib/hedgerow/", "/"), encoding="utf-8")
    run("mkfs.ext4", "-q", "-m", "0", "-d", root, ours.part(2))
    base = building.base("amd64", CACHE, print)
    words = ["env", f"BASE={base}", f"RULE={rule}", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    enter = 'mount "$1" "$2" && shift && exec sh -c "$MACHINE" machine "$@"'
    nodes = [node for reader in readers for node in reader.nodes]
    said = run(*words, "env", f"MACHINE={MACHINE}", "sh", "-c", enter, "enter", ours.part(2), root, *nodes)
    names = [f"/dev/{ours.part(number).removeprefix('/dev/')}" for number in (1, 4)]
    assert said.splitlines() == [f"{root}{name}" for name in names * 2]
