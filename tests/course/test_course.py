"""The course, walked from beginning to end as a learner does: in a directory of its own, by its commands."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest

from course.chapters import CHAPTERS, Chapter
from tests.scripts import ROOT

LEARNER = Path(__file__).parent / "learner"  # what somebody wrote who had the chapters' texts, and no solution
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")

WRITING = [chapter for chapter in CHAPTERS if chapter.files]
MUTANTS = [
    (chapter, mutant)
    for chapter in WRITING
    for mutant in tomllib.loads((chapter.directory / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
]
PREDICTIONS = [(chapter, question) for chapter in CHAPTERS for question in chapter.facts["prediction"]]

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.directory.name)
every_writing = pytest.mark.parametrize("chapter", WRITING, ids=lambda chapter: chapter.directory.name)


def course(directory: Path, *arguments: str, offline: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m course …` in a directory."""
    return python(directory, "-m", "course", *arguments, offline=offline, stdin=stdin)


def python(directory: Path, *arguments: str, offline: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    if offline:  # then a check trains on the digits in the package, which takes less time
        environment.pop("NN_FROM_SCRATCH_DATA", None)
        environment |= {"NN_FROM_SCRATCH_OFFLINE": "1", "XDG_CACHE_HOME": str(directory / "cache")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def written(directory: Path, up_to: int) -> Path:
    """my_nn/, as `start` makes it, with the solutions of the chapters before this one."""
    (directory / "my_nn").mkdir()
    (directory / "my_nn" / "__init__.py").touch()
    for chapter in CHAPTERS[:up_to]:
        write(directory, chapter)
    return directory


def write(directory: Path, chapter: Chapter) -> None:
    for name in chapter.files:
        (directory / "my_nn" / name).write_text(chapter.solution(name), encoding="utf-8")


def test_the_whole_course_with_its_solutions(tmp_path):
    assert course(tmp_path, "start").returncode == 0
    for chapter in CHAPTERS:
        shown = course(tmp_path).stdout
        assert f"→ {chapter.number:2}  {chapter.title}" in shown
        answers = [str(question["answer"]) for question in chapter.facts["prediction"]]
        answered = course(tmp_path, "answer", str(chapter.number), *answers)
        assert answered.returncode == 0, answered.stderr
        assert "You said" not in answered.stdout
        write(tmp_path, chapter)
        checked = course(tmp_path, "check", str(chapter.number), offline=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        if chapter.files:
            assert f"Chapter {chapter.number} is done." in checked.stdout
    assert "All done." in course(tmp_path).stdout


@pytest.mark.parametrize(
    ("chapter", "mutant"), MUTANTS, ids=[f"{c.number}-{m['says'][:30].replace(' ', '_')}" for c, m in MUTANTS]
)
def test_a_usual_mistake_is_named(tmp_path, chapter, mutant):
    written(tmp_path, chapter.number + 1)
    path = tmp_path / "my_nn" / mutant["file"]
    text = path.read_text(encoding="utf-8")
    for what, by in (("replace", "by"), ("also_replace", "also_by")):
        if what in mutant:
            assert text.count(mutant[what]) == 1
            text = text.replace(mutant[what], mutant[by])
    path.write_text(text, encoding="utf-8")
    checked = course(tmp_path, "check", str(chapter.number))
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert mutant["says"] in " ".join(checked.stdout.split())
    assert "Traceback" not in checked.stdout + checked.stderr


def test_every_chapter_has_three_to_five_usual_mistakes():
    for chapter in WRITING:
        assert 3 <= sum(of is chapter for of, _ in MUTANTS) <= 5


@every_writing
def test_an_empty_file_fails(tmp_path, chapter):
    written(tmp_path, chapter.number)
    missing = course(tmp_path, "check", str(chapter.number))
    assert missing.returncode == 1
    assert "yet: make it." in missing.stdout
    for name in chapter.files:
        (tmp_path / "my_nn" / name).write_text("", encoding="utf-8")
    empty = course(tmp_path, "check", str(chapter.number))
    assert empty.returncode == 1
    assert "yet" in empty.stdout.splitlines()[-3]
    assert "Traceback" not in empty.stdout + empty.stderr


@pytest.mark.parametrize("chapter", [c for c in WRITING if 3 <= c.number != 10], ids=lambda chapter: chapter.title)
def test_the_package_is_not_taken_for_the_learners_own_work(tmp_path, chapter):
    written(tmp_path, chapter.number + 1)
    for name, source in chapter.package_files.items():
        module = source.removesuffix(".py").replace("/", ".")
        (tmp_path / "my_nn" / name).write_text(f"from {module} import *\n", encoding="utf-8")
    checked = course(tmp_path, "check", str(chapter.number))
    assert checked.returncode == 1
    assert "write your own" in " ".join(checked.stdout.split())


@pytest.mark.parametrize(
    ("chapter", "question"), PREDICTIONS, ids=[f"{c.number}-{q['question'][:30]}" for c, q in PREDICTIONS]
)
def test_a_prediction_is_answered_by_its_command(tmp_path, chapter, question):
    written(tmp_path, chapter.number + (1 if question.get("after_check") else 0))
    command, *arguments = shlex.split(question["command"])
    assert command == "python"
    found = python(tmp_path, *arguments)
    assert found.returncode == 0, found.stderr
    assert question["shows"] in found.stdout
    numbers = [float(number.replace(",", "")) for number in NUMBER.findall(found.stdout)]
    for number, (least, most) in zip(numbers, question.get("printed", [[-9e9, 9e9]] * len(numbers)), strict=True):
        assert least <= number <= most, found.stdout
    if "choices" in question:
        assert question["answer"] in question["choices"]


@every_chapter
def test_a_readme_leads_through_its_chapter(chapter):
    text = (chapter.directory / "README.md").read_text(encoding="utf-8")
    assert (
        text.startswith(f"# Chapter {chapter.number}: {chapter.title.lower()}\n")
        or chapter.title in text.splitlines()[0]
    )
    assert f"python -m course answer {chapter.number}\n" in text
    assert max(map(len, text.splitlines())) <= 160
    if chapter.files:
        assert f"python -m course check {chapter.number}\n" in text
        assert "<summary>Hints</summary>" in text
    for name in chapter.files:
        assert f"`my_nn/{name}`" in text
        compile(chapter.solution(name), name, "exec")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        compile(block, chapter.directory.name, "exec")


def test_the_course_takes_about_ten_hours():
    assert 9 <= sum(chapter.minutes for chapter in CHAPTERS) / 60 <= 12


# ---- the commands ----


def test_start_leaves_what_is_there(tmp_path):
    assert course(tmp_path, "start").returncode == 0
    (tmp_path / "my_nn" / "neuron.py").write_text("mine")
    again = course(tmp_path, "start")
    assert again.returncode != 0
    assert "exists already" in again.stderr
    assert (tmp_path / "my_nn" / "neuron.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "1"], "python -m course start makes it"),
        (["check", "12"], "there is no chapter 12: expected 0 to 11"),
        (["answer", "1", "4"], "chapter 1 has 3 questions, but 1 answers were given"),
        (["answer", "1", "4", "z", "c"], "'z': expected one of a, b, c"),
        (["answer", "1", "four", "c", "c"], "'four': expected a number"),
        (["watch"], "run python -m course check 3 first"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, arguments, told):
    if arguments[:2] != ["check", "1"]:
        course(tmp_path, "start")
    found = course(tmp_path, *arguments)
    assert found.returncode != 0
    assert told in found.stderr
    assert "Traceback" not in found.stderr


def test_predictions_are_asked_until_they_are_some(tmp_path):
    course(tmp_path, "start")
    found = course(tmp_path, "answer", "1", stdin="many\n3\nx\nb\nc\n")
    assert found.returncode == 0, found.stderr
    assert "'many': expected a number" in found.stdout
    assert "'x': expected one of a, b, c" in found.stdout
    assert "You said 3, but it is 4" in found.stdout
    assert max(map(len, found.stdout.splitlines())) > 100  # a command is one line, to be copied
    assert "Yes: c) six hours" in found.stdout
    assert course(tmp_path, "answer", "1", stdin="4\n").returncode != 0


def test_a_change_after_the_check_shows(tmp_path):
    written(tmp_path, 2)
    assert course(tmp_path, "check", "1").returncode == 0
    assert "done" in line_of(course(tmp_path).stdout, "A neuron")
    path = tmp_path / "my_nn" / "neuron.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# one more line\n", encoding="utf-8")
    assert "changed since its check" in line_of(course(tmp_path).stdout, "A neuron")


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_python_errors_are_told_with_their_place(tmp_path):
    written(tmp_path, 1)
    path = tmp_path / "my_nn" / "neuron.py"
    path.write_text("def weighted_sum(x, w, b)\n    return 0\n")
    assert "my_nn/neuron.py, line 1: Python can't read this" in course(tmp_path, "check", "1").stdout
    path.write_text("def weighted_sum(x, w, b):\n    return y\n")
    assert "my_nn/neuron.py, line 2: Python stops here and says NameError" in course(tmp_path, "check", "1").stdout


def test_a_method_that_is_not_written_yet_is_named(tmp_path):
    written(tmp_path, 5)
    path = tmp_path / "my_nn" / "activations.py"
    start, found, _ = path.read_text(encoding="utf-8").rpartition("    def backward_input")
    assert found
    path.write_text(start, encoding="utf-8")
    checked = course(tmp_path, "check", "4").stdout
    assert "Softmax in my_nn/activations.py has no method backward_input yet." in checked


def test_what_is_right_is_not_taken_for_a_mistake_that_comes_to_the_same(tmp_path):
    """y = a x with a = 1 at first: then dx is dy, as in a layer that forgets its slope."""
    shutil.copytree(LEARNER, tmp_path / "my_nn")
    assert "self.a[...] = 1\n" in (tmp_path / "my_nn" / "own_layer.py").read_text(encoding="utf-8")
    assert "  ok  every slope of your layer" in course(tmp_path, "check", "10").stdout


# ---- somebody who has only the texts ----


def test_what_the_texts_ask_for_passes_every_check_and_learns_in_the_real_thing(tmp_path):
    shutil.copytree(LEARNER, tmp_path / "my_nn", ignore=shutil.ignore_patterns("__pycache__"))
    for chapter in WRITING:
        checked = course(tmp_path, "check", str(chapter.number))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    options = ["--data", "digits", "--epochs", "1", "--output", "mine.json"]
    for preset, classes in (("784-128-64-10", "Dense, ReLU"), ("lenet-fast", "Conv2D")):
        trained = course(tmp_path, "train", "--preset", preset, *options)
        assert trained.returncode == 0, trained.stderr
        assert classes in trained.stdout
        assert "than the course's classes can do: cnn.\n" in trained.stdout
        (tmp_path / "mine.json").unlink()


# ---- in the real thing ----


def test_their_classes_learn_in_train_py(tmp_path):
    written(tmp_path, 12)
    for number in (3, 4):
        assert course(tmp_path, "check", str(number)).returncode == 0
    for name in ("dense", "activations"):
        path = tmp_path / "my_nn" / f"{name}.py"
        path.write_text(path.read_text(encoding="utf-8") + f"\nprint('{name} of mine')\n", encoding="utf-8")
    assert "check 3 first" in course(tmp_path, "train").stderr  # both have changed
    for number in (3, 4):
        assert course(tmp_path, "check", str(number)).returncode == 0
    trained = course(tmp_path, "train", "--data", "digits", "--epochs", "2", "--output", "mine.json")
    assert trained.returncode == 0, trained.stderr
    assert "These classes are yours: Dense, Activation, ReLU, Sigmoid, Softmax." in trained.stdout
    assert "dense of mine" in trained.stdout
    assert (tmp_path / "mine.json").is_file()


def test_their_layers_learn_on_the_live_page(tmp_path):
    shutil.copytree(LEARNER, tmp_path / "my_nn")
    path = tmp_path / "my_nn" / "dense.py"
    mark = "            from pathlib import Path; Path('used').write_text('')\n            self.x = x\n"
    path.write_text(path.read_text(encoding="utf-8").replace("            self.x = x\n", mark), encoding="utf-8")
    assert course(tmp_path, "check", "3").returncode == 0
    (tmp_path / "used").unlink()
    words = ["-m", "course", "watch", "--data", "digits", "--no-browser", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *words], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            (address,) = itertools.islice((m[0] for line in process.stdout if (m := re.search(r"http://\S+", line))), 1)
            request = urllib.request.Request(f"{address}api/start", b"{}", {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=60).close()
            for _ in range(600):
                if (tmp_path / "used").exists():
                    break
                time.sleep(0.1)
        finally:
            process.kill()
    assert (tmp_path / "used").exists()


def test_the_learners_directory_is_ignored_by_git():
    assert "my_nn/" in (ROOT / ".gitignore").read_text().splitlines()
