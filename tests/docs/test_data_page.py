"""The numbers and the commands of docs/data.md."""

import re
import shlex

import pytest

import nn_from_scratch as nn
from nn_from_scratch.data.load import NAMES
from nn_from_scratch.data.mnist import PUBLISHED
from nn_from_scratch.data.synthetic import FIGURES
from nn_from_scratch.presets import NUMBERS
from nn_from_scratch.runs.training_run import TrainingRun
from tests.scripts import ROOT, run

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIGURES)
def test_the_row_of_each_set_of_points(name):
    noise, accuracy = re.search(rf"^\| `{name}` \|.*\| ([\d.]+) \| ([\d.]+) % \|$", PAGE, flags=re.MULTILINE).groups()
    assert float(noise) == FIGURES[name].noise
    data = nn.load_dataset(name)
    trained = TrainingRun(NUMBERS.fitted(data.train.sample_shape, data.labels), data)
    list(trained.epochs())
    assert 100 * trained.test()[1] == pytest.approx(float(accuracy), abs=0.61)  # three points: another BLAS


def test_what_is_downloaded_and_where_it_is_looked_for():
    for published in PUBLISHED.values():
        assert f"| `{published.variable}` |" in PAGE
        assert f" {published.megabytes} |" in PAGE
        assert f"`nn_from_scratch/{published.folder}{'/' if published.folder else ''}`" in PAGE


def test_every_name_is_told():
    assert all(re.search(rf"`(python train.py --data )?{name}`", PAGE) for name in NAMES)


def test_the_commands_about_the_spiral_run_as_they_are_printed(tmp_path):
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    accuracies = []
    for command in commands.splitlines():
        program, script, *options = shlex.split(command)
        assert program == "python"
        result = run(script, *options, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        accuracies += re.findall(r"^accuracy ([\d.]+) %", result.stdout, flags=re.MULTILINE)
    assert float(accuracies[0]) > 98 > 80 > float(accuracies[1])
    assert (tmp_path / "results" / "decision_regions.png").exists()


def test_the_arrays_that_are_made_there_can_be_learnt_from(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    data = nn.load_dataset("sums.npz")
    assert (data.train.images.shape, len(data.test), data.labels) == ((150, 3), 50, (0, 1))
