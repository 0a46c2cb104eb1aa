"""The live training is the training: what the page commands is what NumPy would have done, to the bit."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import nn_from_scratch as nn
from nn_from_scratch import metrics
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.errors import BadInput
from nn_from_scratch.inspection.gradient_check import GradientCheck
from nn_from_scratch.layers import Conv2D, GlobalAveragePool2D
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.web import limits
from nn_from_scratch.web.live_run import LiveRun
from nn_from_scratch.web.trainer import Trainer
from tests.new_parts import LeakyReLU

VALIDATION = 1437 // 7
EPOCH = -(-(1437 - VALIDATION) // 64)  # batches of 64


@pytest.fixture
def trainer(digits) -> Iterator[Trainer]:
    with Trainer(digits, seed=7) as trainer:
        yield trainer


def reference(digits, preset: str = "784-100-10", seed: int = 7, **changes: Any) -> TrainingRun:
    """The run that train.py would make, at a constant rate."""
    recipe = replace(PRESETS[preset], schedule="constant", **changes)
    return TrainingRun(recipe, digits, seed, VALIDATION)


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def steps(trainer: Trainer, number: int, unit: str = "batch") -> list[float]:
    """Take steps, and return their losses."""
    before = len(trainer.live.curve.points)
    for _ in range(number):
        trainer.ask(trainer.step, unit)
    trainer.ask(trainer.description)
    return [point.loss for point in trainer.live.curve.points[before:]]


def parameters(trainer: Trainer) -> bytes:
    return trainer.ask(lambda: trainer.run.network.parameters.tobytes())


def state(trainer: Trainer) -> str:
    return trainer.ask(trainer.description)["state"]


class Stopped(Exception):
    pass


def trained_for(run: TrainingRun, number: int) -> TrainingRun:
    def stop(step: int, loss: float) -> None:
        if step == number:
            raise Stopped

    with pytest.raises(Stopped):
        list(run.epochs(stop))
    return run


# ---- steps ----


def test_one_batch_is_one_train_step_on_the_first_batch(trainer, digits):
    run = reference(digits)
    assert parameters(trainer) == run.network.parameters.tobytes()
    x, t = next(run.batches.epoch(0))
    _, loss = nn.train_step(run.network, run.loss, run.optimizer, 0.005, x, t)
    assert steps(trainer, 1) == [loss]
    assert parameters(trainer) == run.network.parameters.tobytes()
    assert state(trainer) == "paused"


def test_one_example_is_one_train_step_on_the_first_image(trainer, digits):
    run = reference(digits)
    x, t = next(run.batches.epoch(0))
    _, loss = nn.train_step(run.network, run.loss, run.optimizer, 0.005, x[:1], t[:1])
    assert steps(trainer, 1, "example") == [loss]
    assert parameters(trainer) == run.network.parameters.tobytes()
    frame = trainer.ask(trainer.frame)
    assert frame["seen"] == frame["step"] == 1
    index = frame["example"]["index"]
    assert index == run.batches.order(0)[0]
    assert frame["example"]["label"] == digits.train.labels[index]


def test_one_epoch_is_one_epoch_and_then_it_waits(trainer, digits):
    run = reference(digits)
    result = next(run.epochs())
    trainer.ask(trainer.step, "epoch")
    wait_until(lambda: state(trainer) == "paused")
    assert parameters(trainer) == run.network.parameters.tobytes()
    assert trainer.run.progress.step == EPOCH
    assert trainer.live.validation[-1] == (EPOCH, result.validation_loss, result.validation_accuracy)
    trainer.ask(trainer.step, "epoch")
    wait_until(lambda: state(trainer) == "paused")
    assert trainer.run.progress.epoch == 2


def test_what_follows_mixed_steps_is_the_rest_of_the_epoch_in_the_same_order(trainer, digits):
    run = reference(digits)
    order, rate = run.batches.order(0), 0.005
    places = [(0, 1), (1, 2), (2, 66), (66, 67), (67, 131)]
    for first, last in places:
        nn.train_step(run.network, run.loss, run.optimizer, rate, *run.batches.batch(order[first:last], 0))
    for first, last in places:
        steps(trainer, 1, "example" if last - first == 1 else "batch")
    assert parameters(trainer) == run.network.parameters.tobytes()


@pytest.mark.parametrize("preset", ["784-100-10", "784-10-10", "784-196-1"])
def test_batch_by_batch_or_at_full_speed_it_learns_what_a_training_run_learns(preset, digits):
    with Trainer(digits, preset, seed=3) as trainer:
        held_out = len(trainer.run.validation)
        recipe = replace(PRESETS[preset], schedule="constant")
        run = trained_for(TrainingRun(recipe, digits, 3, held_out), 40)
        steps(trainer, 40)
        assert parameters(trainer) == run.network.parameters.tobytes()
        trainer.ask(trainer.rewind)
        trainer.ask(trainer.change, epoch_target=2)
        trainer.ask(trainer.start)
        wait_until(lambda: state(trainer) == "finished")
        run = TrainingRun(replace(recipe, epochs=2), digits, 3, held_out)
        results = list(run.epochs())
        assert parameters(trainer) == run.network.parameters.tobytes()
        found = {step: (loss, accuracy) for step, loss, accuracy in trainer.live.validation}
        for result in results:
            assert found[result.step] == (result.validation_loss, result.validation_accuracy)


def test_rewinding_repeats_the_losses_to_the_bit_whatever_was_changed_since(trainer):
    first = steps(trainer, 10) + steps(trainer, 3, "example")
    trainer.ask(trainer.change, learning_rate=0.5, batch_size=9, optimizer="sgd")
    steps(trainer, 3)
    before = trainer.ask(trainer.description)["run"]
    trainer.ask(trainer.rewind)
    assert trainer.ask(trainer.description)["run"] == before + 1
    assert trainer.ask(trainer.history)["points"] == []
    assert steps(trainer, 10) + steps(trainer, 3, "example") == first


def test_rewinding_while_it_trains(trainer):
    first = steps(trainer, 5)
    trainer.ask(trainer.start)
    wait_until(lambda: trainer.run.progress.step > 30)
    trainer.ask(trainer.rewind)
    assert state(trainer) == "paused"
    assert steps(trainer, 5) == first


# ---- settings ----


def test_the_learning_rate_changes_without_a_reset(trainer, digits):
    run = reference(digits)
    batches = run.batches.epoch(0)
    for rate in (0.005, 0.005, 0.03, 0.03, 0.001):
        nn.train_step(run.network, run.loss, run.optimizer, rate, *next(batches))
    steps(trainer, 2)
    trainer.ask(trainer.change, learning_rate=0.03)
    steps(trainer, 2)
    trainer.ask(trainer.change, learning_rate=0.001)
    steps(trainer, 1)
    assert parameters(trainer) == run.network.parameters.tobytes()
    assert [point.learning_rate for point in trainer.live.curve.points] == [0.005, 0.005, 0.03, 0.03, 0.001]


def test_the_batch_size_changes_from_the_next_step_on(trainer, digits):
    run = reference(digits)
    order = run.batches.order(0)
    for first, last in ((0, 64), (64, 74), (74, 84)):
        nn.train_step(run.network, run.loss, run.optimizer, 0.005, *run.batches.batch(order[first:last], 0))
    steps(trainer, 1)
    trainer.ask(trainer.change, batch_size=10)
    steps(trainer, 2)
    assert parameters(trainer) == run.network.parameters.tobytes()


def test_another_optimizer_has_a_fresh_memory_and_the_network_stays(trainer, digits):
    run = reference(digits)
    batches = run.batches.epoch(0)
    for _ in range(3):
        nn.train_step(run.network, run.loss, run.optimizer, 0.005, *next(batches))
    recipe = run.recipe.override(optimizer="sgd")  # with a rate of its own
    sgd = recipe.make_optimizer()
    for _ in range(2):
        nn.train_step(run.network, run.loss, sgd, recipe.learning_rate, *next(batches))
    steps(trainer, 3)
    trainer.ask(trainer.change, optimizer="sgd")
    steps(trainer, 2)
    assert parameters(trainer) == run.network.parameters.tobytes()
    description = trainer.ask(trainer.description)
    assert (description["optimizer"], description["learning_rate"]) == ("sgd", recipe.learning_rate)


def test_choosing_the_present_optimizer_changes_nothing_and_coming_back_to_it_begins_anew(trainer, digits):
    run = reference(digits)
    batches = run.batches.epoch(0)
    for _ in range(4):
        nn.train_step(run.network, run.loss, run.optimizer, 0.005, *next(batches))
    steps(trainer, 2)
    optimizer = trainer.run.optimizer
    trainer.ask(trainer.change, optimizer="adam")
    assert trainer.run.optimizer is optimizer
    assert trainer.recipe.optimizer == run.recipe.optimizer == "adam:weight-decay=0.03"
    steps(trainer, 2)
    assert parameters(trainer) == run.network.parameters.tobytes()
    trainer.ask(trainer.change, optimizer="sgd")
    trainer.ask(trainer.change, optimizer="adam")
    adam = trainer.run.optimizer
    assert (trainer.recipe.optimizer, adam.weight_decay, adam.steps) == ("adam", 0, 0)
    trainer.ask(trainer.rewind)
    assert trainer.recipe.optimizer == run.recipe.optimizer


def test_another_optimizer_while_it_trains_does_not_stop_it(trainer):
    trainer.ask(trainer.change, speed=500)  # far from its end, however long this takes
    trainer.ask(trainer.start)
    trainer.ask(trainer.change, optimizer="sgd")
    step = trainer.run.progress.step
    wait_until(lambda: trainer.run.progress.step > step + 50)
    assert state(trainer) == "training"


def test_at_a_given_speed_it_waits_between_steps_and_still_listens(trainer):
    trainer.ask(trainer.change, speed=1)
    trainer.ask(trainer.start)
    wait_until(lambda: trainer.run.progress.step >= 1)
    assert [trainer.ask(trainer.description)["speed"] for _ in range(50)] == [1] * 50
    trainer.ask(trainer.change, speed=None)
    wait_until(lambda: trainer.run.progress.step > 30)
    trainer.ask(trainer.pause)
    step = trainer.run.progress.step
    assert steps(trainer, 1)
    assert trainer.run.progress.step == step + 1


def test_the_target_finishes_the_training_and_a_higher_one_lets_it_go_on(trainer):
    trainer.ask(trainer.change, epoch_target=1)
    trainer.ask(trainer.start)
    wait_until(lambda: state(trainer) == "finished")
    assert trainer.run.progress.epoch == 1
    for command in (trainer.start, lambda: trainer.step("batch")):
        with pytest.raises(BadInput, match="the training ended after epoch 1: raise the number of epochs to go on"):
            trainer.ask(command)
    trainer.ask(trainer.change, epoch_target=2)
    assert state(trainer) == "paused"
    trainer.ask(trainer.start)
    wait_until(lambda: state(trainer) == "finished")
    assert trainer.run.progress.epoch == 2


def test_the_longest_training_has_an_end(trainer, monkeypatch):
    monkeypatch.setattr(limits, "EPOCHS", 2)
    trainer.ask(trainer.restart, preset="784-10-10", seed=1)
    trainer.ask(trainer.start)
    wait_until(lambda: state(trainer) == "finished")
    assert trainer.run.progress.epoch == 2
    trainer.ask(trainer.rewind)
    assert len(steps(trainer, 2)) == 2


# ---- other networks ----


def test_a_new_seed_is_another_network_and_the_same_seed_the_same(trainer):
    first = parameters(trainer)
    trainer.ask(trainer.restart)
    drawn = trainer.ask(trainer.description)["seed"]
    assert drawn != 7
    assert parameters(trainer) != first
    trainer.ask(trainer.restart, seed=7)
    assert parameters(trainer) == first


@pytest.mark.parametrize("preset", limits.presets())
def test_every_preset_trains_and_is_checked(trainer, preset):
    trainer.ask(trainer.restart, seed=1, preset=preset)
    description = trainer.ask(trainer.description)
    assert description["preset"] == preset
    assert description["sizes"] == PRESETS[preset].sizes
    assert description["learning_rate"] == PRESETS[preset].learning_rate
    assert description["parameters"] == trainer.run.network.parameters.size
    assert 0 < description["gradient_check"]["relative_error"] < 1e-6
    assert description["gradient_check"]["parameters"] >= 50
    assert len(steps(trainer, 3)) == 3
    frame = trainer.ask(trainer.frame)
    assert frame["example"]["label"] in PRESETS[preset].classes
    assert len(frame["confusion"]["matrix"]) == len(frame["example"]["outputs"]) == len(PRESETS[preset].classes)


def test_own_hidden_layers(trainer):
    trainer.ask(
        trainer.restart,
        seed=1,
        hidden=(20, 15, 12),
        activation="relu",
        optimizer="sgd",
        batch_size=5,
        preset="784-10-10",
    )
    description = trainer.ask(trainer.description)
    assert description["sizes"] == (784, 20, 15, 12, 10)
    assert description["activations"] == ("relu", "relu", "relu", "softmax")
    assert (description["preset"], description["optimizer"], description["batch_size"]) == (None, "sgd", 5)
    trainer.ask(trainer.restart, seed=1, hidden=())
    assert trainer.ask(trainer.description)["activations"] == ("softmax",)
    assert len(steps(trainer, 2)) == 2


@pytest.mark.parametrize("activation", limits.menus()["activations"])
def test_every_activation_on_the_menu_trains_and_is_checked(trainer, activation):
    trainer.ask(trainer.restart, seed=1, activation=activation, hidden=(9, 8))
    description = trainer.ask(trainer.description)
    assert description["activations"] == (activation, activation, "sigmoid")
    assert 0 < description["gradient_check"]["relative_error"] < 1e-6
    before = parameters(trainer)
    steps(trainer, 1)
    assert parameters(trainer) != before
    frame = trainer.ask(trainer.frame)
    json.dumps(frame, allow_nan=False)
    assert [layer["type"] for layer in frame["layers"]] == [activation, activation, "sigmoid"]


@pytest.mark.parametrize("optimizer", limits.menus()["optimizers"])
def test_every_optimizer_on_the_menu_trains(trainer, optimizer):
    trainer.ask(trainer.change, optimizer=optimizer)
    assert trainer.ask(trainer.description)["optimizer"] == optimizer
    before = parameters(trainer)
    steps(trainer, 2)
    assert parameters(trainer) != before
    assert trainer.run.optimizer.steps == 2
    json.dumps(trainer.ask(trainer.frame), allow_nan=False)


def test_an_own_activation_and_an_own_optimizer_are_on_the_menus_and_train(own_parts, trainer, tmp_path):
    menus = trainer.ask(trainer.description)["menus"]
    assert menus == limits.menus()
    assert "sign-descent" in menus["optimizers"]
    assert "leaky-relu" in menus["activations"]
    trainer.ask(trainer.restart, seed=1, preset="784-10-10", activation="leaky-relu", hidden=(20, 15))
    trainer.ask(trainer.change, optimizer="sign-descent")
    description = trainer.ask(trainer.description)
    assert description["sizes"] == (784, 20, 15, 10)
    assert description["activations"] == ("leaky-relu", "leaky-relu", "softmax")
    assert description["optimizer"] == trainer.recipe.optimizer == "sign-descent"
    assert 0 < description["gradient_check"]["relative_error"] < 1e-6
    before = trainer.run.network.parameters.copy()
    steps(trainer, 1)
    step = np.sign(trainer.run.network.gradients) * np.float32(trainer.recipe.learning_rate)
    assert parameters(trainer) == (before - step).tobytes()
    frame = trainer.ask(trainer.frame)
    json.dumps((frame, description, trainer.ask(trainer.neuron, 0, 3)), allow_nan=False)
    assert [layer["type"] for layer in frame["layers"]] == ["leaky-relu", "leaky-relu", "softmax"]
    assert [layer["dead"] for layer in frame["layers"]] == [None, None, None]
    nn.save(trainer.ask(trainer.saved), tmp_path / "a.json")
    trained = parameters(trainer)
    trainer.ask(trainer.rewind)
    assert trainer.ask(trainer.description)["optimizer"] == "adam"
    trainer.ask(trainer.adopt, nn.load(tmp_path / "a.json"))
    assert parameters(trainer) == trained
    assert trainer.ask(trainer.description)["activations"] == ("leaky-relu", "leaky-relu", "softmax")


def test_an_uploaded_activation_keeps_its_settings_in_a_new_network(own_parts, trainer):
    layers = [nn.Dense(9), LeakyReLU(slope=0.25), nn.Dense(10), nn.Softmax()]
    trainer.ask(trainer.adopt, nn.SavedNetwork(nn.Network(layers, (784,), seed=0)))
    assert trainer.ask(trainer.description)["activations"] == ("leaky-relu:slope=0.25", "softmax")
    trainer.ask(trainer.restart, seed=1, hidden=(8, 7))
    assert [layer.slope for layer in trainer.run.network.layers[1:5:2]] == [0.25, 0.25]
    assert len(steps(trainer, 1)) == 1
    trainer.ask(trainer.restart, seed=1, activation="leaky-relu")
    assert [layer.slope for layer in trainer.run.network.layers[1:5:2]] == [0.1, 0.1]


def test_a_network_goes_out_and_comes_back_to_the_bit(trainer, tmp_path):
    steps(trainer, 5)
    nn.save(trainer.ask(trainer.saved), tmp_path / "a.json")
    trained = parameters(trainer)
    trainer.ask(trainer.restart, preset="784-10-10", seed=2)
    trainer.ask(trainer.adopt, nn.load(tmp_path / "a.json"))
    assert parameters(trainer) == trained
    description = trainer.ask(trainer.description)
    assert description["loss"] == "mean-squared-error"
    assert description["sizes"] == (784, 100, 10)
    assert state(trainer) == "paused"
    steps(trainer, 2)
    trainer.ask(trainer.rewind)
    assert parameters(trainer) == trained
    nn.save(trainer.ask(trainer.saved), tmp_path / "b.json")
    assert nn.load(tmp_path / "b.json").network.parameters.tobytes() == trained


@pytest.mark.parametrize(
    ("layers", "inputs", "message"),
    [
        ([nn.Dense(10), nn.Softmax()], 64, r"inputs of shape \(64,\): expected \(784,\) or \(1, 28, 28\), the pixels"),
        ([nn.Dense(513), nn.ReLU(), nn.Dense(10), nn.Softmax()], 784, "at most 512 units"),
        (
            [Conv2D(64, 3, padding="same"), GlobalAveragePool2D(), nn.Dense(10), nn.Softmax()],
            (1, 28, 28),
            "the page can't show 4 layers of up to 50,176 numbers and 1,290 parameters: expected at most 24 layers",
        ),
    ],
)
def test_networks_that_cannot_be_shown_are_refused_and_the_present_one_stays(trainer, layers, inputs, message):
    before = parameters(trainer), trainer.ask(trainer.description)
    input_shape = inputs if isinstance(inputs, tuple) else (inputs,)
    with pytest.raises(BadInput, match=message):
        trainer.ask(trainer.adopt, nn.SavedNetwork(nn.Network(layers, input_shape, seed=0)))
    assert (parameters(trainer), trainer.ask(trainer.description)) == before
    assert len(steps(trainer, 1)) == 1


def test_float64_beyond_float32_is_refused(trainer):
    network = nn.Network([nn.Dense(10), nn.Softmax()], (784,), seed=0, dtype=np.float64)
    network.parameters[5] = 1e300
    with pytest.raises(BadInput, match="too large for float32"):
        trainer.ask(trainer.adopt, nn.SavedNetwork(network))


def test_a_network_whose_numbers_overflow_is_shown_all_the_same(trainer):
    network = nn.Network([nn.Dense(9), nn.ReLU(), nn.Dense(10), nn.Softmax()], (784,), seed=0)
    network.parameters[...] = 1e38
    trainer.hub.watch()
    trainer.ask(trainer.adopt, nn.SavedNetwork(network))
    shown = trainer.ask(trainer.frame), trainer.ask(trainer.description), trainer.ask(trainer.neuron, 1, 0)
    json.dumps(shown, allow_nan=False)
    trainer.ask(trainer.step, "batch")
    assert state(trainer) == "diverged"


# ---- divergence ----


# Without weight decay, saturated sigmoids and dead ReLUs can't get any worse: there no number overflows.
@pytest.mark.parametrize("preset", sorted({*limits.presets()} - {"784-196-1", "lenet-fast"}))
def test_an_absurd_rate_diverges_and_the_last_finite_network_stays(trainer, preset):
    trainer.ask(trainer.restart, seed=7, preset=preset)
    watch = trainer.hub.watch()
    steps(trainer, 2)
    trainer.ask(trainer.change, learning_rate=1e6)
    trainer.ask(trainer.start)
    wait_until(lambda: state(trainer) == "diverged")
    assert np.isfinite(trainer.run.network.parameters).all()
    message = trainer.ask(trainer.frame)["message"]
    assert message["kind"] == "diverged"
    assert message["rate"] == 1e6
    assert message["step"] == trainer.run.progress.step + 1
    assert message["reason"]
    assert "lower learning rate" in message["advice"]
    shown = dict(watch.next(0))
    assert json.loads(shown["frame"])["state"] == json.loads(shown["state"])["state"] == "diverged"
    for command in (trainer.start, lambda: trainer.step("example")):
        with pytest.raises(BadInput, match="diverged: rewind or start again"):
            trainer.ask(command)
    trainer.ask(trainer.rewind)
    assert trainer.ask(trainer.frame)["message"] is None
    assert len(steps(trainer, 3)) == 3


# ---- what is shown ----


def test_a_frame_after_a_step_belongs_to_that_step(trainer, digits):
    watch = trainer.hub.watch()
    trainer.ask(trainer.show, "latest")
    losses = steps(trainer, 3)
    frame = json.loads(dict(watch.next(0))["frame"])
    assert (frame["step"], frame["seen"], frame["state"]) == (3, 192, "paused")
    assert frame["loss"] == losses[-1]
    assert [point[2] for point in frame["points"]] == losses
    assert (frame["points_from"], frame["points_every"]) == (0, 1)
    assert frame["epoch"] == pytest.approx(192 / len(trainer.run.learning))
    order = trainer.run.batches.order(0)
    assert frame["example"]["index"] == order[191]
    image = digits.train.images[order[191]]
    p = nn.predict(trainer.run.network, image[None])[0]
    np.testing.assert_allclose(frame["example"]["outputs"], p, rtol=1e-5)
    predicted = predicted_classes(nn.predict(trainer.run.network, trainer.run.validation.images))
    matrix = metrics.confusion_matrix(trainer.run.validation.labels, predicted, 10)
    assert frame["confusion"] == {"matrix": matrix.tolist(), "step": 3}
    loss, accuracy = nn.evaluate(trainer.run.network, trainer.run.loss, trainer.run.validation)
    assert frame["validation"] == {"loss": loss, "accuracy": accuracy, "step": 3}


def test_the_accuracy_in_a_frame_is_that_of_the_last_batches(trainer, digits):
    run = reference(digits)
    right = 0
    for x, t in list(run.batches.epoch(0))[:4]:
        p, _ = nn.train_step(run.network, run.loss, run.optimizer, 0.005, x, t)
        right += np.count_nonzero(p.argmax(axis=1) == t.argmax(axis=1))
    steps(trainer, 4)
    assert trainer.ask(trainer.frame)["accuracy"] == right / 256


def test_without_watchers_no_frame_is_built(trainer, monkeypatch):
    built = []
    monkeypatch.setattr(trainer, "frame", lambda: built.append(1) or {})
    trainer.ask(trainer.change, speed=500)  # far from its end, however long this takes
    trainer.ask(trainer.start)
    wait_until(lambda: trainer.run.progress.step > 100)
    assert built == []
    watch = trainer.hub.watch()
    wait_until(lambda: trainer.run.progress.step > 300)
    assert built == [], "nobody waits for one"
    for number in (1, 2, 3):
        while len(built) < number:
            assert watch.next(60)


def test_looking_on_changes_nothing(trainer, digits):
    trainer.hub.watch()
    trainer.ask(trainer.change, epoch_target=2)
    trainer.ask(trainer.start)
    while state(trainer) == "training":
        trainer.ask(trainer.frame)
        trainer.ask(trainer.neuron, 0, 3)
        trainer.ask(trainer.guess, np.full((280, 280), 255, np.uint8), True)
        trainer.ask(trainer.confusion_cell, 1, 2)
        trainer.ask(trainer.history, 3, trainer.run_number)
    run = reference(digits, epochs=2)
    list(run.epochs())
    assert parameters(trainer) == run.network.parameters.tobytes()


def test_looking_in_the_middle_of_single_steps_changes_nothing_either(trainer):
    trainer.hub.watch()
    first = steps(trainer, 6)
    trainer.ask(trainer.rewind)
    for _ in range(6):
        steps(trainer, 1)
        trainer.ask(trainer.frame)
        trainer.ask(trainer.neuron, 1, 0)
    assert [point.loss for point in trainer.live.curve.points] == first


def test_a_neuron_that_is_not_there(trainer):
    for layer, neuron in ((2, 0), (0, 100), (1, 10), (-1, 0)):
        with pytest.raises(BadInput, match="there is no such neuron"):
            trainer.ask(trainer.neuron, layer, neuron)
    with pytest.raises(BadInput, match="numbers below 10"):
        trainer.ask(trainer.confusion_cell, 0, 10)


def test_many_who_ask_at_the_same_time_are_all_answered(trainer):
    trainer.ask(trainer.start)
    answers: list[int] = []

    def ask() -> None:
        answers.extend(trainer.ask(trainer.neuron, 0, i)["neuron"] for i in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == sorted(list(range(20)) * 8)


def test_a_mistake_in_a_question_is_the_askers_and_the_training_goes_on(trainer):
    with pytest.raises(ZeroDivisionError):
        trainer.ask(lambda: 1 / 0)
    assert len(steps(trainer, 1)) == 1


def test_also_the_first_training_is_made_with_the_trainers_own_number_of_threads(digits, monkeypatch):
    """Two threads that a busy machine keeps waiting took a hundred times as long for the gradient check."""
    found = []
    check = LiveRun._check_gradients

    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info()}

    def record(run: LiveRun) -> GradientCheck:
        found.append(threads())
        return check(run)

    monkeypatch.setattr(LiveRun, "_check_gradients", record)
    with threadpool_limits(2):
        before = threads()
        Trainer(digits, threads=1)
        assert threads() == before
    assert found == [{1}]


def test_it_ends_while_it_trains(digits):
    with Trainer(digits) as trainer:
        trainer.ask(trainer.start)
        watch = trainer.hub.watch()
    assert not trainer._thread.is_alive()
    assert watch.next(0) is None


def test_real_digits_are_learnt_at_full_speed(mnist):
    with Trainer(mnist) as trainer:
        assert len(trainer.run.validation) == 5000
        trainer.ask(trainer.change, epoch_target=1)
        trainer.hub.watch()
        trainer.ask(trainer.start)
        wait_until(lambda: state(trainer) == "finished")
        assert trainer.live.validation[-1][2] > 0.95
