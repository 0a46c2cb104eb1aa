"""The documents keep their promises: examples run as written, and the sections and files that they name exist.

.ci/run checks their links, with lychee.
"""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache

import pytest

import nn_from_scratch as nn
from benchmarks.report import quantity
from tests.scripts import ROOT

PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
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


def test_no_document_keeps_the_marks_of_a_merge():
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("course/*/*.md")]:
        assert not re.search(r"^(<{7}|={7}|>{7})", document.read_text(encoding="utf-8"), flags=re.MULTILINE), document


def test_each_example_is_at_most_twelve_lines_of_code():
    for example in code_blocks(ROOT / "README.md"):
        assert sum(bool(line.strip()) and not line.startswith("#") for line in example.splitlines()) <= 12


def test_the_readme_is_brief_and_its_tables_repeat_what_the_documents_say():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, _ = readme.partition("\n## Reference\n")
    assert len(before.split()) < 900
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(python train.py[^`]*)` \|[^|]*\| ([\d.]+ ± [\d.]+ %) \|", before, flags=re.MULTILINE)
    assert len(rows) >= 4
    for command, accuracy in rows:
        assert re.search(rf"^\|.*\| {re.escape(accuracy)}[^|]*\| `{command}` \|$", results, flags=re.MULTILINE), command
    by_row = [
        {f"{found['ratio']:.2f}" for found in row["results"].values() if found.get("ratio")}
        for row in measured_rows()
        if row["threads"] == 1
    ]
    speed = re.findall(r"^\| [^|]*\| [\d.]+ m?s \| ([\d.| ]+) \|$", before, flags=re.MULTILINE)
    assert len(speed) == 4
    for shares in speed:
        assert any(set(re.findall(r"[\d.]+", shares)) <= ratios for ratios in by_row), shares


@cache
def measured_rows():
    return json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))["rows"]


# The columns of docs/performance.md whose names differ from those in benchmarks/results.json.
COLUMNS = {"JAX": "JAX jit", "channels_last": "PyTorch channels_last", "both": "torch.compile channels_last"}


def measured_cells(name, threads, columns):
    """What a row of docs/performance.md has to say: our time, and its ratio to each other one, as measured."""

    def parts(row):
        said = {"epochs": "an epoch", "inference": row["case"].rpartition(", ")[2].replace("images", "predictions")}
        return {*re.split(", |: ", row["case"]), said.get(row["group"], "")}

    wanted = set(name.split(", "))
    rows = [row for row in measured_rows() if row["threads"] == threads and wanted <= parts(row)]
    results = min(rows, key=lambda row: len(parts(row)))["results"]
    ratios = [results[COLUMNS.get(column, column)].get("ratio") for column in columns]
    return [
        quantity(results["nn_from_scratch"]["value"], "s"),
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
    ]


def test_the_tables_of_other_libraries_are_what_was_measured():
    tables = re.findall(
        r"^\| (one|two) threads? \| ours \| (.*) \|\n.*\n((?:\|.*\n)+)", PERFORMANCE, flags=re.MULTILINE
    )
    assert len(tables) == 4
    for threads, header, lines in tables:
        columns = [column.removeprefix("÷ ") for column in header.split(" | ")]
        for line in lines.splitlines():
            name, *cells = cells_of(line)
            assert cells == measured_cells(name, 1 if threads == "one" else 2, columns), name


def cells_of(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def lines_below(heading):
    """The cells of every line of the first table below a heading of docs/performance.md."""
    section = PERFORMANCE.partition(f"\n## {heading}\n")[2]
    lines = re.search(r"^\|.*\n\|[-:| ]+\n((?:\|.*\n)+)", section, flags=re.MULTILINE)[1].splitlines()
    return [cells_of(line) for line in lines]


def assert_rounded(text, value):
    """Fails unless "8.51 s", "24 ms", "1,200 µs" or "2.4" is this value, in seconds if it has a unit, rounded."""
    number, _, unit = text.replace(",", "").partition(" ")
    half = 0.5 * 10.0 ** -len(number.partition(".")[2])
    factor = {"": 1, "s": 1, "ms": 1e3, "µs": 1e6}[unit]
    assert abs(float(number) - value * factor) <= half * (1 + 1e-9), (text, value)


def test_the_table_of_goals_is_what_was_measured():
    found = {
        (row["case"].partition(",")[0], str(row["threads"]), row["case"].partition(": ")[2]): row["results"]
        for row in measured_rows()
        if row["group"] == "accuracy"
    }
    lines = lines_below("98 % in a second")
    assert len(lines) == 6
    for goal, _, threads, accuracy, *times in lines:
        training, cold, reached = (
            found[goal, threads, what] for what in ("training alone", "from a cold start", "test accuracy")
        )
        ours = reached["nn_from_scratch"]
        assert accuracy == f"{100 * ours['value']:.2f} ± {100 * ours['spread']:.2f} %"
        pytorch = "PyTorch channels_last" if "PyTorch channels_last" in training else "PyTorch fused"
        names = ("nn_from_scratch", pytorch, "JAX jit")
        values = [results[name]["value"] for results in (training, cold) for name in names]
        for text, value in zip(times, values, strict=True):
            assert_rounded(text, value)


def test_the_table_of_growing_costs_is_what_was_measured():
    found = {
        row["case"]: row["results"] for row in measured_rows() if row["group"] == "scaling" and row["threads"] == 1
    }
    lines = lines_below("How the cost grows")
    assert len(lines) == 7
    for line in lines:
        for kind, (size, *cells) in (("batch size", line[:4]), ("width of the one hidden layer", line[5:])):
            if not size:
                continue
            results = found[f"{kind}: {size.partition(', ')[0].replace(',', '')}"]
            ours, floor = (results[name]["value"] for name in ("nn_from_scratch", "floor"))
            for text, value in zip(cells, (ours, floor, ours / floor), strict=True):
                assert_rounded(text, value)


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
