"""This software's own source, as the portal hands it out."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.webui.visitor import Visitor
from webui import source
from webui.source import packed_source, sources

CHECKOUT = Path(__file__).parent.parent.parent


def unpacked(visitor: Visitor) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(visitor.get("/source.tar.gz").data), mode="r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]


def test_the_source_is_what_runs_here_and_nothing_more(stranger: Visitor, tmp_path: Path):
    source._packed_file.cache_clear()  # another test may have had it packed before a file was edited
    files = unpacked(stranger)
    tops = {name.split("/")[1] for name in files}
    assert tops <= {
        "appliance",
        "mesh",
        "provisioning",
        "systemd",
        "webui",
        "LICENSE",
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "pyproject.toml",
    }
    assert tops >= {"appliance", "mesh", "webui", "LICENSE", "pyproject.toml"}
    for name, content in files.items():
        assert (CHECKOUT / name.split("/", 1)[1]).read_bytes() == content
    key = (tmp_path / "node" / "node.key").read_bytes()
    assert not [name for name, content in files.items() if key in content or name.endswith((".key", ".db", ".pyc"))]


def test_the_same_source_is_the_same_bytes():
    assert b"".join(packed_source("hedgerow")) == b"".join(packed_source("hedgerow"))


def test_links_out_of_the_house_are_not_followed(tmp_path: Path):
    (tmp_path / "mesh").mkdir()
    (tmp_path / "mesh" / "real.py").write_text("x = 1\n")
    (tmp_path / "secret").write_text("key")
    (tmp_path / "mesh" / "link.py").symlink_to(tmp_path / "secret")
    assert [path.name for path in sources(tmp_path)] == ["real.py"]


def test_the_source_runs(stranger: Visitor, tmp_path: Path):
    subprocess.run(["tar", "-xzC", tmp_path], input=stranger.get("/source.tar.gz").data, check=True)
    (house,) = tmp_path.glob("hedgerow*")
    run = subprocess.run(
        [sys.executable, "-c", "import webui; print(webui.__file__)"],
        cwd=house,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(house) in run.stdout


def test_the_page_says_what_may_be_done_with_it(stranger: Visitor):
    page = stranger.page("/source")
    assert "GNU Affero General Public Licence" in page.words
    assert "/source.tar.gz" in page.links
