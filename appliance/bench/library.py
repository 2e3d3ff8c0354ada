"""A shelf of made-up zines in five scripts, the same every time: what searching is tried and measured on."""

from __future__ import annotations

from random import Random
from typing import Final

from appliance.kinds import ZineCard
from appliance.node import Node
from mesh.keys import PUBLIC

ZINES: Final = 2000
SCRIPTS: Final = 5  # of the zine number n: n % 5 is 0 Han, 1 kana and hangul, 2 Arabic, 3 and 4 Latin with accents
STOP_WORDS: Final = ("the", "and", "of", "to", "in", "is", "for")
VOWEL_SIGNS: Final = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
ARABIC: Final = "ابتجحدرسشصطعفقكلمنهوي"
SYLLABLES: Final = ("bdfglm", "aeiouéèüñ", "nrst", "aeio", "lrn")


class Library:
    """Words of made-up languages, and texts of them."""

    def __init__(self) -> None:
        chance = self.chance = Random(20)
        self.latin = ["".join(chance.choice(part) for part in SYLLABLES) for _ in range(4000)]
        self.han = [chr(code) for code in range(0x4E00, 0x4E00 + 1500)]
        self.kana = [chr(code) for code in range(0x30A2, 0x30EF)]
        self.hangul = [chr(code) for code in range(0xAC00, 0xAC00 + 2000, 7)]
        self.arabic = ["".join(chance.choices(ARABIC, k=chance.randint(3, 6))) for _ in range(2500)]
        self.texts = [self._text(number) for number in range(ZINES)]

    def _text(self, number: int) -> str:
        chance = self.chance
        match number % SCRIPTS:
            case 0:
                return "".join(chance.choices(self.han, k=200)) + "。"
            case 1:
                return "".join(chance.choices(self.kana, k=60)) + "".join(chance.choices(self.hangul, k=140))
            case 2:
                return sentences([pointed(word, chance) for word in chance.choices(self.arabic, k=60)])
            case _:
                words = chance.choices(self.latin, k=80) + chance.choices(STOP_WORDS, k=60)
                return sentences(chance.sample(words, len(words)))

    def shelve(self, node: Node) -> None:
        """Publish all texts at a node, as `Zine 0` and so on."""
        with node.saying():
            for number, text in enumerate(self.texts):
                content = text.encode()
                blob = node.shelve_file(content)
                card = ZineCard(blob, len(content), "text/plain", f"Zine {number}", "", "en", "", "", "", "", ())
                node.say(PUBLIC, card.record(0, bytes(16)))


def sentences(words: list[str]) -> str:
    """Write ten words to a sentence."""
    return "\n".join(" ".join(words[at : at + 10]) + "." for at in range(0, len(words), 10))


def pointed(word: str, chance: Random) -> str:
    """Write an Arabic word as one maker or another would: with vowel signs, stretched, with other forms of alef."""
    match chance.randint(0, 3):
        case 0:
            return "".join(letter + chance.choice(VOWEL_SIGNS) for letter in word)
        case 1:
            return word[0] + "\u0640\u0640" + word[1:]
        case 2:
            return word.replace("\u0627", chance.choice("\u0623\u0625\u0622"))
        case _:
            return word
