"""The chapters of the course, and how far the learner has come.

A chapter is a directory: README.md to read, test_chapter.py with its checks, answers.toml with its facts and questions,
mutants.toml with the mistakes that its checks must recognize. The learner writes into `my_nn` in the current directory.
"""

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nn_from_scratch import BadInput
from nn_from_scratch.command_line import programs

COURSE = Path(__file__).parent
PROJECT = COURSE.parent
SOLUTIONS = programs.PACKAGE.parent  # of the paths to files of the package
WORK = Path("my_nn")  # in the current directory
PROGRESS = WORK / "progress.json"


@dataclass(frozen=True)
class Chapter:
    """One chapter, read from its directory."""

    directory: Path

    @property
    def number(self) -> int:
        return int(self.directory.name.partition("_")[0])

    @cached_property
    def facts(self) -> dict[str, Any]:
        return tomllib.loads((self.directory / "answers.toml").read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        return self.facts["title"]

    @property
    def minutes(self) -> int:
        return self.facts["minutes"]

    @property
    def files(self) -> Mapping[str, str]:
        """The files that the learner writes: name in my_nn → where its solution is, in the package or "README.md"."""
        return self.facts.get("files", {})

    @property
    def package_files(self) -> Mapping[str, str]:
        """The files whose solution is a file of the package."""
        return {name: source for name, source in self.files.items() if source != "README.md"}

    def solution(self, name: str) -> str:
        """The text of a file that passes this chapter's checks."""
        source = self.files[name]
        if name in self.package_files:
            return self._with_own_parts((SOLUTIONS / source).read_text(encoding="utf-8"))
        text = (self.directory / source).read_text(encoding="utf-8")
        found = re.search(
            rf"<summary>Solution: my_nn/{re.escape(name)}</summary>\n+```python\n(.*?)```", text, re.DOTALL
        )
        if not found:
            raise LookupError(f"{self.directory / source} has no solution of my_nn/{name}")
        return found[1]

    def _with_own_parts(self, text: str) -> str:
        """A file of the package that imports from my_nn the parts that the learner has written by now."""
        homes = {
            part.name: f"my_nn.{Path(name).stem}"
            for each in CHAPTERS[: self.number + 1]
            for name, source in each.package_files.items()
            for part in ast.parse((SOLUTIONS / source).read_text(encoding="utf-8")).body
            if isinstance(part, ast.ClassDef | ast.FunctionDef)
        }

        def line(found: re.Match[str]) -> str:
            names: dict[str, list[str]] = {}
            for name in found[2].split(", "):
                names.setdefault(homes.get(name, found[1]), []).append(name)
            return "\n".join(f"from {home} import {', '.join(of)}" for home, of in names.items())

        return re.sub(r"^from (nn_from_scratch[\w.]*) import (.+)$", line, text, flags=re.MULTILINE)

    def fingerprint(self) -> str:
        """A hash of the learner's files of this chapter: it differs after every change."""
        digest = hashlib.sha256()
        for name in self.files:
            path = WORK / name
            digest.update(path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b"-")
        return digest.hexdigest()[:16]


CHAPTERS = [Chapter(path) for path in sorted(COURSE.glob("[0-9][0-9]_*"))]


def chapter(number: int) -> Chapter:
    """The chapter of this number. Raises BadInput if there is none."""
    if not 0 <= number < len(CHAPTERS):
        raise BadInput(f"there is no chapter {number}: expected 0 to {len(CHAPTERS) - 1}")
    return CHAPTERS[number]


class Progress:
    """The checks passed, each with the state of its files, and the predictions made. Kept in my_nn/progress.json."""

    def __init__(self) -> None:
        self.passed: dict[str, str] = {}
        self.predictions: dict[str, list[str]] = {}
        if PROGRESS.is_file():
            try:
                found = json.loads(PROGRESS.read_text(encoding="utf-8"))
                self.passed, self.predictions = dict(found["passed"]), dict(found["predictions"])
            except (ValueError, KeyError, TypeError):
                raise BadInput(f"{PROGRESS} is damaged: delete it, and check the chapters again") from None

    def save(self) -> None:
        if WORK.is_dir():
            text = json.dumps({"passed": self.passed, "predictions": self.predictions}, indent=1)
            PROGRESS.write_text(text + "\n", encoding="utf-8")

    def state(self, chapter: Chapter) -> str:
        """done, changed (since it was passed), or open."""
        mark = self.passed.get(str(chapter.number))
        if mark is None:
            return "open"
        return "done" if mark == chapter.fingerprint() else "changed"
