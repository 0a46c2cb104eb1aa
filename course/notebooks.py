"""The chapters as notebooks for Jupyter, Colab or Binder, made from the README files.

Commands and examples become cells that run. For each file that the learner writes, there is a cell that saves it. The
outline of a function or class that the learner still has to write stays text.
"""

import re
from pathlib import Path

from course.chapters import Chapter
from nn_from_scratch import BadInput

EMPTY = '"""Write here what the chapter asks for, then run this cell: it writes my_nn/{name}."""\n'


def write(chapter: Chapter, directory: Path, solved: bool = False) -> Path:
    """The chapter as a notebook; `solved`, with the solutions in the cells. Raises BadInput without jupytext."""
    try:
        import jupytext
    except ModuleNotFoundError:
        raise BadInput("notebooks need jupytext: pip install jupytext") from None
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{chapter.directory.name}.ipynb"
    notebook = jupytext.reads(as_cells(chapter, solved), fmt="md")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    jupytext.write(notebook, path)
    return path


def as_cells(chapter: Chapter, solved: bool = False) -> str:
    """The README in jupytext's Markdown, where blocks of Python are cells."""
    text = (chapter.directory / "README.md").read_text(encoding="utf-8")
    link = f"`python -m course solution {chapter.number}` prints a solution.\n"
    text, *solutions = re.split(r"<details>\n<summary>Solution: ", text)
    text = re.sub(r"^```sh\n(.*?)^```", _commands, text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```python\n(.*?)^```", _example, text, flags=re.DOTALL | re.MULTILINE)
    check = f"```python\n!python -m course check {chapter.number}\n```\n"
    before, found, after = text.partition(check)
    files = "".join(
        f"```python\n%%writefile my_nn/{name}\n{_content(chapter, name, solved)}```\n\n" for name in chapter.files
    )
    return before + files + found + after + (link if solutions else "")


def _content(chapter: Chapter, name: str, solved: bool) -> str:
    return chapter.solution(name) if solved else EMPTY.format(name=name)


def _commands(block: re.Match[str]) -> str:
    """A cell that runs shell commands. Installing, the live page and the questions need a terminal: they stay text."""
    lines = block[1].splitlines()
    if any(re.search(r"^pip |nn_from_scratch\.web|course (watch|answer|train)", line) for line in lines):
        return f"<!-- #region -->\n{block[0]}\n<!-- #endregion -->"
    return "```python\n" + "".join(f"!{line}\n" for line in lines) + "```"


def _example(block: re.Match[str]) -> str:
    """A cell, unless it is the outline of something that the learner has to write."""
    if block[1].startswith("!") or not re.search(r"^(class|def) ", block[1], flags=re.MULTILINE):
        return block[0]
    return f"<!-- #region -->\n{block[0]}\n<!-- #endregion -->"
