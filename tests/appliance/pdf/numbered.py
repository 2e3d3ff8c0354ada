"""PDFs whose pages say their number, and what poppler sees on a sheet."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas


def numbered(pages: int, width: float = 420, height: float = 595) -> bytes:
    """Return a PDF whose pages bear `p1`, `p2`, … in their middle and `h1`, `h2`, … at their head."""
    whole = BytesIO()
    canvas = Canvas(whole, (width, height), invariant=1)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica", 40)
        canvas.drawCentredString(width / 2, height / 2 - 14, f"p{number}")
        canvas.setFont("Helvetica", 20)
        canvas.drawCentredString(width / 2, height - 40, f"h{number}")
        canvas.rect(2, 2, width - 4, height - 4)
        canvas.showPage()
    canvas.save()
    return whole.getvalue()


def said(*words: str | Path) -> str:
    """Run a judge from outside; it must be content."""
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def check(file: Path) -> None:
    """Qpdf finds nothing wrong in the file."""
    assert "No syntax or stream encoding errors found" in said("qpdf", "--check", file)


def seen(file: Path) -> list[dict[str, tuple[float, float]]]:
    """Return for each sheet side every word with the middle of its box, as shares of the sheet from its upper left corner."""
    sides = []
    for page in re.split(r"<page ", said("pdftotext", "-bbox", file, "-"))[1:]:
        width, height = (float(found) for found in re.findall(r'(?:width|height)="([\d.]+)"', page)[:2])
        pattern = r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">([^<]*)</word>'
        words = {
            word: ((float(x0) + float(x1)) / 2 / width, (float(y0) + float(y1)) / 2 / height)
            for x0, y0, x1, y1, word in re.findall(pattern, page)
        }
        sides.append(words)
    return sides
