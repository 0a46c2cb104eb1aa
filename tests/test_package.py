"""What is published: the wheel holds the whole package, and the archive of the sources all that its tests need."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.scripts import ROOT

pytest.importorskip("hatchling", reason="hatchling, which builds the package, is not installed: pip install hatchling")


def build(kind: str, directory: Path) -> Path:
    program = f"import hatchling.build; print(hatchling.build.build_{kind}({str(directory)!r}))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return directory / result.stdout.split()[-1]


def files(*folders: str) -> set[str]:
    """The files in these folders, but for what Python and its tools leave behind."""
    found = {path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_with_the_page_and_the_digits(tmp_path):
    packed = set(zipfile.ZipFile(build("wheel", tmp_path)).namelist())
    package = files("nn_from_scratch")
    assert {
        "nn_from_scratch/web/static/index.html",
        "nn_from_scratch/data/digits.npz",
        "nn_from_scratch/py.typed",
    } <= package
    assert {name for name in packed if ".dist-info/" not in name} == package


def test_the_archive_of_the_sources_holds_the_tests_with_their_helpers_and_the_scripts(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert files("nn_from_scratch", "tests", "resources", "docs", "benchmarks") <= packed
    assert {
        "train.py",
        "evaluate.py",
        "hyper-tune.py",
        "plot_weights.py",
        "README.md",
        "LICENSE",
        "pyproject.toml",
    } <= packed
    assert not any(name.startswith(("results/", ".venv/")) for name in packed)


# ---- run without the scripts, or with an old Python ----


def test_the_package_tells_what_there_is_to_run_and_each_of_it_explains_itself():
    def output(*arguments: str) -> str:
        return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    commands = re.findall(r"^  python (-m )?(\S+)  ", output("-m", "nn_from_scratch"), flags=re.MULTILINE)
    assert {command for module, command in commands if not module} == {path.name for path in ROOT.glob("*.py")}
    modules = {command for module, command in commands if module}
    assert modules == {f"nn_from_scratch.{path.parent.name}" for path in ROOT.glob("nn_from_scratch/*/__main__.py")}
    for module in modules:
        assert output("-m", module, "--help").startswith(f"usage: python -m {module} [OPTION ...]")


def test_with_an_older_python_one_line_says_which_is_needed():
    program = "import sys; sys.version_info = (3, 10, 13, 'final', 0); sys.argv = ['train.py']; import nn_from_scratch"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "nn_from_scratch needs Python 3.11 or later, this is 3.10\n"


@pytest.mark.parametrize(("problem", "said"), [("KeyboardInterrupt", "interrupted\n"), ("ImportError", "Traceback (")])
def test_interrupted_while_it_imports_it_ends_without_a_traceback_and_nothing_else_does(problem, said):
    program = f"""
import runpy, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "numpy":
            raise {problem}
sys.meta_path.insert(0, Interrupting())
sys.argv = ["train.py"]
runpy.run_path("train.py", run_name="__main__")"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.startswith(said)


def test_once_it_is_imported_tracebacks_are_those_of_the_program():
    program = "import sys; before = sys.excepthook; import nn_from_scratch; assert sys.excepthook is before"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
