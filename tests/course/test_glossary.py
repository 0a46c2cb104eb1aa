"""The glossary knows every word that the course introduces, and is in order."""

import re

from tests.scripts import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\*\*\[(.+?)\]\(.+\)\*\*<br>$", GLOSSARY, flags=re.MULTILINE)
KNOWN = {word for term in TERMS for word in term.lower().split(", ")}
# What docs/mathematics.md sets in italics: terms under another name than the glossary's, and words that are none.
ELSEWHERE = {
    "dead": "dead unit",
    "decoupled": "weight decay",
    "denormal": "denormal number",
    "partial": "derivative",
    "rate": "dropout",
    "rectified linear unit": "relu",
    "same": "padding",
    "saturated": "saturation",
    "stochastic": "sgd",
    "valid": "padding",
}
ORDINARY = {"becomes", "large", "prediction minus target", "right", "seven", "small", "wrong", "yes"}
PAGE = """
    accuracy, activation, Adam, batch, bias, confusion matrix, epoch, gradient, gradient check, hidden layer, layer,
    learning rate, loss, MNIST, neuron, norm, optimizer, preset, ReLU, seed, SGD, sigmoid, step,
    training set, validation, weight
"""


def test_it_is_in_order_and_brief():
    assert sorted(TERMS, key=str.lower) == TERMS
    assert len(TERMS) >= 80
    for entry in GLOSSARY.split("\n\n**")[1:]:
        assert 2 <= len(entry.strip().splitlines()) <= 3  # the term, and at most two lines


def test_every_word_that_a_chapter_introduces_is_in_it():
    for chapter in sorted((ROOT / "course").glob("*/README.md")):
        for term in re.findall(r"\*\*([a-z][a-z -]+)\*\*", chapter.read_text(encoding="utf-8")):
            forms = {term, term.removesuffix("s"), term.removesuffix("es"), f"{term} schedule"}
            assert forms & KNOWN or term == "stochastic gradient descent", f"{chapter.parent.name}: {term}"


def test_every_term_that_the_mathematics_explains_is_in_it():
    text = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8").partition("## Sources")[0]
    terms = {term.lower() for term in re.findall(r"(?<![*\w])\*(\w[\w -]+)\*(?!\*)", text)} - ORDINARY
    assert len(terms) > 20
    for term in terms:
        assert {ELSEWHERE.get(term, term), term.removesuffix("s")} & KNOWN, term


def test_the_words_of_the_live_page_are_in_it():
    static = ROOT / "nn_from_scratch" / "web" / "static"
    page = "".join((static / name).read_text(encoding="utf-8") for name in ("index.html", "explain.js"))
    for term in (word.strip() for word in PAGE.split(",")):
        assert term.lower() in page.lower(), term
        assert term.lower() in KNOWN, term
