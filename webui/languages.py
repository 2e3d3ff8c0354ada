"""Which language a page speaks. The catalogues in `translations/` say what there is; the browser says what it likes.

The only place that knows flask-babel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, cast

import flask_babel
from babel import Locale
from flask import Flask, current_app, has_request_context, request

FALLBACK: Final = "en"

# As flask-babel's, with types. `gettext` speaks at once, `lazy_gettext` when the page is written.
gettext: Final[Callable[..., str]] = flask_babel.gettext
ngettext: Final[Callable[..., str]] = flask_babel.ngettext
lazy_gettext: Final[Callable[..., object]] = flask_babel.lazy_gettext


def join(app: Flask) -> None:
    """Give every template the language and the writing direction of its page."""
    app.config["BABEL_DEFAULT_LOCALE"] = FALLBACK
    babel = flask_babel.Babel(app, locale_selector=_liked)
    with app.app_context():
        app.extensions["spoken"] = sorted({str(locale) for locale in babel.list_translations()} | {FALLBACK})
    app.context_processor(_direction)


def _liked() -> str:
    spoken = cast("list[str]", current_app.extensions["spoken"])
    return (request.accept_languages.best_match(spoken) if has_request_context() else None) or FALLBACK


def _direction() -> dict[str, str]:
    locale = flask_babel.get_locale() or Locale(FALLBACK)
    return {"language": str(locale).replace("_", "-"), "direction": locale.text_direction}


def month(number: int) -> str:
    """Return the name of a month, from 1, as it stands by itself in the page's language."""
    names = (flask_babel.get_locale() or Locale(FALLBACK)).months["stand-alone"]["wide"]
    return str(names[number])


def countries(codes: Collection[str]) -> list[tuple[str, str]]:
    """Return (code, name) of these countries (ISO 3166), in the page's language and in the order of their names."""
    names = (flask_babel.get_locale() or Locale(FALLBACK)).territories
    return sorted(((code, names.get(code, code)) for code in codes), key=lambda pair: pair[1])
