"""Text, letter by letter: each is foreseen from what followed the same letters before.

For the next letter there are candidates, the likeliest first. "Is it this one?" is a bit, foreseen by a mix of what the last one
to six letters tell, in the texts the project ships and in those both ends hold; after "no" to twelve, the letter is spelled.
"""

from __future__ import annotations

from typing import Final

from mesh.aircode.arithmetic import Bits, Chances
from mesh.aircode.letters import END, GAP, ORDERS, Followers, Letters
from mesh.aircode.logistic import WEIGHT, corrected, mixed, stretches

CANDIDATES: Final = 12
RANKS: Final = 5  # so many ranks of candidates have weights of their own
COUNTS: Final = (*range(7), 6, 7, 7, 7, 7, *[8] * 8, *[9] * 12, *[10] * 32)
CLASSES: Final = 12  # of counts
SOURCES: Final = 2  # what both ends hold, and what the project ships
ESTEEM: Final = (4, 1)  # how much each source's followers count in the ranking
CASES_MAX: Final = 250
LESSON_MAX: Final = 256  # of one text, so many bytes teach
LESSONS_MAX: Final = 48 * 1024  # and so many of all
RATES: Final = tuple(65536 * 2 // (2 * count + 3) for count in range(CASES_MAX + 1))
Guess = tuple[int, Followers, int]  # where it stands, what followed, how often in all


def _class(count: int) -> int:
    return COUNTS[count] if count < len(COUNTS) else CLASSES - 1


class Skill:
    """What practice has taught: how far to trust which kind of case. It goes on learning; `copy` before use."""

    def __init__(self) -> None:
        states = SOURCES * ORDERS * CLASSES * CLASSES
        self.trust = [_first(state) for state in range(states)]
        self.cases = [4] * states
        self.weights = [[WEIGHT] * (SOURCES * ORDERS) for _ in range(RANKS * (ORDERS + 1))]
        self.spelling = Chances()

    def copy(self) -> Skill:
        other = Skill()
        other.trust, other.cases = self.trust.copy(), self.cases.copy()
        other.weights = [weights.copy() for weights in self.weights]
        other.spelling = self.spelling.copy()
        return other


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
        self._room = LESSONS_MAX
        self._stretches = stretches()

    def learn(self, text: bytes) -> None:
        """Remember a text that both ends hold: how it begins, and as long as there is room."""
        lesson = text[:LESSON_MAX]
        if len(lesson) <= self._room:
            self._room -= len(lesson)
            self._held.learn(lesson)

    def text(self, bits: Bits, given: bytes, length_max: int) -> bytes | None:
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

    def _letter(self, bits: Bits, context: bytes, given: int) -> int:
        guesses, scores, highest = self._guesses(context)
        ranked = sorted(scores, key=lambda byte: (-scores[byte], byte))[:CANDIDATES]
        for rank, byte in enumerate(ranked):
            weights = self._skill.weights[min(rank, RANKS - 1) * (ORDERS + 1) + highest]
            if self._is(bits, guesses, weights, byte, int(byte == given)):
                return byte
            guesses = [
                (place, followers, total - followers.get(byte, 0))
                for place, followers, total in guesses
                if total > followers.get(byte, 0)
            ]
        return self._skill.spelling.choice(bits, 0, given, 8)

    def _guesses(self, context: bytes) -> tuple[list[Guess], dict[int, int], int]:
        """Return what each source tells after one to six letters, the candidates' scores, and how far back one was found."""
        guesses: list[Guess] = []
        scores: dict[int, int] = {}
        highest = 0
        for number, source in enumerate(self._sources):
            for order, followers in enumerate(source.after(context)):
                if not followers:
                    break
                total = sum(followers.values())
                guesses.append((number * ORDERS + order, followers, total))
                highest = max(highest, order + 1)
                share = (ESTEEM[number] << 2 * order + 10) // (total + 1)
                for byte, count in followers.items():
                    scores[byte] = scores.get(byte, 0) + share * count
        return guesses, scores, highest

    def _is(self, bits: Bits, guesses: list[Guess], weights: list[int], byte: int, given: int) -> int:
        """Take or give whether the next letter is `byte`."""
        skill = self._skill
        logits, places, states = [], [], []
        for place, followers, total in guesses:
            hits = followers.get(byte, 0)
            state = (place * CLASSES + _class(hits)) * CLASSES + _class(total - hits)
            logits.append(self._stretches[skill.trust[state] >> 4])
            places.append(place)
            states.append(state)
        guess = mixed(logits, weights, places)
        bit = bits.bit(guess << 4, given)
        corrected(logits, weights, places, guess, bit)
        for state in states:
            cases = skill.cases[state]
            skill.trust[state] += ((65535 if bit else 0) - skill.trust[state]) * RATES[cases] >> 16
            if cases < CASES_MAX:
                skill.cases[state] = cases + 1
        return bit
