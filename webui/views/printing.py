"""Fold and print: which sheets somebody wants, how they are folded, and the sheets themselves."""

from __future__ import annotations

import os
from base64 import b64encode
from typing import BinaryIO, Final

from flask import Blueprint, Response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.archive import folding
from appliance.archive.imposition import Layout, Turning
from appliance.archive.paper import PAPERS, PrintOrder
from appliance.desks.printing import read_order
from appliance.errors import Refused
from webui import forms
from webui.languages import gettext, lazy_gettext
from webui.refusals import page
from webui.signin import node, visitor

pages = Blueprint("printing", __name__)

LAYOUTS: Final = {
    Layout.BOOKLET: lazy_gettext("A booklet: half a sheet a page, stapled in the fold"),
    Layout.MINI: lazy_gettext("A mini-zine: eight small pages on one sheet, one cut, no staples"),
    Layout.PAGES: lazy_gettext("Single pages, not folded"),
}
PRINTERS: Final = {
    Turning.SHORT_EDGE: lazy_gettext("On both sides, turned about the short edge"),
    Turning.LONG_EDGE: lazy_gettext("On both sides, turned about the long edge"),
    Turning.BY_HAND: lazy_gettext("On one side; I turn the stack over, all of it at once"),
    Turning.BY_HAND_LAST_FIRST: lazy_gettext("On one side; I put the stack back as it came out"),
}
FOLDINGS: Final = {
    Layout.MINI: lazy_gettext("How to fold the mini-zine"),
    Layout.BOOKLET: lazy_gettext("How to fold the booklet"),
}
MARGINS_MM: Final = (0, 5, 8, 10)
ORDINARY: Final = PrintOrder(Layout.BOOKLET)


@pages.get("/archive/<zine_id>/print")
def show(zine_id: str) -> Response:
    """Offer ways to print a zine, and tell how it is folded."""
    return _page(zine_id, ORDINARY)


@pages.get("/archive/<zine_id>/print/sheets")
def sheets(zine_id: str) -> Response | Redirect:
    """Make the sheets and hand them out. Without a choice, go back to where one is made."""
    if "layout" not in request.args:
        return redirect(url_for("printing.show", zine_id=zine_id), 303)
    order = ORDINARY
    try:
        order = _chosen()
        made = node().print_zine(zine_id, order, visitor(), gettext)
    except Refused as refusal:
        return _page(zine_id, order, refusal)
    return _sent(made, f"{order.layout.value}-{order.paper}.pdf")


@pages.get("/archive/print/test")
def trial() -> Response | Redirect:
    """Hand out the test sheet for a printer."""
    if "printer" not in request.args:
        return redirect(url_for("archive.show"), 303)
    return _sent(node().print_trial(_chosen(), gettext), "test-sheet.pdf")


def _chosen() -> PrintOrder:
    layout, paper = forms.asked("layout") or ORDINARY.layout.value, forms.asked("paper") or ORDINARY.paper
    margin = forms.asked("margin")
    printer = forms.asked("printer") or ORDINARY.turning.value
    return read_order(layout, paper, printer, float(margin) if margin.isascii() and margin.isdigit() else 0.0)


def _sent(made: BinaryIO, name: str) -> Response:
    response = send_file(made, mimetype="application/pdf", as_attachment=True, download_name=name, max_age=None)
    response.content_length = os.fstat(made.fileno()).st_size
    return response


def _page(zine_id: str, order: PrintOrder, refusal: Refused | None = None) -> Response:
    zine = node().zine(zine_id, visitor())
    return page(
        "print.html",
        refusal,
        zine=zine,
        may_print=node().may_print(zine),
        order=order,
        layouts=LAYOUTS,
        papers=tuple(PAPERS),
        printers=PRINTERS,
        margins=MARGINS_MM,
        foldings=[(words, list(map(_shown, folding.steps(layout)))) for layout, words in FOLDINGS.items()],
    )


def _shown(step: folding.Step) -> tuple[str, str]:
    """Return a step's words and its drawing as an address within the page."""
    return gettext(step.words.value), "data:image/svg+xml;base64," + b64encode(step.svg.encode()).decode()
