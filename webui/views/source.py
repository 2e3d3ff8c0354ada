"""This software's own source, for everybody who uses it here (AGPL-3.0 section 13), and for the street's next node."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, send_file, url_for

from webui.signin import node
from webui.source import kept_source

pages = Blueprint("source", __name__)


@pages.get("/source")
def show() -> str:
    """Tell what can be taken along."""
    return render_template("source.html", download=url_for("source.take"), version=node().version)


@pages.get("/source.tar.gz")
def take() -> Response:
    """Hand out the source as it runs here."""
    name = f"hedgerow-{node().version}"
    return send_file(
        kept_source(name), "application/gzip", as_attachment=True, download_name=f"{name}.tar.gz", etag=False
    )
