"""The experiments of docs/break-it.md print what the document says."""

import contextlib
import io
import re

import pytest

from tests.scripts import ROOT

DOCUMENT = ROOT / "docs" / "break-it.md"
NUMBER = re.compile(r"\d+(?:[.,]\d+)?%?")


def said_in(example):
    """What the comments say that it prints: after a print, or in lines of their own."""
    for line in example.splitlines():
        before, found, comment = line.rpartition("# ")
        if found and (not before or "print(" in before):
            yield comment


def test_every_experiment_prints_what_its_comments_say():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count("\n## ") == 10
    names: dict = {}
    for example in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(example, names)  # in a row, as somebody does who works through the page
        lines, said = printed.getvalue().splitlines(), list(said_in(example))
        assert [NUMBER.sub("N", line) for line in lines] == [NUMBER.sub("N", line) for line in said]
        for line, expected in zip(lines, said, strict=True):
            for found, right in zip(NUMBER.findall(line), NUMBER.findall(expected), strict=True):
                # Another BLAS rounds differently, and training amplifies that: by a few images of 360, or a unit.
                allowed = {"abs": 4} if right.endswith("%") else {"abs": 1} if right.isdigit() else {"rel": 0.15}
                assert number(found) == pytest.approx(number(right), **allowed), f"{line!r}, said {expected!r}"


def number(text):
    return float(text.rstrip("%").replace(",", ""))
