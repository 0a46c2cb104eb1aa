"""The training of an ensemble: each member learns what it would learn alone, and stops leave no trace."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import checkpoint_document
from nn_from_scratch.runs.ensemble_run import EnsembleRun, Report, ensemble_run_in, save_ensemble_checkpoint
from nn_from_scratch.runs.pool import Processes
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage import json_files
from nn_from_scratch.training import Diverged
from tests.runs.test_training_run import (
    DATA,
    OTHER_DATA,
    RECIPE,
    _a_clock_that_stands_still,  # noqa: F401
    few,
    restless,
)
from tests.storage.test_network_file import DELETED, json_values, places, set_in

MEMBERS = 3
STEPS = 4 * RECIPE.epochs  # of a member: 50 images in batches of 16


def start(recipe: Any = RECIPE, **options: Any) -> EnsembleRun:
    return EnsembleRun(recipe, DATA, seed=5, validation=10, members=MEMBERS, **options)


def alone(seed: int, recipe: Any = RECIPE) -> TrainingRun:
    run = TrainingRun(recipe, DATA, seed, 10)
    assert list(run.epochs())
    return run


def after(asked: int) -> Callable[[], bool]:
    """True from the time on that it was asked so many times, which is once a step and once a member."""
    left = [asked]

    def stopped() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stopped


def load(path: Path, data: Dataset = DATA, epochs: int | None = None) -> EnsembleRun:
    with json_files.document(path) as document:
        return ensemble_run_in(document, lambda name: data, epochs)


def resumed(run: EnsembleRun, path: Path, epochs: int | None = None) -> EnsembleRun:
    save_ensemble_checkpoint(run, path)
    return load(path, epochs=epochs)


def train(run: EnsembleRun, **options: Any) -> list[tuple[int, Report]]:
    return list(run.train(**options))


def assert_as_if_alone(run: EnsembleRun, recipe: Any = RECIPE) -> None:
    assert run.trained
    for member in run.members:
        other = alone(member.seed, recipe)
        assert json.dumps(member.checkpoint) == json.dumps(checkpoint_document(other))
        loss, accuracy = other.test()
        assert member.metrics == {
            "test_accuracy": accuracy,
            "test_loss": loss,
            "training_loss": other.history[-1].loss,
        }


def test_each_member_learns_what_it_would_learn_alone():
    run = start()
    told = train(run)
    assert [member.seed for member in run.members] == [5, 6, 7]
    assert [(i, report.result.epoch) for i, report in told if report.result] == [
        (i, epoch) for i in range(MEMBERS) for epoch in (1, 2, 3)
    ]
    assert_as_if_alone(run)


def test_on_several_processes_they_learn_the_same(monkeypatch):
    run = start()
    train(run, pool=Processes(2))
    for member in run.members:
        (network,) = {run.run_of(member).network.parameters.tobytes()}
        assert network == alone(member.seed).network.parameters.tobytes()
        assert member.metrics["test_loss"] == alone(member.seed).test()[0]


@few
@given(stops=st.lists(st.integers(0, MEMBERS * (STEPS + 1)), min_size=1, max_size=3))
def test_stopped_anywhere_and_resumed_it_ends_at_the_same_bytes(stops, tmp_path):
    run = start()
    for asked in stops:
        train(run, stopped=after(asked))
        run = resumed(run, tmp_path / "e.json")
    train(run)
    assert_as_if_alone(run)


def test_with_noise_and_state_too_it_ends_at_the_same_bytes(own_layers, tmp_path):
    run = start(restless())
    for asked in (7, 20):
        train(run, stopped=after(asked))
        run = resumed(run, tmp_path / "e.json")
    train(run)
    assert_as_if_alone(run, restless())


def test_where_it_is_stopped_before_a_member_begins_nothing_is_known_of_it(tmp_path):
    run = start()
    train(run, stopped=after(STEPS + 3))  # one for each member's begin
    assert [bool(member.checkpoint) for member in run.members] == [True, True, False]
    assert not run.trained
    save_ensemble_checkpoint(run, tmp_path / "e.json")
    first, second, third = json.loads((tmp_path / "e.json").read_text())["members"]
    assert (first["progress"]["step"], second["progress"]["step"], third) == (STEPS, 2, None)


def test_what_was_resumed_and_stopped_at_once_is_written_as_it_was_read(tmp_path):
    run = start()
    train(run, stopped=after(STEPS + 3))
    run = resumed(run, tmp_path / "a.json")
    assert train(run, stopped=lambda: True) == []
    save_ensemble_checkpoint(run, tmp_path / "b.json")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_two_epochs_and_two_more_are_four_also_where_a_member_was_not_reached_in_between(tmp_path):
    run = start(RECIPE.override(epochs=2))
    train(run)
    run = resumed(run, tmp_path / "e.json", epochs=4)
    train(run, stopped=after(6))  # in the first member
    run = resumed(run, tmp_path / "e.json")
    assert run.like.recipe.epochs == 4
    train(run)
    assert_as_if_alone(run, RECIPE.override(epochs=4))


def test_checkpoints_on_the_way_come_after_every_so_many_epochs():
    told = train(start(), checkpoint_every=2)
    assert [report.result.epoch for _, report in told if report.result and report.checkpoint] == [2] * MEMBERS
    assert sum(bool(report.metrics) for _, report in told) == MEMBERS


def test_with_patience_each_member_ends_by_itself_and_is_judged_by_its_best_network(tmp_path):
    recipe = RECIPE.override(epochs=40)
    run = start(recipe)
    train(run, patience=2, stopped=after(30))
    run = resumed(run, tmp_path / "e.json")
    train(run, patience=2)
    ends = []
    for member in run.members:
        other = TrainingRun(recipe, DATA, member.seed, 10)
        for _ in other.epochs():
            if other.epochs_since_best == 2:
                break
        assert json.dumps(member.checkpoint) == json.dumps(checkpoint_document(other))
        ends.append(other.progress.epoch)
        other.swap_best()
        assert (member.metrics["test_loss"], member.metrics["test_accuracy"]) == other.test()
    assert max(ends) < 40
    again = resumed(run, tmp_path / "e.json")  # a member out of patience learns no more
    train(again, patience=2)
    assert [again.run_of(member).progress.epoch for member in again.members] == ends


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_member_that_diverges_ends_all_and_is_named(jobs):
    told: list[Report] = []
    run = start(RECIPE.override(optimizer="sgd", learning_rate=1e30, schedule="constant"))
    with pytest.raises(Diverged, match=r"diverged at step \d+, at learning rate 1e\+30: member [12] \(seed [56]\): "):
        told.extend(report for _, report in run.train(Processes(jobs)))
    assert told[-1].divergence
    assert np.isfinite(told[-1].divergence.snapshot).all()
    assert not run.trained


@pytest.mark.parametrize("members", [1, 101])
def test_a_number_of_members_that_is_none_is_refused(members):
    with pytest.raises(BadInput, match=f"members {members}: expected from 2 to 100"):
        EnsembleRun(RECIPE, DATA, members=members)


def test_members_too_large_for_a_file_together_are_refused_before_they_learn():
    wide = RECIPE.override(sizes=(16, 40_000, 3))  # 800,003 parameters
    EnsembleRun(wide, DATA, members=3)
    with pytest.raises(BadInput, match="members of 3,200,012 parameters in all are too many: expected at most"):
        EnsembleRun(wide, DATA, members=4)


# ---- checkpoints that are refused ----


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> dict:
    """One member done, one under way, one not begun."""
    run = start()
    train(run, stopped=after(STEPS + 8))
    path = tmp_path_factory.mktemp("checkpoint") / "e.json"
    save_ensemble_checkpoint(run, path)
    return json.loads(path.read_text())


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def refusal(path: Path, data: Dataset = DATA) -> str:
    with pytest.raises(BadInput) as caught:
        load(path, data)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "nn_from_scratch checkpoint", "not a checkpoint of an ensemble of this package"),
        (("format_version",), 2, "format_version is 2, but this version of the package reads 1"),
        (("run",), DELETED, "expected an object named 'run'"),
        (("run", "seed"), -1, "run.seed is -1: expected a whole number from 0 up"),
        (("run", "seed"), 6, "members[0].run: expected that of the ensemble, with the seed 6"),
        (("run", "recipe", "epochs"), 0, "run.recipe: epochs 0: expected 1 to a billion"),
        (("members",), {}, "members: expected a list of checkpoints, null for a member whose training had not begun"),
        (("members",), [None], "run: members 1: expected from 2 to 100"),
        (("members",), [None] * 101, "run: members 101: expected from 2 to 100"),
        (("members", 0), 1, "members[0]: expected an object named 'run'"),
        (("members", 1, "run", "seed"), 5, "members[1].run: expected that of the ensemble, with the seed 6"),
        (("members", 1, "run", "recipe", "batch_size"), 8, "members[1].run: expected that of the ensemble"),
        (("members", 1, "progress", "step"), 3, "members[1]: progress: the numbers of epochs, steps and images"),
        (("members", 1, "parameters"), "AAAA", "members[1]: parameters: expected float32 numbers in base64"),
        (("members", 0, "history"), [], "members[0]: history: expected a list of 3"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(checkpoint, path, value, message, tmp_path):
    assert message in refusal(write(tmp_path / "e.json", set_in(checkpoint, path, value)))


def test_other_data_are_refused_and_the_difference_is_named(checkpoint, tmp_path):
    path = write(tmp_path / "e.json", checkpoint)
    assert re.search("this training began with other data: fingerprint was .* and is", refusal(path, OTHER_DATA))


@few
@given(data=st.data())
def test_with_any_value_in_any_place_it_goes_on_or_is_refused(checkpoint, data, tmp_path):
    place = data.draw(st.sampled_from(places(checkpoint)))
    path = write(tmp_path / "e.json", set_in(checkpoint, place, data.draw(json_values | st.just(DELETED))))
    try:
        run = load(path)
    except BadInput:
        refusal(path)
        return
    train(run, stopped=after(2))
    save_ensemble_checkpoint(run, path)
