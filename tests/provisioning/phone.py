"""A phone on the simulated air: another machine's programs, in a network of their own, with the board's second radio.

Its system lies on a disk of its own, since nothing of it belongs on a card: Debian's wpa_supplicant, a DHCP client and curl for
the board's kind of processor, only unpacked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from provisioning import building
from tests.provisioning.board import Board, disk_of

HOME: Final = "/run/phone"
PACKAGES: Final = ("busybox-static", "curl", "wpasupplicant")
LABEL: Final = "phone"
SIZE_MIB: Final = 256
# What busybox's DHCP client calls with what it was told; `$router` and `$dns` are lists.
LEASE: Final = """#!/bin/busybox sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
/bin/busybox ip address replace "$ip/$mask" dev "$interface"
for gateway in $router; do /bin/busybox ip route replace default via "$gateway"; done
for server in $dns; do echo "nameserver $server"; done > /run/resolv.conf
echo "$ip $router $dns" > /run/lease
"""
WPA2: Final = "key_mgmt=WPA-PSK\n    psk={passphrase}\n    ieee80211w=0"
WPA3: Final = "key_mgmt=SAE\n    sae_password={passphrase}\n    ieee80211w=2"
# Its own socket lies in /run, for nothing else of the phone can be written to.
LOOK: Final = "wpa_cli -s /run -p /run/wpa -i wlan1 status"
AIR: Final = """ctrl_interface=/run/wpa
sae_pwe=2
network={{
    ssid={name}
    {how}
}}
"""


def system(room: Path) -> Path:
    """Unpack a phone's programs, and return them as a disk."""
    root = room / "phone"
    fetch = [f"--aptopt={file}" for file in building.ways_to_the_mirror()]
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--architectures=arm64", *fetch]
    subprocess.run([*words, f"--include={','.join(PACKAGES)}", building.SUITE, root], check=True)
    (root / "lease").write_text(LEASE, encoding="ascii")
    (root / "lease").chmod(0o755)
    for name in ("bin", "sbin", "lib"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("proc", "dev", "run", "etc"):
        (root / name).mkdir(exist_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)  # this machine's own, where there is one
    (root / "etc/resolv.conf").symlink_to("/run/resolv.conf")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n", encoding="ascii")
    return disk_of(root, room / "phone.img", LABEL, SIZE_MIB)


class Phone:
    """One phone. It has nothing of the node's but what comes through the air."""

    def __init__(self, board: Board) -> None:
        self._board = board
        board.inside(
            f"mkdir -p {HOME} && mount -o ro /dev/disk/by-label/{LABEL} {HOME} && mount -t proc proc {HOME}/proc"
            f" && mount --bind /dev {HOME}/dev && mount -t tmpfs tmpfs {HOME}/run"
        )
        board.inside(f"ip netns add {LABEL} && iw phy phy1 set netns name {LABEL} && ip -n {LABEL} link set lo up")

    def does(self, words: str, within_s: float = 300.0, *, may_fail: bool = False) -> str:
        """Run a program of the phone's own."""
        return self._board.inside(f"ip netns exec {LABEL} chroot {HOME} {words}", within_s, may_fail=may_fail)

    def join(self, name: str, how: str, passphrase: str, wait_s: int = 60) -> bool:
        """Try to join a WiFi; return whether it let us in. The name is written in hexadecimal, as any name can be."""
        how = how.format(passphrase=f'"{passphrase}"')
        settings = AIR.format(name=name.encode().hex(), how=how)
        written = "; ".join(f"echo '{line}'" for line in settings.splitlines())
        self._board.inside(f"({written}) > {HOME}/run/wpa.conf")
        self.does("wpa_supplicant -B -i wlan1 -c /run/wpa.conf -P /run/wpa.pid -f /run/wpa.log")
        wait = f"for second in $(seq {wait_s}); do ip netns exec {LABEL} chroot {HOME} {LOOK} | grep -q ^wpa_state=COMPLETED"
        return self._board.inside(f"{wait} && echo in && break; sleep 1; done", may_fail=True).strip() == "in"

    def link(self) -> dict[str, str]:
        """Return what the phone knows of its link, such as `key_mgmt`."""
        said = self.does(LOOK)
        return dict(line.partition("=")[::2] for line in said.splitlines())

    def lease(self) -> list[str]:
        """Ask for an address; return it, the way out and the names' server."""
        self.does("busybox udhcpc -i wlan1 -s /lease -q -n -t 10 -T 2", may_fail=True)
        return self.does("busybox cat /run/lease").split()

    def leave(self) -> None:
        self.does(
            "busybox sh -c 'kill $(cat /run/wpa.pid); rm -f /run/lease; ip address flush dev wlan1'", may_fail=True
        )
        self._board.inside(f"while [ -e {HOME}/run/wpa.pid ]; do sleep 0.2; done")

    def go(self) -> None:
        """Leave nothing behind; the radio falls back to the board."""
        self._board.inside(f"ip netns delete {LABEL}; umount --recursive {HOME}", may_fail=True)

    def said(self) -> str:
        return self.does("busybox tail -n 40 /run/wpa.log", may_fail=True)
