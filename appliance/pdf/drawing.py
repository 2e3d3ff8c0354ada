"""SVG drawings on paper: the plain shapes and words that zines use, drawn as they are, never as pixels.

Read with the parser for HTML of the standard library on purpose: it knows no entities but the named letters, no declarations,
and asks nothing of the outside. What is not known here is left out; svglib, which knows more, brings lxml and a CSS parser along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from math import cos, isfinite, radians, sin
from typing import Final

from reportlab.lib.colors import Color, toColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from appliance.archive.outlines import Step, Unreadable, outline
from appliance.archive.paper import Size
from appliance.pdf.letters import Pen, Piece

SHAPES_MAX: Final = 5_000
DEPTH_MAX: Final = 40
SIDE_MAX: Final = 10_000.0
NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TRANSFORM: Final = re.compile(r"(translate|scale|rotate|matrix)\s*\(([^)]*)\)")
COLOUR: Final = re.compile(r"#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{3,20}")
INHERITED: Final = (
    "color",
    "fill",
    "font-size",
    "font-style",
    "font-weight",
    "stroke",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-width",
    "text-anchor",
)
BEGINNING: Final = {"fill": "black", "stroke": "none", "stroke-width": "1", "font-size": "16", "color": "black"}
UNSEEN: Final = frozenset(
    ("clippath", "defs", "desc", "marker", "mask", "metadata", "script", "style", "symbol", "title")
)
EMPTY: Final = frozenset(("circle", "ellipse", "line", "path", "polygon", "polyline", "rect"))
CAPS: Final = {"butt": 0, "round": 1, "square": 2}
JOINS: Final = {"miter": 0, "round": 1, "bevel": 2}
Look = Mapping[str, str]


class Shape:
    """One element: what it is, its attributes, the look it inherited, the transformations around it, its words."""

    def __init__(self, kind: str, given: Look, look: Look, moves: tuple[str, ...]) -> None:
        self.kind = kind
        self.given = given
        self.look = look
        self.moves = moves
        self.words = ""
        self.steps = _steps(kind, given)

    def number(self, key: str, otherwise: float = 0.0) -> float:
        return _number(self.given.get(key, ""), otherwise)


class Drawing(HTMLParser):
    """A drawing that was read. Raises `Unreadable` where it is none that can be drawn."""

    def __init__(self, svg: bytes) -> None:
        super().__init__()
        self.shapes: list[Shape] = []
        self.box = (0.0, 0.0, 0.0, 0.0)
        self._looks: list[tuple[str, Look, tuple[str, ...]]] = [("", BEGINNING, ())]
        self._unseen = 0
        self._words: Shape | None = None
        self.feed(svg.decode("utf-8", "replace"))
        self.close()
        if not 1 <= self.size.width <= SIDE_MAX or not 1 <= self.size.height <= SIDE_MAX:
            raise Unreadable("a drawing says how large it is")

    @property
    def size(self) -> Size:
        return Size(self.box[2], self.box[3])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        styles = (part.partition(":") for part in given.get("style", "").split(";"))
        given |= {key.strip(): value.strip() for key, _, value in styles}
        if self._unseen or tag in UNSEEN:
            self._unseen += tag not in EMPTY
            return
        _, look, moves = self._looks[-1]
        look = {**look, **{key: given[key] for key in INHERITED if given.get(key, "inherit") != "inherit"}}
        moves = (*moves, given["transform"]) if "transform" in given else moves
        if tag == "svg" and len(self._looks) == 1:
            self.box = _box(given)
        if tag in EMPTY or tag == "text":
            self._add(Shape(tag, given, look, moves))
        if tag not in EMPTY:
            self._looks.append((tag, look, moves))
        if len(self._looks) > DEPTH_MAX:
            raise Unreadable("too deep")

    def _add(self, shape: Shape) -> None:
        self.shapes.append(shape)
        self._words = shape if shape.kind == "text" else self._words
        if len(self.shapes) > SHAPES_MAX:
            raise Unreadable("too many shapes")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._unseen -= tag not in EMPTY
        elif tag not in EMPTY and len(self._looks) > 1:
            self._words = None if tag == "text" else self._words
            self._looks.pop()

    def handle_data(self, data: str) -> None:
        if self._words and not self._unseen:
            self._words.words += data

    def draw(self, pen: Pen, x: float, y: float, scale: float) -> None:
        """Draw with the lower left corner at (x, y), `scale` points for each unit."""
        canvas = pen.canvas
        canvas.saveState()
        canvas.transform(scale, 0, 0, -scale, x - self.box[0] * scale, y + (self.box[1] + self.box[3]) * scale)
        frame = canvas.beginPath()
        frame.rect(*self.box)
        canvas.clipPath(frame, stroke=0, fill=0)
        for shape in self.shapes:
            canvas.saveState()
            _draw(shape, pen)
            canvas.restoreState()
        canvas.restoreState()


def _draw(shape: Shape, pen: Pen) -> None:
    for move in shape.moves:
        for matrix in _matrices(move):
            pen.canvas.transform(*matrix)
    fill, stroke = (_colour(shape.look[key], shape.look) for key in ("fill", "stroke"))
    if shape.kind == "text":
        _write(shape, pen, fill)
        return
    path = _path(shape, pen.canvas)
    if fill:
        pen.canvas.setFillColor(fill)
    if stroke:
        pen.canvas.setStrokeColor(stroke)
        _set_line(pen.canvas, shape.look)
    pen.canvas.drawPath(path, stroke=int(stroke is not None), fill=int(fill is not None and shape.kind != "line"))


def _write(shape: Shape, pen: Pen, fill: Color | None) -> None:
    is_bold = shape.look.get("font-weight", "") in ("bold", "bolder", "600", "700", "800", "900")
    role = "strong" if is_bold else "emphasis" if shape.look.get("font-style") == "italic" else "plain"
    words = pen.letters.printable(" ".join(shape.words.split())[:500])
    size = min(max(_number(shape.look["font-size"], 16.0), 1.0), 500.0)
    line = [Piece(words, role)]
    shift = {"middle": 0.5, "end": 1.0}.get(shape.look.get("text-anchor", ""), 0.0) * pen.width(line, size)
    pen.canvas.transform(1, 0, 0, -1, shape.number("x") - shift, shape.number("y"))
    pen.canvas.setFillColor(fill or "black")
    pen.write(line, 0, 0, size)


def _path(shape: Shape, canvas: Canvas) -> PDFPathObject:
    path = canvas.beginPath()
    number = shape.number
    match shape.kind:
        case "rect":
            round_by = number("rx", number("ry"))
            round_by = max(0.0, min(round_by, number("width") / 2, number("height") / 2))
            path.roundRect(number("x"), number("y"), number("width"), number("height"), round_by)
        case "circle":
            path.circle(number("cx"), number("cy"), number("r"))
        case "ellipse":
            rx, ry = number("rx"), number("ry")
            path.ellipse(number("cx") - rx, number("cy") - ry, 2 * rx, 2 * ry)
        case "line":
            path.moveTo(number("x1"), number("y1"))
            path.lineTo(number("x2"), number("y2"))
        case _:
            _follow(path, shape.steps)
    return path


def _steps(kind: str, given: Look) -> list[Step]:
    match kind:
        case "path":
            return outline(given.get("d", ""))
        case "polyline" | "polygon" if given.get("points", "").strip():
            return outline(f"M{given['points']}{'Z' if kind == 'polygon' else ''}")
    return []


def _follow(path: PDFPathObject, steps: Sequence[Step]) -> None:
    for kind, points in steps:
        match kind:
            case "M":
                path.moveTo(*points)
            case "L":
                path.lineTo(*points)
            case "C":
                path.curveTo(*points)
            case _:
                path.close()


def _set_line(canvas: Canvas, look: Look) -> None:
    canvas.setLineWidth(max(0.0, _number(look["stroke-width"], 1.0)))
    canvas.setLineCap(CAPS.get(look.get("stroke-linecap", ""), 0))
    canvas.setLineJoin(JOINS.get(look.get("stroke-linejoin", ""), 0))
    dashes = [abs(_number(found, 0.0)) for found in NUMBER.findall(look.get("stroke-dasharray", ""))[:8]]
    if any(dashes):
        canvas.setDash(dashes)


def _matrices(move: str) -> Iterator[tuple[float, ...]]:
    """Yield the transformations of an attribute (SVG 1.1, 7.6) as matrices. reportlab turns about the origin."""
    for kind, inner in TRANSFORM.findall(move)[:20]:
        n = [_number(found, 0.0) for found in NUMBER.findall(inner)]
        match kind, n:
            case "matrix", [a, b, c, d, e, f]:
                yield a, b, c, d, e, f
            case "translate", [x, *rest]:
                yield 1, 0, 0, 1, x, rest[0] if rest else 0
            case "scale", [x, *rest]:
                yield x, 0, 0, rest[0] if rest else x, 0, 0
            case "rotate", [angle, *rest]:
                x, y = rest if len(rest) == 2 else (0.0, 0.0)
                cosine, sine = cos(radians(angle)), sin(radians(angle))
                yield cosine, sine, -sine, cosine, x - cosine * x + sine * y, y - sine * x - cosine * y


def _colour(said: str, look: Look) -> Color | None:
    """Return a colour; None where nothing is to be painted. What is not understood is painted black."""
    said = said.strip().casefold()
    said = look.get("color", "black").strip().casefold() if said == "currentcolor" else said
    if said in ("none", "transparent") or said.startswith("url("):
        return None
    if not COLOUR.fullmatch(said):
        return toColor("black")
    doubled = "#" + "".join(digit * 2 for digit in said[1:]) if len(said) == 4 and said[0] == "#" else said
    return toColor(doubled, toColor("black"))


def _box(given: Look) -> tuple[float, float, float, float]:
    numbers = [_number(found, 0.0) for found in NUMBER.findall(given.get("viewbox", ""))]
    if len(numbers) == 4:
        return numbers[0], numbers[1], numbers[2], numbers[3]
    return 0.0, 0.0, _number(given.get("width", ""), 0.0), _number(given.get("height", ""), 0.0)


def _number(said: str, otherwise: float) -> float:
    found = NUMBER.match(said.strip())
    value = float(found[0]) if found else otherwise
    return value if isfinite(value) and abs(value) <= 1e6 else otherwise
