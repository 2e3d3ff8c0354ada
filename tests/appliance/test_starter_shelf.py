"""The shelf a new node starts with: whole, readable, free of outside addresses, and honest about its form."""

import base64
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from appliance.archive import starter_shelf
from appliance.archive.starter_shelf import (
    StarterZine,
    read_front_matter,
    read_tags,
    read_zine,
    split_front_matter,
    starter_zines,
)

ARCHIVE = Path(starter_shelf.__file__).parent
FOLDERS = sorted(path for path in (ARCHIVE / "starter").iterdir() if path.is_dir())
DRAWINGS = sorted((ARCHIVE / "starter").glob("*/*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
DRAWN_WITH = {f"{SVG}{name}" for name in ("svg", "title", "g", "rect", "path", "circle", "ellipse", "text")}
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
GREY = re.compile(r"#(?:([0-9a-f])\1\1|([0-9a-f]{2})\2\2)")
FRONT = (
    "title: Soup\ncreator: Hedgerow\nlanguage: en\nseries: Starter shelf\nissue: 11\n"
    "licence: CC0-1.0\ntags: soup, winter\ndescription: One pot.\n"
)

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
each_drawing = pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
each_zine = pytest.mark.parametrize("zine", starter_zines(), ids=lambda zine: f"{zine.issue}-{zine.language}")


def markdown_of(folder: Path) -> str:
    return split_front_matter((folder / "zine.md").read_text(encoding="utf-8"))[1]


def test_the_shelf_holds_twelve_zines_in_english_and_two_of_them_in_spanish() -> None:
    zines = starter_zines()
    assert [zine.issue for zine in zines if zine.language == "en"] == [str(issue) for issue in range(1, 13)]
    assert [zine.issue for zine in zines if zine.language == "es"] == ["1", "4"]
    assert len({zine.title for zine in zines}) == len(zines) == len(FOLDERS) == 14


@each_zine
def test_every_zine_says_who_made_it_and_that_it_may_be_copied(zine: StarterZine) -> None:
    assert zine.licence == "CC0-1.0"
    assert zine.creator in {"Hedgerow", "anonymous"}
    assert 3 <= len(zine.tags) <= 6
    assert re.fullmatch(r"[^.]{20,140}\.", zine.description), "one sentence"
    assert zine.body.decode().startswith(f"# {zine.title}\n")


@each_zine
def test_a_zine_is_one_file_small_enough_for_a_reader_page_of_25_kb(zine: StarterZine) -> None:
    assert len(zine.body) <= 16_000
    targets = [target for _, target in IMAGE.findall(zine.body.decode())]
    assert 1 <= len(targets) <= 3
    assert all(target.startswith("data:image/svg+xml;base64,") for target in targets)


@each_folder
def test_the_drawings_inside_the_body_are_the_drawings_of_the_folder(folder: Path) -> None:
    body = read_zine(folder).body.decode()
    inside = [base64.b64decode(target.partition(",")[2], validate=True) for _, target in IMAGE.findall(body)]
    named = [target for _, target in IMAGE.findall(markdown_of(folder))]
    assert inside == [(folder / name).read_bytes() for name in named]
    assert sorted(named) == sorted(path.name for path in folder.glob("*.svg"))
    assert {path.name for path in folder.iterdir()} == {"zine.md", *named}


@each_folder
def test_a_picture_is_told_in_words_for_those_who_cannot_see_it(folder: Path) -> None:
    for alt, _ in IMAGE.findall(markdown_of(folder)):
        assert len(alt.split()) >= 10
        assert alt.endswith(".")


@each_folder
def test_a_zine_is_long_enough_to_help_and_short_enough_to_read(folder: Path) -> None:
    assert (folder / "zine.md").stat().st_size <= 12_000
    assert 700 <= len(markdown_of(folder).split()) <= 1_400


@each_folder
def test_the_text_is_plain_markdown_without_html_links_or_rare_letters(folder: Path) -> None:
    markdown = markdown_of(folder)
    tokens = [child for token in MarkdownIt("commonmark").parse(markdown) for child in (token, *(token.children or []))]
    assert not {"html_block", "html_inline", "link_open"} & {token.type for token in tokens}
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1
    markdown.encode("cp1252")  # the letters that the plainest printer fonts have


@each_folder
def test_the_words_of_the_workshop_stay_in_the_workshop(folder: Path) -> None:
    said = markdown_of(folder).lower()
    assert not [word for word in ("debit", "frontier", "node id", "gossip", "hash", "checkpoint") if word in said]


@each_folder
def test_the_front_matter_means_the_same_to_a_yaml_reader(folder: Path) -> None:
    front, _ = split_front_matter((folder / "zine.md").read_text(encoding="utf-8"))
    assert {key: str(value) for key, value in yaml.safe_load(front).items()} == read_front_matter(front)


@each_drawing
def test_a_drawing_is_small_titled_and_says_its_size(drawing: Path) -> None:
    root = ET.fromstring(drawing.read_bytes())
    assert drawing.stat().st_size <= 4_000
    assert root.attrib["viewBox"] == f"0 0 320 {root.attrib['height']}"
    assert (root.tag, root.attrib["width"], root[0].tag) == (f"{SVG}svg", "320", f"{SVG}title")
    assert root[0].text
    sizes = [float(element.attrib["font-size"]) for element in root.iter() if "font-size" in element.attrib]
    assert min(sizes) >= 13


@each_drawing
def test_a_drawing_holds_shapes_and_words_and_asks_nothing_of_the_outside(drawing: Path) -> None:
    for element in ET.fromstring(drawing.read_bytes()).iter():
        assert element.tag in DRAWN_WITH
        said = " ".join((*element.attrib.keys(), *element.attrib.values()))
        assert not re.search(r"\bon[a-z]+|href|style|url\(|://", said)


@each_drawing
def test_a_drawing_brings_its_own_paper_and_ink(drawing: Path) -> None:
    root = ET.fromstring(drawing.read_bytes())
    paper = root[1]
    assert (root.attrib["color"], root.attrib["stroke"]) == ("#222", "currentColor")
    assert (paper.tag, paper.attrib["width"], paper.attrib["height"]) == (f"{SVG}rect", "320", root.attrib["height"])
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawing.read_text()))
    assert all(GREY.fullmatch(colour) for colour in colours - {"none", "currentColor", paper.attrib["fill"]})


def test_every_file_of_the_shelf_is_packed() -> None:
    settings = tomllib.loads((ARCHIVE.parent.parent / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["appliance.archive"]
    packed = {path for pattern in patterns for path in ARCHIVE.glob(pattern)}
    assert {path for folder in FOLDERS for path in folder.iterdir()} <= packed


@pytest.mark.parametrize(
    ("front", "complaint"),
    [
        (FRONT + "colour: green\n", "not known: 'colour: green'"),
        (FRONT + "title: Stew\n", "says title twice"),
        (FRONT.replace("issue: 11\n", ""), "lacks issue"),
        (FRONT.replace("One pot.", " "), "not known: 'description:"),
        (FRONT + "\n", "not known: ''"),
        ("  " + FRONT, "not known: '  title"),
        ("", "lacks title, creator"),
    ],
)
def test_front_matter_that_is_not_exact_is_refused(front: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_front_matter(front)


@pytest.mark.parametrize("value", ["soup,, winter", "soup, soup", ",", " "])
def test_tags_that_are_empty_or_repeated_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="empty or repeated"):
        read_tags(value)


@pytest.mark.parametrize(
    "text", ["", "# Soup\n", f"---\n{FRONT}---\n", f"---\n{FRONT}", f"soup\n---\n{FRONT}---\nSoup\n"]
)
def test_a_text_without_two_fences_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="front matter between two lines"):
        split_front_matter(text)


@pytest.mark.parametrize(
    "target", ["../other/pot.svg", "http://example.org/pot.svg", "pot.png", "data:image/png;base64,"]
)
def test_a_picture_from_elsewhere_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "zine.md").write_text(f"---\n{FRONT}---\n![A pot]({target})\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no drawing of its own folder"):
        read_zine(tmp_path)


def test_a_zine_whose_drawing_is_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zine.md").write_text(f"---\n{FRONT}---\n![A pot](pot.svg)\n")
    with pytest.raises(FileNotFoundError, match=r"pot\.svg"):
        read_zine(tmp_path)


def test_a_line_across_the_text_is_not_taken_for_a_fence(tmp_path: Path) -> None:
    (tmp_path / "zine.md").write_text(f"---\n{FRONT}---\nFirst\n\n---\n\nSecond\n")
    assert read_zine(tmp_path).body == b"First\n\n---\n\nSecond\n"
