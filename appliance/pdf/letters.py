"""Letters on paper: which font has them, how wide they are, and what is said where none has them.

The fonts are bundled, so that a zine has the same pages on every node. Chinese, Japanese and Korean need a font of several
megabytes, which is used where the machine has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from unicodedata import category, name

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from appliance.archive.paper import Size
from appliance.archive.scripts import INVISIBLE, has_right_to_left, joined, levels, mirrored, visual_order

FONTS: Final = Path(__file__).parent / "fonts"
ROLES: Final = {
    "plain": "DejaVuSansCondensed",
    "strong": "DejaVuSansCondensed-Bold",
    "emphasis": "DejaVuSansCondensed-Oblique",
    "code": "DejaVuSansMono",
}
# Debian's fonts-droid-fallback and fonts-wqy-microhei.
EAST_ASIAN: Final = (
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
)
CONTROLS: Final = INVISIBLE | dict.fromkeys((*range(32), *range(127, 160), 0xFE0E, 0xFE0F, 0x200C, 0x200D))
UNIT: Final = 1000.0  # widths are kept for letters of this size


class Piece(NamedTuple):
    """Letters in one style. `role` is a key of ROLES."""

    text: str
    role: str = "plain"
    struck: bool = False


class Letters:
    """All the letters one document may use. `unprinted` names the scripts and signs that no font here has."""

    def __init__(self, more_fonts: Sequence[Path] = ()) -> None:
        self.unprinted: set[str] = set()
        self._more = [path for path in more_fonts if path.is_file()]
        self._widths: dict[tuple[str, str], float] = {}
        self._homes: dict[tuple[str, str], str] = {}
        for font in ROLES.values():
            _register(font, FONTS / f"{font}.ttf")

    def printable(self, text: str) -> str:
        """Return a text in letters that can be printed: joined where they join, named in brackets where no font has them."""
        whole = joined(text.expandtabs(4).translate(CONTROLS | {10: None}))
        if whole.isascii() or all(self._home(letter, "plain") for letter in whole):
            return whole
        pieces = []
        for is_known, letters in groupby(whole, lambda letter: bool(self._home(letter, "plain"))):
            run = "".join(letters)
            pieces.append(run if is_known else f"[{self._named(run)}]")
        return "".join(pieces)

    def _named(self, run: str) -> str:
        named = " ".join(dict.fromkeys(_script(letter) for letter in run if category(letter) != "Mn")) or "sign"
        self.unprinted.add(named[:60])
        return named[:60]

    def width(self, piece: Piece, size: float) -> float:
        """Return how wide letters are, in points."""
        known = self._widths.get((piece.text, piece.role))
        if known is None:
            known = sum(pdfmetrics.stringWidth(text, font, UNIT) for font, text in self.fonts(piece))
            self._widths[piece.text, piece.role] = known
        return known * size / UNIT

    def fonts(self, piece: Piece) -> Iterator[tuple[str, str]]:
        """Yield a piece's letters with the font that has them."""
        if piece.text.isascii():
            yield ROLES[piece.role], piece.text
            return
        for font, letters in groupby(piece.text, lambda letter: self._home(letter, piece.role)):
            yield font or ROLES["plain"], "".join(letters)

    def _home(self, letter: str, role: str) -> str:
        """Return the font for a letter, in its role's first; "" where there is none."""
        key = (letter, role)
        if key not in self._homes:
            self._homes[key] = next((font for font in self._candidates(role) if _has(font, letter)), "")
        return self._homes[key]

    def _candidates(self, role: str) -> Iterator[str]:
        yield ROLES[role]
        yield ROLES["plain"]
        for path in self._more:
            _register(path.stem, path)
            yield path.stem


def blank_canvas(into: BinaryIO, page: Size) -> Canvas:
    """Return a canvas whose file is the same for the same pages, and plain binary: what is made here is read by pypdf next."""
    rl_config.useA85 = 0
    return Canvas(into, tuple(page), invariant=1, pageCompression=1)


class Pen:
    """Writes on a canvas."""

    def __init__(self, canvas: Canvas, letters: Letters) -> None:
        self.canvas = canvas
        self.letters = letters

    def write(self, pieces: Sequence[Piece], x: float, y: float, size: float, from_the_right: bool = False) -> None:
        """Write a line of printable pieces, in the order of reading, from `x` on; `y` is its base line."""
        for piece in self._in_drawing_order(pieces, from_the_right):
            begin = x
            for font, text in self.letters.fonts(piece):
                self.canvas.setFont(font, size)
                self.canvas.drawString(x, y, text)
                x += self.letters.width(Piece(text, piece.role), size)
            if piece.struck:
                self.canvas.setLineWidth(size / 18)
                self.canvas.line(begin, y + size * 0.28, x, y + size * 0.28)

    def width(self, pieces: Sequence[Piece], size: float) -> float:
        return sum(self.letters.width(piece, size) for piece in pieces)

    def _in_drawing_order(self, pieces: Sequence[Piece], from_the_right: bool) -> Iterator[Piece]:
        line = "".join(piece.text for piece in pieces)
        if not from_the_right and not has_right_to_left(line):
            for style, alike in groupby(pieces, lambda piece: piece[1:]):
                yield Piece("".join(piece.text for piece in alike), *style)
            return
        owners = [piece for piece in pieces for _ in piece.text]
        ranks = levels(line, from_the_right)
        for owner, places in groupby(visual_order(line, from_the_right), lambda place: owners[place]):
            yield owner._replace(text="".join(mirrored(line[p]) if ranks[p] % 2 else line[p] for p in places))


def _register(font: str, path: Path) -> None:
    if font not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(font, str(path)))


def _has(font: str, letter: str) -> bool:
    return ord(letter) in pdfmetrics.getFont(font).face.charToGlyph


def _script(letter: str) -> str:
    """Name a letter's script, or a sign as a whole, as Unicode does."""
    words = name(letter, "sign").lower()
    return words.split(" ")[0].split("-")[0] if category(letter).startswith("L") else words
