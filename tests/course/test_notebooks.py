"""The chapters as notebooks: made by the command, and run from beginning to end with the solutions in their cells."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from course.chapters import CHAPTERS
from course.notebooks import write
from tests.course.test_course import course
from tests.scripts import ROOT


def test_the_command_writes_a_notebook_for_every_chapter(tmp_path):
    made = course(tmp_path, "notebooks", "nb")
    assert made.returncode == 0, made.stderr
    assert sorted(path.stem for path in (tmp_path / "nb").iterdir()) == [c.directory.name for c in CHAPTERS]
    for chapter in CHAPTERS:
        cells = json.loads((tmp_path / "nb" / f"{chapter.directory.name}.ipynb").read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells]
        assert texts[0].startswith("# Chapter")
        assert not any(text.startswith("!pip") for text in texts)
        for name in chapter.files:
            (cell,) = [text for text in texts if text.startswith(f"%%writefile my_nn/{name}\n")]
            assert "def " not in cell  # it is for the learner to fill


@pytest.mark.filterwarnings("default")  # those of Jupyter's own parts
def test_the_notebooks_run_with_the_solutions(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NN_FROM_SCRATCH_OFFLINE", "1")
    monkeypatch.delenv("NN_FROM_SCRATCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for chapter in CHAPTERS:
        notebook = nbformat.read(write(chapter, tmp_path / "nb", solved=True), as_version=4)
        resources = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        if chapter.files:
            printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
            assert f"Chapter {chapter.number} is done." in printed
