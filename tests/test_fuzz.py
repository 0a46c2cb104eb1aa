"""A few inputs of the fuzz run, so that a reader's traceback doesn't wait for a long one to be found."""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="Windows can't limit the memory and the time of a process like this")

from nn_from_scratch.errors import BadInput
from tests import fuzz
from tests.scripts import ROOT

with tempfile.TemporaryDirectory() as directory:
    NAMES = [parser.name for parser in fuzz.parsers(Path(directory))]


def parser_of(name: str, directory: Path) -> fuzz.Parser:
    return next(parser for parser in fuzz.parsers(directory) if parser.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_read_or_refused(name, tmp_path):
    outcome = fuzz.fuzz(parser_of(name, tmp_path), 100, seed=1, directory=tmp_path)
    assert outcome.bugs == {}
    assert outcome.outcomes["read"] + outcome.outcomes["refused"] == 100
    assert outcome.outcomes["refused"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_damage_is_drawn_from_the_seed(name, tmp_path):
    parser = parser_of(name, tmp_path)

    def inputs(seed: int) -> list[bytes]:
        rng = random.Random(seed)
        return [damage(valid, rng) for damage in parser.damages for valid in parser.valid * 3]

    assert inputs(1) == inputs(1) != inputs(2)


def test_tracebacks_endless_loops_and_messages_of_two_lines_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 0.05)

    def read(path: Path) -> None:
        content = path.read_bytes()
        while content == b"endless":
            pass
        if content == b"two lines":
            raise BadInput("one\ntwo")
        if content == b"bad":
            raise BadInput("bad")
        if content == b"bug":
            raise KeyError("bug")
        if content == b"memory":
            bytearray(fuzz.MEGABYTES * 2**20 * 2)

    for content, kind in {
        b"endless": "more than 0.05 s",
        b"two lines": "a message of several lines",
        b"bug": "KeyError: 'bug'",
        **({b"memory": "MemoryError"} if sys.platform == "linux" else {}),
        b"bad": None,
        b"good": None,
    }.items():
        parser = fuzz.Parser("a test", read, [b"valid"], [lambda valid, rng, content=content: content])
        assert list(fuzz.fuzz(parser, 2, 0, tmp_path).bugs.items()) == ([(kind, content)] if kind else [])


def test_the_command_reports_every_parser_and_that_there_is_no_bug():
    result = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--inputs", "96"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert [line[:20].strip() for line in lines[1:-1]] == NAMES
    assert lines[-1].startswith("96 inputs, 0 kinds of bugs, ")
