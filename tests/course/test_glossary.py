"""The glossary knows every word that the course introduces, and is in order."""

import re

from tests.scripts import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\*\*\[(.+?)\]\(.+\)\*\*<br>$", GLOSSARY, flags=re.MULTILINE)


def test_it_is_in_order_and_brief():
    assert sorted(TERMS, key=str.lower) == TERMS
    assert len(TERMS) >= 80
    for entry in GLOSSARY.split("\n\n**")[1:]:
        assert 2 <= len(entry.strip().splitlines()) <= 3  # the term, and at most two lines


def test_every_word_that_a_chapter_introduces_is_in_it():
    known = {word for term in TERMS for word in term.lower().split(", ")}
    for chapter in sorted((ROOT / "course").glob("*/README.md")):
        for term in re.findall(r"\*\*([a-z][a-z -]+)\*\*", chapter.read_text(encoding="utf-8")):
            forms = {term, term.removesuffix("s"), term.removesuffix("es"), f"{term} schedule"}
            assert forms & known or term == "stochastic gradient descent", f"{chapter.parent.name}: {term}"
