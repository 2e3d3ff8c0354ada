"""The system of a card, built from Debian's packages and ours: one recipe for the Pi (arm64) and for its twin (amd64) in tests.

base     what Debian gives, made by mmdebstrap; kept beside the image, since it depends on nothing of ours
system   the base, our package and the few files of `recipe/root`, with everything that a first start would otherwise write
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from provisioning import parcel
from provisioning.running import run

SUITE: Final = "trixie"
RECIPE: Final = parcel.HOUSE / "provisioning/recipe"
ARCHITECTURES: Final = ("arm64", "amd64")
# What nobody reads on a card; licences stay.
LEFT_OUT: Final = (
    "doc",
    "man",
    "info",
    "locale",
    "lintian",
    "bug",
    "gtk-doc",
    "fonts/urw-base35",
    "fonts/X11",
    "fonts/type1",
)
LICENCES: Final = "/usr/share/doc/*/copyright"
# Started by their packages, but not wanted: another's access point, housekeeping of a system that is never written to.
UNWANTED: Final = (
    *("hostapd.service", "mosquitto.service", "bluetooth.service", "remote-fs.target", "e2scrub_reap.service"),
    *("dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "apt-daily.timer", "apt-daily-upgrade.timer"),
    *("getty@tty1.service", "systemd-networkd-wait-online.service", "systemd-pstore.service"),
)
BOARD_LINE: Final = (
    "console=tty0 console=ttyS1,115200 root=LABEL=hedgerow-a ro rootwait"
    " fsck.repair=yes net.ifnames=0 cma=64M panic=10 quiet"
)
Say = Callable[[str], None]


def base(architecture: str, keep: Path, say: Say) -> Path:
    """Return the directory of the base system below `keep`, built unless it is there. Raises `SettingsFault`."""
    lists = ["packages.txt", *(["packages-arm64.txt"] if architecture == "arm64" else [])]
    wanted = parcel.packages(*lists)
    is_board = architecture == "arm64"
    board = [file.read_text("utf-8") for file in sorted((RECIPE / "board").rglob("*")) if is_board and file.is_file()]
    key = blake2b("\n".join((SUITE, architecture, *wanted, *LEFT_OUT, *board)).encode(), digest_size=8).hexdigest()
    found = keep / f"base-{architecture}-{key}"
    if (found / "etc/os-release").exists():
        return found
    say(f"Building Debian's part ({architecture}, {len(wanted)} packages) ...")
    part = found.with_name(f"{found.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    keep.mkdir(parents=True, exist_ok=True)
    run(_mmdebstrap(architecture, wanted, part), "Debian's part could not be built")
    part.rename(found)
    return found


def _mmdebstrap(architecture: str, wanted: Sequence[str], into: Path) -> list[str]:
    components = "main,non-free-firmware" if architecture == "arm64" else "main"
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    board = (
        [f'--setup-hook=mkdir -p "$1/boot/firmware" && cp -r {RECIPE}/board/. "$1"'] if architecture == "arm64" else []
    )
    # Emulated, Python would take minutes to compile each module by itself; all are compiled at the end, by the twin's Python.
    board += ["--dpkgopt=path-exclude=/usr/bin/py3compile"] if architecture == "arm64" else []
    fetch = [f"--aptopt={file}" for file in sorted(Path("/etc/apt/apt.conf.d").glob("*")) if _says_how_to_fetch(file)]
    return [
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=essential", f"--architectures={architecture}"),
        *(f"--components={components}", f"--include={','.join(wanted)}", *fetch),
        *('--aptopt=Apt::Install-Recommends "false"', "--dpkgopt=force-unsafe-io", "--dpkgopt=force-confold"),
        *(*board, *left_out, f"--dpkgopt=path-include={LICENCES}", SUITE, str(into)),
    ]


def _says_how_to_fetch(file: Path) -> bool:
    """Whether a file of apt's settings tells the way to the mirror; the rest is this machine's own affair."""
    return file.is_file() and any(
        line.startswith("Acquire") for line in file.read_text("utf-8", "replace").splitlines()
    )


def system(base: Path, into: Path, say: Say, twin: Path | None = None) -> Path:
    """Make the whole system in the directory `into` from the base. Raises `SettingsFault`.

    `twin` is the base for this machine, whose Python compiles for another one: what it writes is the same for all.
    """
    say("Adding our part ...")
    run(["cp", "--archive", "--reflink=auto", str(base), str(into)], "The base could not be copied")
    package = parcel.build(into / "var/tmp", into / "var/tmp/parcel")
    shutil.rmtree(into / "var/tmp/parcel")
    inside = f"/{package.relative_to(into)}"
    run(["chroot", str(into), "dpkg", "--install", inside], "Our package could not be installed")
    package.unlink()
    shutil.copytree(RECIPE / "root", into, dirs_exist_ok=True)
    run(["chroot", str(into), "systemd-sysusers"], "The node's user could not be made")
    compile_python(into, twin or into)
    _set_board(into)
    _settle(into)
    list_packages(into)
    return into


def compile_python(root: Path, twin: Path) -> None:
    """Compile what no package compiled, so that no start has to: the system cannot be written to then."""
    places = ["usr/lib/hedgerow", *(["usr/lib/python3", "usr/lib/python3.13"] if twin != root else [])]
    inside = twin / "mnt"
    for place in places:
        words = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            'mount --bind "$1" "$2" && exec chroot "$3" python3 -m compileall \
            -q -j 2 --invalidation-mode unchecked-hash -s /mnt -p / "/mnt/$4"',
            "sh",
        ]
        run([*words, str(root), str(inside), str(twin), place], "The programs could not be compiled")


def _settle(root: Path) -> None:
    """Do once what a first start would do on every start, since the system cannot be written to then."""
    for unit in UNWANTED:
        for link in (root / "etc/systemd/system").glob(f"*.wants/{unit}"):
            link.unlink()
        mask = root / "etc/systemd/system" / unit
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")
    (root / "etc/machine-id").write_text("uninitialized\n", encoding="ascii")
    dbus = root / "var/lib/dbus/machine-id"
    dbus.unlink(missing_ok=True)
    dbus.symlink_to("/etc/machine-id")
    for name in ("boot/firmware", "var/lib/hedgerow", "var/lib/mosquitto", "var/lib/misc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    resolv = root / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.write_text("# A node asks nobody for names.\n", encoding="ascii")
    for left in ("var/lib/apt/lists", "var/cache/apt", "var/log"):
        for path in (root / left).glob("*"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    _lay_example(root)


def _set_board(root: Path) -> None:
    """Tell the board's kernel where the system is, that it only reads it, and to start anew after a panic; names stay short."""
    line = root / "boot/firmware/cmdline.txt"
    if line.exists():
        line.write_text(BOARD_LINE + "\n", encoding="ascii")


def _lay_example(root: Path) -> None:
    """The open part of the next card begins as this one's: its example lies where the first boot looks."""
    folder = root / "usr/share/hedgerow/open"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(RECIPE / "EXAMPLE.yaml", folder / "EXAMPLE.yaml")


def list_packages(root: Path) -> None:
    """Write the list of all packages with version and licences (SBOM), from what the packages themselves say."""
    query = "${Package}\\t${Version}\\t${Architecture}\\n"
    done = run(
        ["chroot", str(root), "dpkg-query", "--show", f"--showformat={query}"], "The packages could not be listed"
    )
    lines = ["package\tversion\tarchitecture\tlicences"]
    lines += [f"{line}\t{_licences(root, line.split(chr(9))[0])}" for line in done.splitlines()]
    target = root / "usr/share/hedgerow/packages.tsv"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _licences(root: Path, package: str) -> str:
    if package == "hedgerow":
        return "AGPL-3.0-or-later"
    file = root / "usr/share/doc" / package / "copyright"
    if not file.is_file():
        return "see the package it comes with"
    text = file.read_text(encoding="utf-8", errors="replace")
    named = {line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("License:")}
    return "; ".join(sorted(filter(None, named))) or "as its copyright file says"
