"""`hedgerow bench portal`: what a search of two thousand zines costs, beside the same questions asked of FTS5 by hand.

Both are asked in one run, of one database, by one thread; what counts is processor time. A figure is the 95th percentile over
the questions of one kind, each taken as the middle of several rounds, since other programs run here too. Ratios compare across
machines; milliseconds do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from appliance import founding
from appliance.bench.library import STOP_WORDS, Library
from appliance.node import Node
from appliance.settings import Archive, Settings
from appliance.store import searching

ROUNDS: Final = 5
ASKED: Final = 30  # questions of each kind
SHOWN: Final = 20  # zines on a page

# One page of zines with what stands on their covers, the best first; and the same with the words around what was found.
BY_HAND: Final = (
    "SELECT zine.*, log.log, log.node{} FROM zine_words JOIN zine ON zine.no = zine_words.rowid JOIN log ON log.no = zine.log_no"
    " WHERE zine_words MATCH ? ORDER BY rank LIMIT 20"
)
WITH_WORDS: Final = ", snippet(zine_words, -1, '<', '>', '', 12)"

Ask = Callable[[str], object]
Figures = dict[str, float]


def measure() -> tuple[Figures, Figures]:
    """Return the figures of this program, and those of FTS5 by hand."""
    library = Library()
    with _node() as node:
        library.shelve(node)
        return compared(node, questions(library))


def questions(library: Library) -> dict[str, list[str]]:
    """Return what is asked, by kinds."""
    chance, texts = Random(5), library.texts
    kinds = {
        "rare_word": chance.sample(library.latin, ASKED),
        "accents_left_out": [searching.folded(word) for word in _accented(library, chance)],
        "two_words": [" ".join(chance.sample(texts[number].split(), 2)) for number in range(3, 5 * ASKED + 3, 5)],
        "stop_word": list(STOP_WORDS) * 4,
        "beginning": [word[:3] for word in chance.sample(library.latin, ASKED)],
        "chinese": [texts[number][20:22] for number in range(0, 5 * ASKED, 5)],
        "japanese": [texts[number][20:22] for number in range(1, 5 * ASKED, 5)],
        "korean": [texts[number][80:82] for number in range(1, 5 * ASKED, 5)],
        "arabic": chance.sample(library.arabic, ASKED),
    }
    return kinds | {"all": [query for queries in kinds.values() for query in queries]}


def _accented(library: Library, chance: Random) -> list[str]:
    return chance.sample([word for word in library.latin if not word.isascii()], ASKED)


def compared(node: Node, kinds: Mapping[str, list[str]]) -> tuple[Figures, Figures]:
    """Ask everything both ways; `search` finds a page of zines, `sentences` shows what was found in its sentence too."""

    def by_hand(query: str, more: str = "") -> object:
        return node.database.rows(BY_HAND.format(more), searching.all_words(query))

    def with_sentences(query: str) -> object:
        return node.passages(query, node.zines(query, limit=SHOWN).rows)

    ways: Mapping[str, tuple[Ask, Ask]] = {
        "search": (node.zines, by_hand),
        "sentences": (with_sentences, lambda query: by_hand(query, WITH_WORDS)),
    }
    ours: Figures = {}
    theirs: Figures = {}
    for way, (here, there) in ways.items():
        for kind, queries in kinds.items():
            name = f"{way}_{kind}_p95_ms"
            ours[name], theirs[name] = p95_ms(here, queries), p95_ms(there, queries)
            ours[f"{way}_{kind}_ratio"] = ours[name] / theirs[name]
    return ours, theirs


def p95_ms(ask: Ask, queries: list[str]) -> float:
    """Return the processor time that all but one question in twenty stay below."""
    times = sorted(median(_cost_s(ask, query) for _ in range(ROUNDS)) for query in queries)
    return times[int(len(times) * 0.95)] * 1000


def _cost_s(ask: Ask, query: str) -> float:
    began = time.thread_time()
    ask(query)
    return time.thread_time() - began


@contextmanager
def _node() -> Iterator[Node]:
    with TemporaryDirectory() as directory:
        settings = Settings(Path(directory) / "node", "Elm", "Street", archive=Archive(free_space_floor_bytes=0))
        founding.found(settings)
        node = Node.open(settings.data)
        try:
            yield node
        finally:
            node.close()
