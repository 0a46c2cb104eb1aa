"""Which digit is on the stage, and what a step with a single example shows: before it, and after it."""

import base64
from collections.abc import Iterator

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.errors import BadInput
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.web.trail import Trail, place_of_weight
from nn_from_scratch.web.trainer import Trainer
from tests.web.test_frames import unpacked


@pytest.fixture
def trainer(digits) -> Iterator[Trainer]:
    with Trainer(digits, seed=7) as trainer:
        yield trainer


def frame(trainer: Trainer) -> dict:
    return trainer.ask(trainer.frame)


def step(trainer: Trainer, unit: str) -> dict:
    trainer.ask(trainer.step, unit)
    return frame(trainer)


def image_of(shown: dict) -> bytes:
    return base64.b64decode(shown["example"]["image"])


# ---- the stage ----


def test_a_digit_that_is_never_learnt_stays_on_the_stage_while_it_trains(trainer):
    first = frame(trainer)["example"]
    assert (first["kind"], first["index"]) == ("pinned", 0)
    held_out = trainer.run.validation
    assert base64.b64decode(first["image"]) == held_out.images[0].tobytes()
    assert first["label"] == held_out.labels[0]
    for _ in range(3):
        shown = step(trainer, "batch")
        assert shown["example"]["image"] == first["image"]
        p = nn.predict(trainer.run.network, held_out.images[:1])[0]
        np.testing.assert_allclose(shown["example"]["outputs"], p, rtol=1e-5)
    trainer.ask(trainer.show, "pinned", 5)
    assert image_of(step(trainer, "batch")) == held_out.images[5].tobytes()


def test_a_test_digit_the_latest_digit_and_a_drawing(trainer, digits):
    trainer.ask(trainer.show, "test", 17)
    shown = frame(trainer)
    assert image_of(shown) == digits.test.images[17].tobytes()
    assert shown["example"]["label"] == digits.test.labels[17]
    trainer.ask(trainer.show, "latest")
    index = step(trainer, "batch")["example"]["index"]
    assert index == trainer.run.batches.order(0)[63]
    ink = np.zeros((280, 280), np.uint8)
    ink[40:240, 120:150] = 255
    trainer.ask(trainer.show, "drawing", None, ink, True)
    shown = frame(trainer)
    guess = trainer.ask(trainer.guess, ink, True)
    assert shown["example"]["image"] == guess["image"]
    np.testing.assert_allclose(shown["example"]["outputs"], guess["outputs"], rtol=1e-5)
    assert shown["example"]["label"] is shown["example"]["loss"] is None
    assert all(unpacked(layer["deltas"]).any() == np.False_ for layer in shown["layers"])
    trainer.ask(trainer.show, "drawing", None, np.zeros((280, 280), np.uint8), True)  # nothing drawn: nothing happens
    assert frame(trainer)["example"]["image"] == guess["image"]


def test_mistakes_come_one_after_another_and_then_again(trainer):
    step(trainer, "batch")
    trainer.hub.watch()
    trainer.ask(trainer.publish, True)
    split, predicted = trainer.run.validation, nn.predict(trainer.run.network, trainer.run.validation.images).argmax(1)
    wrong = np.flatnonzero(predicted != split.labels).tolist()
    found = []
    for _ in range(len(wrong) + 1):
        trainer.ask(trainer.show, "mistake")
        found.append(frame(trainer)["example"]["index"])
    assert found == [*wrong, wrong[0]]


def test_what_is_not_there_cannot_be_shown(trainer):
    before = frame(trainer)["example"]
    for arguments in (("other",), ("test", 360), ("pinned", 205), ("drawing",)):
        with pytest.raises(BadInput):
            trainer.ask(trainer.show, *arguments)
    assert frame(trainer)["example"] == before


# ---- a lesson ----


@pytest.mark.parametrize("preset", ["784-10-10", "784-100-10", "784-196-1", "lenet-fast"])
def test_a_step_with_an_example_shows_it_before_and_after(preset, digits):
    with Trainer(digits, preset, seed=3) as trainer:
        run = TrainingRun(PRESETS[preset].override(schedule="constant"), digits, 3, len(trainer.run.validation))
        x, t = next(run.batches.epoch(0))
        x, t = x[:1], t[:1]
        before = run.network.forward(x)
        nn.train_step(run.network, run.loss, run.optimizer, run.recipe.learning_rate, x, t)
        after = run.network.forward(x)
        shown = step(trainer, "example")
        assert shown["example"]["kind"] == shown["before"]["example"]["kind"] == "latest"
        assert shown["example"]["index"] == shown["before"]["example"]["index"] == run.batches.order(0)[0]
        assert shown["before"]["example"]["loss"] == pytest.approx(run.loss.value(before, t), rel=1e-5)
        assert shown["example"]["loss"] == pytest.approx(run.loss.value(after, t), rel=1e-5)
        outputs = np.array(shown["before"]["example"]["outputs"])
        np.testing.assert_allclose(outputs[-before.shape[1] :], before[0], rtol=1e-4, atol=1e-6)
        # the δ that caused the step: softmax and cross-entropy leave p − t
        if run.loss.matching_activation:
            deltas = shown["before"]["layers"][-1]["deltas"]
            np.testing.assert_allclose(unpacked(deltas), (before - t)[0], atol=deltas["scale"] * 0.51)
        # what the lines tell is how the weights have moved
        for old, new in zip(shown["before"]["layers"], shown["layers"], strict=True):
            for (unit, inputs, w, _, _), (same, again, now, _, _, change) in zip(
                old["edges"], new["edges"], strict=True
            ):
                assert (unit, inputs) == (same, again)
                slack = (w["scale"] + now["scale"]) * 0.51
                assert np.abs(unpacked(now) - unpacked(w) - unpacked(change)).max() <= slack


def test_the_next_batch_ends_the_lesson_and_so_does_another_digit(trainer):
    assert step(trainer, "example")["before"]
    assert step(trainer, "batch")["before"] is None
    assert frame(trainer)["example"]["kind"] == "pinned"
    assert step(trainer, "example")["before"]
    trainer.ask(trainer.show, "test", 3)
    shown = frame(trainer)
    assert (shown["before"], shown["example"]["index"]) == (None, 3)
    step(trainer, "example")
    trainer.ask(trainer.rewind)
    assert frame(trainer)["before"] is None


def test_a_lesson_with_dropout_sees_the_units_that_the_step_left_out(digits):
    layers = ("dense:40", "relu", "dropout:rate=0.5", "dense:10", "softmax")
    with Trainer(digits, "784-10-10", seed=3) as trainer:
        trainer.ask(trainer.restart, seed=3, layers=layers)
        shown = step(trainer, "example")
        activations = unpacked(shown["before"]["layers"][0]["activations"])
        left_out = trainer.run.network.layers[2].m[0] == 0
        assert 0 < left_out.sum() < 40
        assert not activations[left_out].any()
        assert activations[~left_out].any()


def test_a_network_with_batch_normalization_learns_by_the_batch_and_says_so(digits):
    with Trainer(digits, "784-10-10", seed=3) as trainer:
        trainer.ask(trainer.restart, seed=3, layers=("dense:12", "batch-norm", "relu", "dense:10", "softmax"))
        with pytest.raises(BadInput, match="batch normalization, which takes the mean of a batch: step by one batch"):
            trainer.ask(trainer.step, "example")
        shown = step(trainer, "batch")
        p = nn.predict(trainer.run.network, trainer.run.validation.images[:1])[0]
        np.testing.assert_allclose(shown["example"]["outputs"], p, rtol=1e-4)  # as it answers: by running statistics
        assert unpacked(shown["layers"][0]["deltas"]).any()


# ---- the curve ----


def test_the_held_out_images_are_judged_early_and_then_ever_more_rarely(mnist):
    with Trainer(mnist, "784-10-10", seed=1) as trainer:
        trainer.ask(trainer.change, epoch_target=1)
        trainer.ask(trainer.step, "epoch")
        while trainer.ask(trainer.description)["state"] == "training":
            pass
        measured = [step for step, _, _ in trainer.live.validation]
        assert measured == [0, 10, 30, 100, 300, 1000, trainer.run.progress.step]


def test_changes_on_the_way_leave_a_mark(trainer):
    trainer.ask(trainer.change, learning_rate=0.1)  # before the first step: it is where it begins
    step(trainer, "batch")
    trainer.ask(trainer.change, learning_rate=0.02)
    step(trainer, "batch")
    trainer.ask(trainer.change, optimizer="sgd")
    trainer.ask(trainer.change, batch_size=None)
    rate = trainer.recipe.learning_rate
    assert trainer.ask(trainer.description)["marks"] == [
        (1, "rate 0.02"),
        (2, f"optimizer sgd, rate {rate:g}"),
        (2, "batch size all"),
    ]
    trainer.ask(trainer.rewind)
    assert trainer.ask(trainer.description)["marks"] == []


def test_weight_decay_changes_on_the_way_and_the_optimizer_keeps_its_memory(trainer, digits):
    run = TrainingRun(PRESETS["784-100-10"].override(schedule="constant"), digits, 7, len(trainer.run.validation))
    batches = run.batches.epoch(0)
    for decay in (0.03, 0.03, 0.5, 0.0):
        run.optimizer.weight_decay = decay
        nn.train_step(run.network, run.loss, run.optimizer, 0.005, *next(batches))
    for decay in (None, None, 0.5, 0.0):
        if decay is not None:
            trainer.ask(trainer.change, weight_decay=decay)
        step(trainer, "batch")
    assert trainer.run.network.parameters.tobytes() == run.network.parameters.tobytes()
    assert trainer.ask(trainer.description)["weight_decay"] == 0.0


def test_the_whole_training_set_as_one_batch(trainer):
    trainer.ask(trainer.change, batch_size=None)
    assert step(trainer, "batch")["seen"] == len(trainer.run.learning)


# ---- uploads ----


def test_an_uploaded_network_is_judged_on_the_test_images(trainer, digits):
    network = PRESETS["784-10-10"].make_network(3)
    trainer.ask(trainer.adopt, nn.SavedNetwork(network, tuple(range(10))))
    description = trainer.ask(trainer.description)
    assert description["data"]["judged_on"] == "test"
    assert description["data"]["validation"] == len(digits.test)
    assert description["data"]["training"] == len(digits.train)
    _, accuracy = nn.evaluate(network, nn.CrossEntropy(), digits.test)
    assert trainer.live.validation[-1][2] == accuracy
    trainer.ask(trainer.restart, seed=1)
    assert trainer.ask(trainer.description)["data"]["judged_on"] == "validation"


# ---- a weight's life ----


@pytest.mark.parametrize(("preset", "layer"), [("784-10-10", 0), ("784-100-10", 1), ("lenet-fast", 2)])
def test_a_weight_tells_its_value_its_slope_and_its_way(preset, layer, digits):
    with Trainer(digits, preset, seed=3) as trainer:
        values = []
        for _ in range(5):
            values.append(trainer.run.network.parameters.copy())
            trainer.ask(trainer.step, "batch")
            trainer.ask(trainer.description)
        stage = trainer.live.stage.trace().stages[layer]
        found = trainer.ask(trainer.weight, layer, 7, 20)
        w = stage.layer.W[7].ravel()[20]
        assert (
            found["value"]
            == w
            == trainer.run.network.parameters[place_of_weight(trainer.run.network, stage.layer, 7, 20)]
        )
        place = place_of_weight(trainer.run.network, stage.layer, 7, 20)
        assert found["trail"] == [[step, float(snapshot[place])] for step, snapshot in enumerate(values)] + [
            [5, float(w)]
        ]
        # its slope: that of the loss of the digit on the stage
        example, network = trainer.live.stage.example, trainer.run.network
        x, t = example.as_batch(network)
        h, losses = 1e-3, []
        for move in (h, -h):
            network.parameters[place] = w + np.float32(move)
            losses.append(trainer.run.loss.value(network.forward(x), t))
        network.parameters[place] = w
        assert found["gradient"] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=0.05, abs=2e-3)


def test_a_weight_that_is_set_breaks_something_and_a_rewind_mends_it(trainer):
    step(trainer, "batch")
    trainer.ask(trainer.set_weight, 1, 3, 5, 1000.0)
    assert trainer.run.network.layers[2].W[3, 5] == 1000
    assert frame(trainer)["confusion"]["step"] == 1
    predicted = nn.predict(trainer.run.network, trainer.run.validation.images).argmax(axis=1)
    assert np.sum(frame(trainer)["confusion"]["matrix"], axis=0)[3] == np.sum(predicted == 3) > 100
    assert trainer.ask(trainer.description)["marks"] == [(1, "a weight")]
    trainer.ask(trainer.rewind)
    assert abs(trainer.run.network.layers[2].W[3, 5]) < 10
    for place in ((2, 0, 0), (0, 100, 0), (0, 0, 784)):
        with pytest.raises(BadInput, match="there is no such weight"):
            trainer.ask(trainer.set_weight, *place, 1.0)


def test_a_trail_keeps_within_its_memory_and_begins_at_step_0():
    network = nn.Network([nn.Dense(2), nn.Softmax()], (3,), seed=0)
    trail = Trail(network, most_bytes=16 * network.parameters.nbytes)
    for number in range(1, 1001):
        network.parameters[0] = number
        trail.add(number)
    found = trail.of(0)
    assert 8 <= len(found) <= 16
    assert [step for step, _ in found] == list(range(0, 1001, trail.every))
    assert all(value == number for number, value in found[1:])
