"""Every experiment ends as it says, and its answer is the right one."""

import time

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web.experiments import EXPERIMENTS, USUAL
from nn_from_scratch.web.trainer import Trainer

RUNS = [(experiment, number) for experiment in EXPERIMENTS for number in range(len(experiment.runs))]


@pytest.fixture(scope="module")
def trainer(digits):
    with Trainer(digits, "784-10-10", seed=1) as trainer:
        yield trainer


def finish(trainer: Trainer) -> None:
    trainer.ask(trainer.start)
    until = time.monotonic() + 120
    while trainer.ask(trainer.description)["state"] == "training":
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(("experiment", "number"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_a_run_ends_as_it_says(trainer, experiment, number):
    trainer.ask(trainer.begin_experiment, experiment.name, number)
    description = trainer.ask(trainer.description)
    assert description["experiment"] == (experiment.name, number)
    assert description["epoch_target"] == experiment.epochs
    assert description["data"]["judged_on"] == "test"
    finish(trainer)
    assert trainer.run.progress.epoch == experiment.epochs
    assert round(trainer.live.validation[-1][2], 3) == experiment.runs[number].reached
    right = description["gradient_check"]["relative_error"] < 1e-4
    assert right == (not experiment.runs[number].wrong)


def test_wrong_labels_are_learnt_by_heart(trainer):
    trainer.ask(trainer.begin_experiment, "labels", 0)
    finish(trainer)
    assert nn.evaluate(trainer.run.network, trainer.run.loss, trainer.run.learning)[1] == 1.0


def test_equal_units_stay_equal(trainer):
    trainer.ask(trainer.begin_experiment, "equal", 1)
    finish(trainer)
    W = trainer.run.network.layers[0].W
    assert len(np.unique(W.round(4), axis=0)) < 8


def test_a_rate_that_is_too_high_kills_all_units(trainer):
    trainer.ask(trainer.begin_experiment, "rate", 2)
    finish(trainer)
    hidden = trainer.run.network.layers[0].forward(
        trainer.run.learning.images.reshape(-1, 784).astype(np.float32) / 255
    )
    assert hidden.max() <= 0


def test_a_run_again_is_the_same_to_the_bit_and_rewinding_too(trainer):
    for again in (lambda: trainer.begin_experiment("deep", 1), lambda: trainer.rewind()):
        trainer.ask(again)
        trainer.ask(trainer.step, "batch")
        trainer.ask(trainer.description)
        first = trainer.run.network.parameters.tobytes()
        trainer.ask(trainer.begin_experiment, "deep", 1)
        trainer.ask(trainer.step, "batch")
        trainer.ask(trainer.description)
        assert trainer.run.network.parameters.tobytes() == first


def test_after_an_experiment_a_preset_is_the_pages_own_training(trainer, digits):
    trainer.ask(trainer.begin_experiment, "steep", 1)
    trainer.ask(trainer.restart, seed=4)  # the same experiment, from another seed
    description = trainer.ask(trainer.description)
    assert (description["experiment"], description["seed"]) == (("steep", 1), 4)
    assert description["gradient_check"]["relative_error"] > 0.1
    trainer.ask(trainer.restart, seed=4, preset="784-10-10")
    description = trainer.ask(trainer.description)
    assert (description["experiment"], description["epoch_target"]) == (None, None)
    assert description["data"]["judged_on"] == "validation"
    assert description["gradient_check"]["relative_error"] < 1e-4


def test_a_network_of_an_experiment_can_be_saved_and_read(trainer, tmp_path):
    trainer.ask(trainer.begin_experiment, "derivative", 1)
    saved = trainer.ask(trainer.saved)
    nn.save(saved, tmp_path / "a.json")
    assert nn.load(tmp_path / "a.json").network.parameters.tobytes() == saved.network.parameters.tobytes()


def test_what_is_no_experiment(trainer):
    for name, number in (("other", 0), (None, 0), ("zeros", 2)):
        with pytest.raises(BadInput, match="expected one"):
            trainer.ask(trainer.begin_experiment, name, number)


def test_the_answers_are_numbered_and_names_fit_into_an_address():
    names = [experiment.name for experiment in EXPERIMENTS]
    assert len(set(names)) == len(names) == 12
    for experiment in EXPERIMENTS:
        assert experiment.name.replace("-", "").isalpha()
        assert 0 <= experiment.right < len(experiment.answers)
        assert experiment.question.endswith("?") or "?" in experiment.question
        assert len({run.name for run in experiment.runs}) == len(experiment.runs)
    assert USUAL.batch_size == 32
