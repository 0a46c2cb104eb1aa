"""What the documents promise: examples run as written, links lead somewhere, numbers in them are those of the code."""

import contextlib
import io
import re

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.layers import Activation
from tests.conftest import derivative_error
from tests.scripts import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def code_blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readmes_example_prints_what_its_comments_say():
    (example,) = code_blocks(ROOT / "README.md")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})  # as written
    said = [line.partition("# ")[2] for line in example.splitlines() if line.startswith(("# ", "print("))]
    lines = printed.getvalue().splitlines()
    assert [NUMBER.sub("N", line) for line in lines] == [NUMBER.sub("N", line) for line in said]
    numbers = [[float(number) for line in text for number in NUMBER.findall(line)] for text in (lines, said)]
    # Another BLAS rounds sums differently, and training amplifies that: the last digit may differ by a little.
    assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.011)


def test_the_example_is_at_most_twelve_lines_of_code():
    (example,) = code_blocks(ROOT / "README.md")
    assert sum(bool(line.strip()) and not line.startswith("#") for line in example.splitlines()) <= 12


def test_the_layer_in_the_guide_has_the_right_gradient():
    source = code_blocks(ROOT / "docs" / "adding-a-layer.md")[0]
    namespace: dict = {}
    exec(source, namespace)
    assert issubclass(namespace["Tanh"], Activation)
    rng = np.random.default_rng(0)
    layer, x, dy = namespace["Tanh"](), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    layer.forward(x, training=True)
    dx = layer.backward_input(dy)
    assert derivative_error(lambda: float((layer.forward(x) * dy).sum()), x, dx, rng) <= 1e-7


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{document.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{document.name} links to {target}"


def test_every_section_that_a_docstring_points_to_is_there():
    headings = re.findall(
        r"^#+ (.*)$", (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    pointers = {
        section
        for file in (ROOT / "nn_from_scratch").rglob("*.py")
        for section in re.findall(r'docs/mathematics\.md, "([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert pointers
    assert pointers <= set(headings)


def test_the_reading_order_names_every_file_it_means():
    order = re.findall(r"^\d+\. +(\S+\.py)", nn.__doc__ or "", flags=re.MULTILINE)
    readme = re.findall(
        r"^\| \d+ \| \[(\S+\.py)\]", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert order == readme
    assert all((ROOT / "nn_from_scratch" / name).exists() for name in order)
