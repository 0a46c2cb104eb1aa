"""What the documents promise: examples run as written, links lead somewhere, numbers in them are those of the code."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import nn_from_scratch as nn
from tests.scripts import ROOT

DOCUMENTS = [path for place in ("*.md", "docs/*.md", "course/*/README.md") for path in sorted(ROOT.glob(place))]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def code_blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readmes_examples_print_what_their_comments_say(tmp_path, monkeypatch):
    example = "".join(code_blocks(ROOT / "README.md"))
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    monkeypatch.chdir(tmp_path)  # they write a file
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})  # as written
    said = [line.partition("# ")[2] for line in example.splitlines() if line.startswith(("# ", "print("))]
    lines = printed.getvalue().splitlines()
    assert [NUMBER.sub("N", line) for line in lines] == [NUMBER.sub("N", line) for line in said]
    numbers = [[float(number) for line in text for number in NUMBER.findall(line)] for text in (lines, said)]
    # Another BLAS rounds sums differently, and training amplifies that: the last digit may differ by a little.
    assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.011)


def test_each_example_is_at_most_twelve_lines_of_code():
    for example in code_blocks(ROOT / "README.md"):
        assert sum(bool(line.strip()) and not line.startswith("#") for line in example.splitlines()) <= 12


def test_every_step_of_the_guide_to_a_new_layer_can_be_done_as_written(tmp_path):
    """In a copy of the project: the file, the two lines of the table, and then the commands, line by line."""
    guide = ROOT / "docs" / "adding-a-layer.md"
    for name in ("nn_from_scratch", "tests", "pyproject.toml", "train.py", "evaluate.py"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    layer, table = code_blocks(guide)
    (tmp_path / re.match(r"# (\S+)\n", layer)[1]).write_text(layer, encoding="utf-8")
    path = tmp_path / re.match(r"# (\S+)\n", table)[1]
    importing, line = (line for line in table.splitlines()[1:] if line)
    text = path.read_text(encoding="utf-8")
    there = line.replace(", Tanh", "")
    assert text.count(f"\n{there}\n") == 1, "the guide shows a line of the table as it is, with one name more"
    path.write_text(text.replace(there, line).replace("\nfrom ", f"\n{importing}\nfrom ", 1), encoding="utf-8")

    (commands,) = re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), flags=re.DOTALL)
    outputs = []
    for command in commands.splitlines():
        program, *arguments = shlex.split(command)
        start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        result = subprocess.run([*start, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        outputs.append(result.stdout)
    assert "Tanh" in outputs[0]
    assert (tmp_path / "tanh.png").exists()
    passed = int(re.search(r"(\d+) passed", outputs[2])[1])
    assert passed >= 40, "two shapes and the two precisions of every invariant"


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
