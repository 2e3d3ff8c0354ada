"""A machine's disks as files: /sys, /proc, /run and /dev as the kernel and udev fill them, below a directory of the test."""

from __future__ import annotations

from pathlib import Path

GB = 10**9
USB = "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
MMC = "devices/platform/emmc2bus/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa"
NVME = "devices/pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0"
ATA = "devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"


class Machine:
    """Disks are added one by one; what uses them is told afterwards."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for place in ("sys/block", "proc/self", "run/udev/data", "dev"):
            (root / place).mkdir(parents=True)
        self.write("proc/self/mountinfo", "21 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n")
        self.write("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
        self._count = 0

    def write(self, place: str, content: str) -> Path:
        file = self.root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def disk(
        self, name: str, size: int, way: str, *, model: str = "Ultra", vendor: str = "SanDisk", **told: str
    ) -> Path:
        """Add a disk on the bus of `way`; return its device, a file in a test. `told` are more files of its own."""
        self._count += 1
        block = self.root / "sys" / way / "block" / name
        files = {"size": str(size // 512), "removable": "1", "ro": "0", "diskseq": str(self._count)} | told
        kind = files.pop("type", "")
        for file, content in ({"dev": f"8:{16 * self._count}"} | files).items():
            self.write(str((block / file).relative_to(self.root)), f"{content}\n")
        device = block.parent.parent
        for file, content in (("vendor", vendor), ("model", model), ("type", kind)):
            self.write(str((device / file).relative_to(self.root)), f"{content}  \n")
        (block / "device").symlink_to("../..", target_is_directory=True)
        (self.root / "sys/block" / name).symlink_to(block, target_is_directory=True)
        medium = self.root / "dev" / name
        medium.touch()
        return medium

    def part(self, disk: str, name: str, label: str = "") -> str:
        """Add a partition; return its number."""
        self._count += 1
        number = f"259:{self._count}"
        self.write(f"sys/block/{disk}/{name}/partition", "1\n")
        self.write(f"sys/block/{disk}/{name}/dev", f"{number}\n")
        if label:
            self.write(f"run/udev/data/b{number}", f"S:disk/by-label/x\nE:ID_FS_TYPE=vfat\nE:ID_FS_LABEL={label}\n")
        return number

    def mount(self, number: str, place: str, source: str = "/dev/x") -> None:
        with (self.root / "proc/self/mountinfo").open("a", encoding="utf-8") as table:
            table.write(f"29 1 {number} / {place} rw,relatime shared:1 - ext4 {source} rw\n")

    def hold(self, place: str, holder: str) -> None:
        """Let `holder`, such as dm-0, stand on the disk or partition at `place` below /sys/block."""
        (self.root / "sys/block" / holder / "holders").mkdir(parents=True, exist_ok=True)
        self._count += 1
        self.write(f"sys/block/{holder}/dev", f"253:{self._count}\n")
        (self.root / "sys/block" / place / "holders" / holder).mkdir(parents=True)
