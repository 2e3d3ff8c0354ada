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

from provisioning import parcel, settling
from provisioning.running import run

SUITE: Final = "trixie"
RECIPE: Final = parcel.RECIPE
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
Say = Callable[[str], None]


def base(architecture: str, keep: Path, say: Say) -> Path:
    """Return the directory of the base system below `keep`, built unless it is there. Raises `SettingsFault`."""
    lists = ["packages.txt", *(["packages-arm64.txt"] if architecture == "arm64" else [])]
    wanted = parcel.packages(*lists)
    told = "\n".join((SUITE, architecture, *wanted, *LEFT_OUT, *(_drivers() if architecture == "arm64" else ())))
    key = blake2b(told.encode(), digest_size=8).hexdigest()
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
    board += ["--dpkgopt=path-exclude=/usr/bin/py3compile", *_drivers()] if architecture == "arm64" else []
    fetch = [f"--aptopt={file}" for file in ways_to_the_mirror()]
    return [
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=essential", f"--architectures={architecture}"),
        *(f"--components={components}", f"--include={','.join(wanted)}", *fetch),
        *('--aptopt=Apt::Install-Recommends "false"', "--dpkgopt=force-unsafe-io", "--dpkgopt=force-confold"),
        *(*board, *left_out, f"--dpkgopt=path-include={LICENCES}", SUITE, str(into)),
    ]


def _drivers() -> list[str]:
    """Return what dpkg is told of the kernel's drivers; of two words about the same file, the later one counts."""
    lines = (RECIPE / "drivers-arm64.txt").read_text("utf-8").splitlines()
    words = {"-": "exclude", "+": "include"}
    return [f"--dpkgopt=path-{words[line[0]]}=/*lib/modules/*/kernel/{line[2:]}" for line in lines if line[:1] in words]


def ways_to_the_mirror() -> list[Path]:
    """Return the files of apt's settings that tell the way to the mirror; the rest is this machine's own affair."""
    files = (file for file in sorted(Path("/etc/apt/apt.conf.d").glob("*")) if file.is_file())
    return [
        file
        for file in files
        if any(line.startswith("Acquire") for line in file.read_text("utf-8", "replace").splitlines())
    ]


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
    if (into / "boot/firmware").is_dir():
        _start_board(into, base)
    compile_python(into, twin or into)
    settling.settle(into)
    list_packages(into)
    return into


def _start_board(root: Path, base: Path) -> None:
    """Give a board the initial memory disk with what `recipe/board` puts into it.

    It is kept beside the base, for it takes minutes where an emulator makes it.
    """
    shutil.copytree(RECIPE / "board", root, dirs_exist_ok=True)
    told = b"\0".join(file.read_bytes() for file in sorted((RECIPE / "board").rglob("*")) if file.is_file())
    kept = base.with_name(f"{base.name}-initrd-{blake2b(told, digest_size=8).hexdigest()}")
    kernel = next((root / "usr/lib/modules").iterdir()).name
    place = f"/boot/firmware/initrd.img-{kernel}"
    if kept.exists():
        shutil.copy2(kept, root / place[1:])
        return
    run(["chroot", str(root), "mkinitramfs", "-o", place, kernel], "The initial memory disk could not be made")
    shutil.copy2(root / place[1:], kept)


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
