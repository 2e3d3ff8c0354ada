"""The versions of this node: which one runs, which lies ready, and the way back."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from appliance.errors import Refused
from appliance.updates.flaws import Flaw
from appliance.updates.held import Wish
from appliance.updates.last import Last, Outcome
from webui import forms
from webui.languages import gettext, lazy_gettext
from webui.refusals import page
from webui.signin import keepers_only, node
from webui.words import sentence

pages = Blueprint("updates", __name__)

OUTCOMES: Final = {
    Outcome.WRITING: lazy_gettext("Version %(version)s was being written when that was cut short. Ask for it again."),
    Outcome.TRYING: lazy_gettext(
        "Version %(version)s is on trial for some minutes. If it does not hold, version %(before)s starts again by itself."
    ),
    Outcome.GOOD: lazy_gettext("The last change, from version %(before)s to %(version)s, holds."),
    Outcome.FELL_BACK: lazy_gettext(
        "Version %(version)s did not hold, so version %(before)s runs again. Nothing was lost."
    ),
}


@pages.get("/steward/update")
@keepers_only
def show() -> Response:
    """Show what runs, what lies ready, and what became of the last update."""
    return _page()


@pages.post("/steward/update")
@keepers_only
def ask() -> Response | Redirect:
    """Ask for another version; the service that may write it starts the node anew."""
    versions, wanted = node().versions(), forms.line("do")
    ready = versions.ready
    try:
        if wanted == "back":
            if not versions.back:
                raise Refused(Flaw.NOTHING_BEFORE)
            node().wish_for(Wish.GO_BACK)
        elif not versions.is_card:
            raise Refused(Flaw.NO_CARD)
        elif ready is None:
            raise Refused(Flaw.NONE_THERE, place=gettext("this node"))
        else:
            node().wish_for(Wish.AGAIN if ready.failed else Wish.APPLY)
    except Refused as refusal:
        return _page(refusal)
    return redirect(url_for("updates.show", said="asked"), 303)


@pages.post("/steward/update/neighbours")
@keepers_only
def let_come() -> Redirect:
    """Say whether new versions may come from neighbours' pages."""
    node().let_versions_come(forms.line("may") == "yes")
    return redirect(url_for("updates.show"), 303)


def _page(refusal: Refused | None = None) -> Response:
    versions = node().versions()
    return page(
        "update.html",
        refusal,
        versions=versions,
        came=_words(versions.last) if versions.last else "",
        why=sentence(versions.refusal) if versions.refusal else "",
        fetches=node().fetches_versions(),
        asked=request.args.get("said") == "asked",
    )


def _words(last: Last) -> str:
    return str(OUTCOMES[last.outcome]) % {"version": last.version, "before": last.before}
