"""Text, letter by letter: each is foreseen from what followed the same letters before.

For the next letter there are candidates, the likeliest first. "Is it this one?" is a bit, foreseen by a mix of what the last one
to six letters tell, in the texts the project ships and in those both ends hold; after "no" to twelve, the letter is spelled.
"""

from __future__ import annotations

from typing import Final

from mesh.aircode.arithmetic import Bits, Choice
from mesh.aircode.letters import END, GAP, ORDERS, Followers, Letters
from mesh.aircode.logistic import LEARNING, WEIGHT, squash, stretches

CANDIDATES: Final = 12
RANKS: Final = 5  # so many ranks of candidates have weights of their own
CLASSES: Final = 12  # of counts
COUNTED: Final = 64  # from here on all counts are of the last class
COUNTS: Final = (*range(7), 6, 7, 7, 7, 7, *[8] * 8, *[9] * 12, *[10] * 32, CLASSES - 1)
SOURCES: Final = 2  # what both ends hold, and what the project ships
CASES_MAX: Final = 250
RATES: Final = tuple(65536 * 2 // (2 * count + 3) for count in range(CASES_MAX + 1))
Guess = tuple[int, Followers, int]  # where it stands, what followed, how often in all


class Skill:
    """What practice has taught: how far to trust which kind of case. It goes on learning; `copy` before use."""

    def __init__(self, trust: list[int], cases: list[int], weights: list[list[int]], spelling: Choice) -> None:
        self.trust = trust
        self.cases = cases
        self.weights = weights
        self.spelling = spelling

    @classmethod
    def none(cls) -> Skill:
        """Return what is known before any practice."""
        states = SOURCES * ORDERS * CLASSES * CLASSES
        weights = [[WEIGHT] * (SOURCES * ORDERS) for _ in range(RANKS * (ORDERS + 1))]
        return cls([_first(state) for state in range(states)], [4] * states, weights, Choice(8))

    def copy(self) -> Skill:
        weights = [one.copy() for one in self.weights]
        return Skill(self.trust.copy(), self.cases.copy(), weights, self.spelling.copy())


def _first(state: int) -> int:
    """Return how probable a candidate is at first that came so often, and others so often, in classes."""
    hits, misses = state // CLASSES % CLASSES, state % CLASSES
    return min(65000, max(500, (2 * hits + 1) * 65536 // (2 * (hits + misses) + 4)))


class TextModel:
    """Texts as bits. What it has said or heard it expects again."""

    def __init__(self, skill: Skill, shipped: Letters, held: Letters) -> None:
        self._skill = skill
        self._sources = (held, shipped)
        self._held = held
        self._stretches = stretches()

    def text(self, bits: Bits | None, given: bytes, length_max: int) -> bytes | None:
        """Take or give one text without END; None where it is longer than `length_max` bytes."""
        said = bytearray(GAP)
        for place in range(length_max + 1):
            byte = self._letter(bits, bytes(said[-ORDERS:]), given[place] if place < len(given) else END)
            if byte == END:
                text = bytes(said[ORDERS:])
                self._held.learn(text)
                return text
            said.append(byte)
        return None

    def _letter(self, bits: Bits | None, context: bytes, given: int) -> int:
        guesses, ranked, highest = self._guesses(context)
        weights = self._skill.weights
        for rank, byte in enumerate(ranked):
            row = (rank if rank < RANKS else RANKS - 1) * (ORDERS + 1) + highest
            bit, guesses = self._is(bits, guesses, weights[row], byte, int(byte == given))
            if bit:
                return byte
        return self._skill.spelling.take(bits, given)

    def _guesses(self, context: bytes) -> tuple[list[Guess], list[int], int]:
        """Return what each source tells after one to six letters, the candidates, and how far back one was found."""
        guesses: list[Guess] = []
        scores: dict[int, int] = {}
        highest = 0
        for number, source in enumerate(self._sources):
            told = source.told(context)
            guesses += [(number * ORDERS + order, *one) for order, one in enumerate(told.after)]
            highest = max(highest, len(told.after))
            for byte, score in told.scores.items():
                scores[byte] = scores.get(byte, 0) + score
        ranked = sorted([score << 8 | END - byte for byte, score in scores.items()], reverse=True)
        return guesses, [END - (one & END) for one in ranked[:CANDIDATES]], highest

    def _is(
        self, bits: Bits | None, guesses: list[Guess], weights: list[int], byte: int, given: int
    ) -> tuple[int, list[Guess]]:
        """Take or give whether the next letter is `byte`; return it, and the guesses at all other letters.

        The mix is that of logistic.py. It stands here in one piece, as most of the time that a packet takes is spent here.
        """
        trust, cases, stretched = self._skill.trust, self._skill.cases, self._stretches
        asked: list[tuple[int, int, int]] = []
        left: list[Guess] = []
        dot = 0
        for one in guesses:
            place, followers, total = one
            hits = followers.get(byte, 0)
            misses = total - hits
            state = (place * CLASSES + COUNTS[hits if hits < COUNTED else COUNTED]) * CLASSES
            state += COUNTS[misses if misses < COUNTED else COUNTED]
            logit = stretched[trust[state] >> 4]
            dot += logit * weights[place]
            asked.append((place, state, logit))
            if misses:
                left.append((place, followers, misses) if hits else one)
        guess = squash(dot >> 16)
        bit = given if bits is None else bits.bit(guess << 4, given)
        error, goal = ((bit << 12) - guess) * LEARNING, 65535 if bit else 0
        for place, state, logit in asked:
            weights[place] += (logit * error + 0x2000) >> 14
            seen = cases[state]
            trust[state] += (goal - trust[state]) * RATES[seen] >> 16
            if seen < CASES_MAX:
                cases[state] = seen + 1
        return bit, left
