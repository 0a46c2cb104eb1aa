"""The numbers in a document: found by the sentence around them, and known by the test that checks them.

A test names its sentences, each number in them replaced by a #, and is given the numbers as they stand in the text:

    @says("a gross is # dozen, # in all")
    def test_a_gross(said):
        agree(said, [12, 12 * 12])

So a test fails when the document changes, and when the code does. `unclaimed` lists the numbers that no test names.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

# 0.5, 1,500, 7.038531e-26, 10^{-5}, 3 \cdot 10^{-5}
DECIMAL = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?"
NUMBER = rf"(?:{DECIMAL} \\cdot )?10\^(?:\d+|\{{-?\d+\}})|{DECIMAL}"
SIGNED = rf"[-−]?(?:{NUMBER})"


class Number(float):
    """A number as it is written: its value, and the size of its last digit."""

    digit: float

    def __new__(cls, text: str) -> "Number":
        mantissa, _, power = re.sub("[−,]", lambda sign: "-" if sign[0] == "−" else "", text).partition("10^")
        if not power:  # 12.5, or 1,200, whose zeros may be digits or not
            number = super().__new__(cls, mantissa)
            plain, _, exponent = mantissa.partition("e")
            decimals = len(plain.partition(".")[2])
            zeros = len(plain) - len(plain.rstrip("0")) if not decimals and number else 0
            number.digit = 10.0 ** (zeros - decimals + int(exponent or 0))
            return number
        factor = cls(mantissa.removesuffix(r" \cdot ") or "1")
        exponent = int(power.strip("{}"))
        number = super().__new__(cls, f"{float(factor)!r}e{exponent}")
        number.digit = factor.digit * 10.0**exponent
        return number


def agree(said: Sequence[Number], found: Sequence[float], factor: float = 1.0) -> None:
    """Assert that each number in the text is what was found, rounded to its last digit; a whole number exactly.

    `factor`: how far off what is measured may be on another machine, where the text says so.
    """
    assert len(said) == len(found)
    for number, value in zip(said, found, strict=True):
        if isinstance(value, int):
            assert number == value, f"the text says {float(number)!r}, found {value}"
        else:
            low, high = sorted((value / factor, value * factor))
            half = number.digit / 2 * (1 + 1e-9)
            assert low - half <= number <= high + half, f"the text says {float(number)!r}, found {value!r}"


class Document:
    """A text in Markdown, and the sentences whose numbers are checked."""

    def __init__(self, text: str):
        self.text = text
        self.sentences: list[str] = []
        self.patterns: list[str] = []

    @classmethod
    def read(cls, path: Path) -> "Document":
        return cls(path.read_text(encoding="utf-8"))

    def says(self, *sentences: str) -> Callable:
        """Marks a test of these sentences. It is given their numbers, in order, as the argument `said`."""
        self.sentences += sentences
        return pytest.mark.parametrize("said", [lambda: self.numbers(*sentences)], indirect=True, ids=[""])

    def names(self, pattern: str) -> list[re.Match]:
        """What matches a regular expression: names that hold numbers, all checked by one test."""
        self.patterns.append(pattern)
        return list(re.finditer(pattern, self.text))

    def numbers(self, *sentences: str) -> list[Number]:
        """The numbers where these sentences have a #. Each must be there once."""
        return [Number(self.text[slice(*span)]) for sentence in sentences for span in self._spans(sentence)]

    def _spans(self, sentence: str) -> Iterator[tuple[int, int]]:
        words = [r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in sentence.split("#")]
        found = list(re.finditer(rf"({SIGNED})".join(words), self.text))
        assert len(found) == 1, f"{len(found)} times in the document: {sentence!r}"
        assert found[0].groups(), f"no # in {sentence!r}"
        return (found[0].span(group) for group in range(1, len(words)))

    def unclaimed(self) -> list[str]:
        """The lines with a number that no test names, and the number.

        Left out are 0 and 1, single digits in formulas, names such as float32, code blocks, links and the sources.
        """
        formulas = self._places(r"```math\n.*?```|\$[^$]+\$")
        known = self._places(r"```(?:python|sh)\n.*?```|\]\([^)]*\)|^## Sources\n.*\Z")
        known |= {place for pattern in self.patterns for place in self._places(pattern)}
        known |= {place for sentence in self.sentences for span in self._spans(sentence) for place in range(*span)}
        unclaimed = []
        for number in re.finditer(rf"(?<![A-Za-z\d])(?:{NUMBER})", self.text):
            trivial = number[0] in ("0", "1") or (len(number[0]) == 1 and number.start() in formulas)
            if not trivial and number.start() not in known:
                line = self.text.count("\n", 0, number.start())
                unclaimed.append(f"{number[0]} in line {line + 1}: {self.text.splitlines()[line]}")
        return unclaimed

    def _places(self, pattern: str) -> set[int]:
        matches = re.finditer(pattern, self.text, flags=re.DOTALL | re.MULTILINE)
        return {place for match in matches for place in range(*match.span())}

    def listings(self) -> list[str]:
        """The blocks of Python."""
        return re.findall(r"```python\n(.*?)```", self.text, flags=re.DOTALL)
