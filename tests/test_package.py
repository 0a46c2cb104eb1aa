"""What is published: the wheel holds the whole package, and the archive of the sources all that its tests need."""

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

import nn_from_scratch as nn
from nn_from_scratch.command_line import programs
from tests.scripts import ROOT

pytest.importorskip("hatchling", reason="hatchling, which builds the package, is not installed: pip install hatchling")
pytest.importorskip("hatch_fancy_pypi_readme", reason="it builds the package: pip install hatch-fancy-pypi-readme")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_the_page_the_digits_the_scripts_and_the_course(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = files("nn_from_scratch")
    assert {
        "nn_from_scratch/web/static/index.html",
        "nn_from_scratch/data/digits.npz",
        "nn_from_scratch/py.typed",
    } <= package
    programs_too = {*files("course"), *programs.SCRIPTS.values()}
    assert {name for name in packed if ".dist-info/" not in name} == package | {
        f"nn_from_scratch/programs/{name}" for name in programs_too
    }
    licences = {name.partition("/licenses/")[2] for name in packed if "/licenses/" in name}
    assert licences == set(PROJECT["license-files"])


def test_what_the_index_shows_has_no_link_that_leads_nowhere(wheel):
    metadata = zipfile.ZipFile(wheel).read(f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info/METADATA")
    found = email.message_from_bytes(metadata)
    assert (found["Name"], found["Version"]) == (PROJECT["name"], nn.__version__)
    assert dict(url.split(", ") for url in found.get_all("Project-URL")) == PROJECT["urls"]
    text = found.get_payload(decode=True).decode()
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert f"{programs.REPOSITORY}/blob/main/docs/recipes.md#words" in targets
    assert f"{programs.REPOSITORY}/raw/main/resources/images/live_page.png" in targets
    for target in targets:
        path = target.partition("#")[0]
        assert path == "" or path.startswith("https://")
        if file := re.match(rf"{programs.REPOSITORY}/(?:blob|raw)/main/(.*)", path):
            assert (ROOT / file[1]).exists()


def test_the_addresses_of_the_repository_are_one():
    assert PROJECT["urls"]["Repository"] == programs.REPOSITORY


def test_the_archive_of_the_sources_holds_the_tests_with_their_helpers_and_the_scripts(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert files("nn_from_scratch", "course", "tests", "resources", "docs", "benchmarks") <= packed
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


def test_the_package_tells_what_there_is_to_run_and_each_of_it_explains_itself(tmp_path):
    def output(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    commands = re.findall(r"^  python -m nn_from_scratch (\S+)  ", output("nn_from_scratch"), flags=re.MULTILINE)
    assert commands == list(programs.NAMES)
    assert set(programs.SCRIPTS.values()) == {path.name for path in ROOT.glob("*.py")}
    modules = {name for name in programs.MODULES if name != "course"}
    assert modules == {path.parent.name for path in ROOT.glob("nn_from_scratch/*/__main__.py")}
    for name in commands:
        text = output("nn_from_scratch", name, "--help")
        called = "python -m course" if name == "course" else f"python -m nn_from_scratch {name}"
        assert text.startswith(f"usage: {called} [")
        examples = re.findall(r"^  (python .*)", text.partition("\nexamples:\n")[2], flags=re.MULTILINE)
        assert len(examples) >= 3
        assert all(f"{example} ".startswith(f"{called} ") for example in examples)
    for module in modules:
        assert output(f"nn_from_scratch.{module}", "--help").startswith(f"usage: python -m nn_from_scratch.{module} [")


def test_a_command_that_does_not_exist_is_told_in_a_line():
    command = [sys.executable, "-m", "nn_from_scratch", "tarin"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    names = "train, evaluate, tune, weights, dashboard, web, data, export, convert, course"
    assert result.stderr == f"python -m nn_from_scratch: error: tarin: no such command: expected {names}\n"


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


# ---- the wheel alone, in an empty directory ----


class Installed:
    """A fresh environment with the wheel alone in it; what the package needs comes from that of the tests."""

    def __init__(self, wheel: Path, directory: Path):
        venv.create(directory, with_pip=False)
        self.python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, wheel], check=True, timeout=300)
        paths = sysconfig.get_paths(vars={"base": str(directory), "platbase": str(directory)})
        # Of a .pth file only the directory is taken, not what other .pth files in it add, such as this repository.
        Path(paths["purelib"], "needed.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NN_FROM_SCRATCH_DATA")
        } | {"NN_FROM_SCRATCH_OFFLINE": "1", "XDG_CACHE_HOME": str(directory), "PYTHONUTF8": "1", "MPLBACKEND": "agg"}

    def start(self, cwd: Path, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-m", *arguments],
            cwd=cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, cwd: Path, *arguments: str, exit_code: int = 0) -> str:
        """What the command printed, on both streams."""
        process = self.start(cwd, *arguments)
        printed = "".join(process.communicate(timeout=300))
        assert process.returncode == exit_code, printed
        return printed


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    pytest.importorskip("pip", reason="it installs the wheel")
    return Installed(wheel, tmp_path_factory.mktemp("environment"))


@pytest.mark.slow
def test_the_wheel_alone_trains_evaluates_and_draws(installed, tmp_path):
    where = "import nn_from_scratch as nn; print(nn.__file__)"
    found = subprocess.run([installed.python, "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(found.stdout).is_relative_to(installed.python.parent.parent)

    assert "python -m nn_from_scratch train trains a network" in installed.run(
        tmp_path, "nn_from_scratch", "evaluate", exit_code=2
    )
    assert not list(tmp_path.iterdir())
    assert "%" in installed.run(tmp_path, "nn_from_scratch", "train", "--epochs", "3")
    ensemble = "--epochs 1 --members 2 --jobs 2 --output ensemble.json".split()
    installed.run(tmp_path, "nn_from_scratch", "train", *ensemble)
    assert json.loads(installed.run(tmp_path, "nn_from_scratch", "evaluate", "--json"))["accuracy"] > 0.8
    tuned = "--learning-rates 0.001 0.01 --epochs 1 --repeats 1".split()
    assert "saved results/learning_rates.png" in installed.run(tmp_path, "nn_from_scratch", "tune", *tuned)
    assert "saved results" in installed.run(tmp_path, "nn_from_scratch", "weights")
    installed.run(tmp_path, "nn_from_scratch", "dashboard", "--save", "dashboard.png")
    installed.run(tmp_path, "nn_from_scratch", "data", "--save", "data.png")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        "resources/weights_and_biases.json",
        "ensemble.json",
        "results/confusion_matrix.png",
        "results/learning_rates.csv",
        "dashboard.png",
        "data.png",
    } <= written


@pytest.mark.slow
def test_the_wheel_alone_shows_the_live_page(installed, tmp_path):
    pytest.importorskip("flask", reason="it serves the live page")
    process = installed.start(tmp_path, "nn_from_scratch", "web", "--port", "0", "--no-browser")
    try:
        assert process.stdout
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert b"<html" in answer.read()
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
def test_the_wheel_alone_holds_the_course_whose_commands_work_as_its_chapters_print_them(installed, tmp_path):
    assert "Next: python -m nn_from_scratch course start" in installed.run(tmp_path, "nn_from_scratch", "course")
    assert "read course/00_watch/README.md" in installed.run(tmp_path, "nn_from_scratch", "course", "start")
    chapters = sorted((tmp_path / "course").glob("*/README.md"))
    assert len(chapters) == 12
    for path in chapters:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert target.startswith(programs.REPOSITORY) or (path.parent / target).exists()
    for chapter, command in (("1", ["course"]), ("2", ["course"]), ("3", ["nn_from_scratch", "course"])):
        solutions = installed.run(tmp_path, *command, "solution", chapter)  # in 3, one is a file of the package
        for name, text in re.findall(r"^# ---- my_nn/(\S+), .*\n((?:(?!# ----).*\n)*)", solutions, flags=re.MULTILINE):
            (tmp_path / "my_nn" / name).write_text(text, encoding="utf-8")
        assert f"Chapter {chapter} is done" in installed.run(tmp_path, *command, "check", chapter)
    assert "These classes are yours: Dense" in installed.run(tmp_path, "course", "train", "--epochs", "1")
