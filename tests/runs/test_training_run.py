"""A training run that is interrupted anywhere and taken up again learns the same, to the bit, as one that never was."""

import json
import tracemalloc
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import nn_from_scratch as nn
from nn_from_scratch import figures, metrics, training
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs import training_run
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.runs.training_run import Best, TrainingRun
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.storage import json_files
from nn_from_scratch.training import Diverged
from tests.conftest import SMALL, random_split
from tests.storage.test_network_file import DELETED, json_values, places, set_in

RECIPE = SMALL.override(sizes=(16, 6, 3), batch_size=16, epochs=3)
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "plain SGD": {"optimizer": "sgd", "learning_rate": 0.1},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "Nesterov": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Adam": {"optimizer": "adam"},
    "Adam with decay": {"optimizer": "adam", "weight_decay": 0.1},
}
few = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
RNG = np.random.default_rng(4)
DATA = Dataset("tiny", random_split(RNG, 60), random_split(RNG, 20), "a test")
OTHER_DATA = Dataset("tiny", random_split(RNG, 60), random_split(RNG, 20), "a test")


@pytest.fixture(autouse=True)
def _a_clock_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds are all that two equal trainings differ in."""
    monkeypatch.setattr(training, "perf_counter", lambda: 0.0)


def start(recipe: Recipe = RECIPE, validation: int = 10, seed: int = 0) -> TrainingRun:
    return TrainingRun(recipe, DATA, seed, validation)


def train(run: TrainingRun) -> TrainingRun:
    assert len(list(run.epochs())) > 0
    return run


class Stopped(Exception):
    pass


def train_until(run: TrainingRun, step: int) -> TrainingRun:
    """Train, and be interrupted right after this step."""

    def stop(number: int, loss: float) -> None:
        if number == step:
            raise Stopped

    with pytest.raises(Stopped):
        list(run.epochs(stop))
    return run


def resumed(run: TrainingRun, path: Path, epochs: int | None = None) -> TrainingRun:
    save_checkpoint(run, path)
    return load_checkpoint(path, lambda name: DATA, epochs)


def checkpoint_bytes(run: TrainingRun, path: Path) -> bytes:
    save_checkpoint(run, path)
    return path.read_bytes()


def interrupted(recipe: Recipe, steps: Iterable[int], path: Path, validation: int) -> TrainingRun:
    run = start(recipe, validation)
    for step in steps:
        run = resumed(train_until(run, step), path)
    return train(run)


def assert_same(run: TrainingRun, other: TrainingRun, path: Path) -> None:
    """To the last bit: parameters, memory, history, best, and the bytes of the checkpoint that holds them all."""
    assert run.network.parameters.tobytes() == other.network.parameters.tobytes()
    assert run.history == other.history
    assert run.progress == other.progress
    assert checkpoint_bytes(run, path) == checkpoint_bytes(other, path)
    assert run.test() == other.test()


# ---- interrupted and resumed ----


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@few
@given(
    batch_size=st.sampled_from([1, 7, 16, 50, 1000, None]),
    validation=st.sampled_from([0, 10]),
    data=st.data(),
)
def test_interrupted_after_any_steps_and_resumed_it_ends_at_the_same_bytes(
    optimizer, schedule, batch_size, validation, data, tmp_path
):
    recipe = RECIPE.override(schedule=schedule, batch_size=batch_size, **OPTIMIZERS[optimizer])
    steps_in_all = start(recipe, validation).schedule.total_steps
    steps = data.draw(st.sets(st.integers(1, steps_in_all), min_size=1, max_size=3), "interrupted after")
    with_stops = interrupted(recipe, sorted(steps), tmp_path / "stops.json", validation)
    assert_same(with_stops, train(start(recipe, validation)), tmp_path / "compared.json")


# With noise and state: what is drawn and what is remembered must be the same after a stop.
RESTLESS = {
    "of the tests": ("jitter", "row", "dense:6", "centre", "relu", "jitter:0.2", "dense:3", "centre:memory=0.5"),
    "convolutional": (
        *("conv2d:3:3:padding=same", "batch-norm", "max-pool2d", "relu", "dropout:0.2", "flatten"),
        *("dense:6", "batch-norm:momentum=0.5", "relu", "dropout", "dense:3", "batch-norm:momentum=0"),
    ),
}
restless_layers = pytest.mark.parametrize("layers", RESTLESS)


def restless(layers: str = "of the tests") -> Recipe:
    return RECIPE.override(layers=(*RESTLESS[layers], "softmax"), input_shape=(1, 4, 4), epochs=4)


@restless_layers
def test_with_noise_and_state_too_it_ends_at_the_same_bytes_wherever_it_was_stopped(layers, own_layers, tmp_path):
    recipe = restless(layers)
    whole = train(start(recipe))
    assert whole.network.state.any()
    steps = range(1, whole.progress.step + 1)
    for step in steps:
        assert_same(interrupted(recipe, [step], tmp_path / "a.json", 10), whole, tmp_path / "b.json")
    assert_same(interrupted(recipe, steps, tmp_path / "a.json", 10), whole, tmp_path / "b.json")


@restless_layers
def test_with_noise_and_state_two_epochs_and_two_more_are_four(layers, own_layers, tmp_path):
    two, four = (replace(restless(layers), epochs=epochs) for epochs in (2, 4))
    assert_same(train(resumed(train(start(two)), tmp_path / "a.json", epochs=4)), train(start(four)), tmp_path / "b")


def test_noise_comes_from_a_stream_of_its_own_and_is_another_at_every_step(own_layers, monkeypatch):
    drawn, quiet = [], start(RECIPE)
    noisy = start(RECIPE.override(layers=("jitter", "dense:6", "relu", "dense:3", "softmax"), input_shape=(16,)))
    assert noisy.network.parameters.tobytes() == quiet.network.parameters.tobytes()
    assert (noisy.batches.order(0) == quiet.batches.order(0)).all()
    draw = noisy.network.draw
    monkeypatch.setattr(noisy.network, "draw", lambda rng: draw(rng) or drawn.append(noisy.network.layers[0].key))
    train(noisy)
    assert len(set(drawn)) == len(drawn) == noisy.progress.step
    other = start(noisy.recipe, seed=1)
    train(other)
    assert other.network.layers[0].key != noisy.network.layers[0].key


AUGMENTED = ("affine:rotation=20", "elastic:strength=0.5")


@pytest.mark.parametrize("batch_size", [16, None])
def test_augmented_too_it_ends_at_the_same_bytes_wherever_it_was_stopped(batch_size, tmp_path):
    recipe = replace(RECIPE, augmentation=AUGMENTED, batch_size=batch_size)
    whole = train(start(recipe))
    steps = range(1, whole.progress.step + 1)
    for step in steps:
        assert_same(interrupted(recipe, [step], tmp_path / "a.json", 10), whole, tmp_path / "b.json")
    assert_same(interrupted(recipe, steps, tmp_path / "a.json", 10), whole, tmp_path / "b.json")


def test_augmentation_has_a_stream_of_its_own_and_is_for_the_images_that_are_learnt_from(monkeypatch):
    plain, augmented, other = start(), *(start(replace(RECIPE, augmentation=AUGMENTED), seed=seed) for seed in (0, 1))
    assert augmented.network.parameters.tobytes() == plain.network.parameters.tobytes()
    assert (augmented.batches.order(0) == plain.batches.order(0)).all()
    assert augmented.test() == plain.test()
    few = np.arange(4)
    images = [run.batches.batch(few, 0)[0].tobytes() for run in (plain, augmented, other)]
    assert len(set(images)) == 3
    seen, predict = [], nn.predict
    monkeypatch.setattr(training, "predict", lambda network, images: seen.append(images) or predict(network, images))
    next(augmented.epochs())
    assert [images.tobytes() for images in seen] == [augmented.validation.images.tobytes()]


@restless_layers
def test_a_checkpoint_holds_no_generator_and_the_state_once(layers, own_layers, tmp_path):
    run = train_until(start(restless(layers)), 6)
    save_checkpoint(run, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert set(content) == {
        "format", "format_version", "run", "progress", "history", "best", "optimizer", "parameters", "state"
    }  # fmt: skip
    assert b64decode(content["state"]) == run.network.state.astype("<f4").tobytes()


@restless_layers
def test_the_best_network_is_kept_with_its_state(layers, own_layers):
    run = start(restless(layers))
    seen = {result.epoch: run.network.snapshot() for result in run.epochs()}
    assert run.best.snapshot.tobytes() == seen[run.best.epoch].tobytes()
    last = run.network.snapshot()
    run.best.snapshot[-1] += 1  # a number of the state
    run.swap_best()
    name = list(run.network.places[-2].state)[-1]
    assert getattr(run.network.layers[-2], name)[-1] == seen[run.best.epoch][-1] + 1
    run.swap_best()
    assert run.network.snapshot().tobytes() == last.tobytes()


@restless_layers
def test_the_best_network_is_saved_with_the_statistics_that_it_was_judged_with(layers, own_layers, tmp_path):
    run = start(replace(restless(layers), learning_rate=0.05))
    best, last = {}, run.history
    for result in run.epochs():
        if run.best.epoch == result.epoch:
            best = {"loss": result.validation_loss, "p": nn.predict(run.network, run.validation.images)}
    assert run.best.epoch < last[-1].epoch  # else the last network would do as well
    run.swap_best()
    nn.save(nn.SavedNetwork(run.network, (0, 1, 2)), tmp_path / "best.json")
    saved = nn.load(tmp_path / "best.json").network
    assert nn.predict(saved, run.validation.images).tobytes() == best["p"].tobytes()
    assert nn.evaluate(saved, run.loss, run.validation) == (best["loss"], run.best.accuracy)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_statistic_that_is_no_number_is_divergence_and_what_is_left_can_be_saved(value, own_layers, tmp_path):
    run = train_until(start(restless()), 3)
    layer, settle = run.network.layers[3], run.network.layers[3].settle
    layer.settle = lambda: (layer.batch_mean.fill(value), settle())
    with pytest.raises(Diverged, match="a statistic that a layer keeps of its inputs is not a finite number"):
        list(run.epochs())
    assert np.isfinite(run.network.snapshot()).all()
    nn.save(nn.SavedNetwork(run.network, (0, 1, 2)), tmp_path / "diverged.json")
    again = nn.load(tmp_path / "diverged.json").network
    assert again.snapshot().tobytes() == run.network.snapshot().tobytes()


def test_every_single_step_is_a_place_to_stop(tmp_path):
    whole = train(start())
    for step in range(1, whole.progress.step + 1):
        assert_same(interrupted(RECIPE, [step], tmp_path / "a.json", 10), whole, tmp_path / "b.json")
    assert_same(interrupted(RECIPE, range(1, whole.progress.step + 1), tmp_path / "a.json", 10), whole, tmp_path / "b")


def test_a_training_with_one_output_for_two_classes_and_another_loss_is_resumed_too(tmp_path):
    recipe = RECIPE.override(
        sizes=(16, 4, 1), activations=("sigmoid", "sigmoid"), loss="binary-cross-entropy", classes=(2, 0)
    )
    assert_same(interrupted(recipe, [2, 5], tmp_path / "a.json", 5), train(start(recipe, 5)), tmp_path / "b.json")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_epochs_and_two_more_are_four(optimizer, tmp_path):
    two, four = (RECIPE.override(epochs=epochs, **OPTIMIZERS[optimizer]) for epochs in (2, 4))
    first = train(start(two))
    assert_same(train(resumed(first, tmp_path / "a.json", epochs=4)), train(start(four)), tmp_path / "b.json")


def test_a_checkpoint_between_epochs_is_one_like_any_other(tmp_path):
    run = start()
    for result in run.epochs():
        save_checkpoint(run, tmp_path / f"{result.epoch}.json")
    for epoch in (1, 2):
        again = load_checkpoint(tmp_path / f"{epoch}.json", lambda name: DATA)
        assert again.progress.epoch == epoch
        assert_same(train(again), run, tmp_path / "compared.json")


def test_a_finished_training_is_resumed_without_doing_anything(tmp_path):
    run = train(start())
    again = resumed(run, tmp_path / "a.json")
    assert list(again.epochs()) == []
    assert_same(again, run, tmp_path / "b.json")


def test_a_checkpoint_read_and_written_again_is_the_same_file(tmp_path):
    first = checkpoint_bytes(train_until(start(), 6), tmp_path / "a.json")
    again = load_checkpoint(tmp_path / "a.json", lambda name: DATA)
    assert checkpoint_bytes(again, tmp_path / "b.json") == first


def test_measuring_saving_and_testing_on_the_way_change_nothing(tmp_path):
    run = start()
    for _ in run.epochs(lambda step, loss: save_checkpoint(run, tmp_path / "a.json")):
        run.test()
    assert_same(run, train(start()), tmp_path / "b.json")


def test_evaluating_and_plotting_on_the_way_change_nothing(tmp_path):
    run = start()
    for _ in run.epochs():
        p = nn.predict(run.network, DATA.test.images)
        confusion = metrics.confusion_matrix(DATA.test.labels, predicted_classes(p), 3)
        figures.save(figures.confusion_matrix(confusion, (0, 1, 2), 0.5), tmp_path / "a.png")
    assert_same(run, train(start()), tmp_path / "b.json")


def test_another_seed_is_another_training(tmp_path):
    assert train(start(seed=1)).network.parameters.tobytes() != train(start()).network.parameters.tobytes()
    run = train_until(start(seed=1), 3)
    assert resumed(run, tmp_path / "a.json").seed == 1


# ---- the best ----


def test_the_best_is_that_of_the_highest_validation_accuracy_and_of_equals_the_earliest():
    run = start(replace(RECIPE, epochs=12, learning_rate=0.02))
    parameters = {result.epoch: run.network.parameters.copy() for result in run.epochs()}
    accuracies = [result.validation_accuracy for result in run.history]
    assert accuracies.count(max(accuracies)) > 1  # else this proves less than it says
    assert run.best.epoch == accuracies.index(max(accuracies)) + 1
    assert run.best.accuracy == max(accuracies)
    assert run.best.snapshot.tobytes() == parameters[run.best.epoch].tobytes()
    assert run.epochs_since_best == 12 - run.best.epoch


def test_the_epochs_since_the_best_are_counted_from_it():
    run = start()
    assert run.epochs_since_best == 0
    run.best = Best(epoch=2, accuracy=1.0, snapshot=run.network.snapshot())
    for result, since in zip(run.epochs(), (-1, 0, 1), strict=True):
        assert (result.epoch, run.epochs_since_best) == (2 + since, since)


def test_without_validation_there_is_no_best():
    run = train(start(validation=0))
    assert (run.best, run.epochs_since_best) == (None, 0)
    before = run.network.parameters.tobytes()
    run.swap_best()
    assert run.network.parameters.tobytes() == before


def test_swapped_the_network_is_the_best_one_and_swapped_again_the_last():
    run = train(start())
    last, best = run.network.parameters.copy(), np.arange(len(run.network.parameters), dtype=np.float32)
    run.best = Best(1, 0.5, best.copy())
    weights = run.network.layers[0].W
    run.swap_best()
    assert run.network.parameters.tobytes() == best.tobytes()
    assert weights[0, 1] == 1  # the layers' views saw it
    run.swap_best()
    assert run.network.parameters.tobytes() == last.tobytes()
    assert run.best.snapshot.tobytes() == best.tobytes()


# ---- divergence ----


def one_huge_step(**changes: Any) -> TrainingRun:
    """A single step, finite but absurdly long, after which the outputs of the network are no numbers."""
    recipe = RECIPE.override(
        sizes=(16, 6, 6, 3),
        activations=("relu", "relu", "softmax"),
        optimizer="sgd",
        learning_rate=1e16,
        batch_size=None,
        epochs=1,
    )
    return start(recipe, **changes)


def test_a_validation_loss_that_is_no_number_is_divergence():
    run = one_huge_step()
    with pytest.raises(
        Diverged, match=r"at step 1, at learning rate 1e.16: the validation loss is not a finite number"
    ):
        list(run.epochs())
    assert run.history == []
    assert np.isfinite(run.network.parameters).all()


def test_a_test_loss_that_is_no_number_is_divergence():
    run = train(one_huge_step(validation=0))
    with pytest.raises(Diverged, match=r"at step 1, at learning rate 1e.16: the test loss is not a finite number"):
        run.test()


# ---- threads ----


def test_there_is_one_thread_unless_more_are_asked_for():
    assert TrainingRun(replace(RECIPE, batch_size=None), DATA).threads == 1
    assert TrainingRun(RECIPE, DATA, threads=3).threads == 3


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_threads_are_limited_while_it_trains_and_tests_and_no_longer(monkeypatch):
    seen = []
    run = TrainingRun(RECIPE, DATA, threads=1)
    with threadpool_limits(2):
        for _ in run.epochs(lambda step, loss: seen.append(blas_threads())):
            assert blas_threads() == {2}
        monkeypatch.setattr(training_run, "evaluate", lambda *_: seen.append(blas_threads()) or (0.5, 0.5))
        run.test()
        assert blas_threads() == {2}
    assert seen == [{1}] * (run.progress.step + 1)


def test_where_a_layer_shares_its_work_out_each_product_has_one_thread():
    layers = ("conv2d:2:2", "flatten", "dense:3", "softmax")
    run = TrainingRun(replace(RECIPE, layers=layers, input_shape=(1, 4, 4)), DATA, threads=3)
    assert run.network.layers[0].threads == 3
    seen = []
    list(run.epochs(lambda step, loss: seen.append(blas_threads())))
    assert seen == [{1}] * run.progress.step


def test_a_resumed_training_has_as_many_threads_as_it_began_with(monkeypatch, tmp_path):
    run = train_until(TrainingRun(RECIPE, DATA, threads=2), 1)
    assert resumed(run, tmp_path / "a.json").threads == 2


# ---- how large it may be ----


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_checkpoint_of_the_largest_network_that_is_made_can_be_read(optimizer, tmp_path):
    """Seen at a network of 300 inputs, and computed for the largest."""
    sizes, rows = (300, 400, 3), DATA.train.images.reshape(60, -1)
    images = np.tile(rows, 19)[:, :300].reshape(60, 15, 20)
    data = Dataset("wide", nn.Split(images, DATA.train.labels), nn.Split(images, DATA.train.labels), "a test")
    run = train_until(TrainingRun(RECIPE.override(sizes=sizes, **OPTIMIZERS[optimizer]), data, validation=10), 6)
    assert run.best
    save_checkpoint(run, tmp_path / "a.json")
    size, most = (tmp_path / "a.json").stat().st_size, json_files.MOST_PARAMETERS
    assert size / run.network.parameters.size * most < json_files.LARGEST_FILE
    assert load_checkpoint(tmp_path / "a.json", lambda name: data).progress == run.progress


# ---- what is refused ----


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> dict:
    """One with something in every place: in the middle of the second epoch, with a best and an optimizer's memory."""
    path = tmp_path_factory.mktemp("checkpoint") / "a.json"
    save_checkpoint(train_until(start(), 6), path)
    return json.loads(path.read_text())


def refusal(path: Path, load_data: Callable[[str], Dataset] = lambda name: DATA, epochs: int | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        load_checkpoint(path, load_data, epochs)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def base64(values: list[float]) -> str:
    return b64encode(np.array(values, "<f4").tobytes()).decode()


def test_other_data_are_refused_and_the_difference_is_named(checkpoint, tmp_path):
    path = write(tmp_path / "a.json", checkpoint)
    then, now = DATA.fingerprint(), OTHER_DATA.fingerprint()
    message = refusal(path, lambda name: OTHER_DATA)
    assert message == f"{path}: this training began with other data: fingerprint was '{then}' and is '{now}'"
    fewer = Dataset("tiny", random_split(RNG, 40), DATA.test, "a test")
    assert "training_images was 50 and is 30" in refusal(path, lambda name: fewer)
    larger = Dataset("tiny", random_split(RNG, 60, side=5), random_split(RNG, 20, side=5), "a test")
    assert "5 × 5 = 25 pixels, but the network takes 16 inputs" in refusal(path, lambda name: larger)


def test_data_that_are_not_there_are_refused_in_their_own_words(checkpoint, tmp_path):
    def missing(name: str) -> Dataset:
        raise BadInput(f"{name}: no such file")

    with pytest.raises(BadInput, match=r"^tiny: no such file$"):
        load_checkpoint(write(tmp_path / "a.json", checkpoint), missing)


def test_fewer_epochs_than_are_done_are_refused(tmp_path):
    save_checkpoint(train(start()), tmp_path / "a.json")
    assert "progress: 12 steps are done, more than the 8 of 2 epochs" in refusal(tmp_path / "a.json", epochs=2)
    save_checkpoint(train_until(start(), 10), tmp_path / "a.json")  # the third epoch is begun
    assert "progress: 10 steps are done, more than the 8 of 2 epochs" in refusal(tmp_path / "a.json", epochs=2)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "nn_from_scratch", 'not a checkpoint of this package: expected a JSON object with "format"'),
        (("format_version",), 5, "format_version is 5, but this version of the package reads 1 and 2 and 3 and 4"),
        (("run",), DELETED, "the file: expected an object named 'run'"),
        (("run", "data"), [], "run: expected an object named 'data'"),
        (("run", "seed"), -1, "run.seed is -1: expected a whole number from 0 up"),
        (("run", "seed"), True, "run.seed is True: expected a whole number"),
        (("run", "threads"), 0, "run: threads 0: expected from 1 to 1024"),
        (("run", "threads"), 2**64, "run: threads 18446744073709551616: expected from 1 to 1024"),
        (("run", "threads"), 1.5, "run.threads is 1.5: expected a whole number"),
        (("run", "data", "validation_images"), 60, "run: can't hold out 60 of 60 images"),
        (("run", "data", "validation_images"), 9, "training_images was 50 and is 51"),
        (("run", "recipe", "dropout"), 0.5, "run.recipe holds ['augmentation', "),
        (("run", "recipe", "epochs"), DELETED, "run.recipe holds ['augmentation', "),
        (("run", "recipe", "epochs"), 2.5, "run.recipe.epochs is 2.5: expected int"),
        (("run", "recipe", "batch_size"), "all", "run.recipe.batch_size is 'all': expected int | None"),
        (("run", "recipe", "input_shape"), [16.0], "run.recipe.input_shape is (16.0,): expected tuple"),
        (("run", "recipe", "input_shape"), 16, "run.recipe.input_shape is 16: expected tuple"),
        (("run", "recipe", "input_shape"), [4, 4], "run.recipe: layers dense:6 relu dense:3 softmax on samples of"),
        (("run", "recipe", "input_shape"), [], "run.recipe: the input shape of this recipe follows from the data"),
        (("run", "recipe", "layers"), ["dense:6", 3], "run.recipe.layers is ('dense:6', 3): expected tuple"),
        (("run", "recipe", "layers"), "dense:3", "run.recipe.layers is 'dense:3': expected tuple"),
        (("run", "recipe", "layers"), ["tanh"], "run.recipe: unknown layer 'tanh'"),
        (("run", "recipe", "augmentation"), ["warp"], "run.recipe: unknown augmentation 'warp'"),
        (("run", "recipe", "augmentation"), "affine", "run.recipe.augmentation is 'affine': expected tuple"),
        (("run", "recipe", "augmentation"), DELETED, "run.recipe holds ['batch_size', "),
        (("run", "recipe", "optimizer"), "lion", "run.recipe: unknown optimizer 'lion'"),
        (("run", "recipe", "optimizer"), "adam:beta1=2", "run.recipe: optimizer adam:beta1=2: beta1 and beta2 must be"),
        (("run", "recipe", "learning_rate"), 0, "a learning rate must be a finite number above 0, not 0"),
        (("run", "recipe", "learning_rate"), 10**400, "run.recipe.learning_rate is 1000"),
        (("run", "recipe", "layers", 0), "dense:7", "parameters has shape (123,): expected (143,)"),
        (("parameters",), [1.0], "parameters has shape (1,): expected (123,)"),
        (("parameters",), [1e39] * 123, "parameters[0] is not a finite float32"),
        (("parameters",), base64([0.0] * 122 + [np.inf]), "parameters[122] is not a finite float32"),
        (("parameters",), base64([0.0] * 122), "parameters has shape (122,): expected (123,)"),
        (("parameters",), base64([0.0] * 123)[:-3], "parameters: expected float32 numbers in base64"),
        (("parameters",), "~" * 656, "parameters: expected float32 numbers in base64"),
        (("parameters",), {}, "parameters: expected a list of numbers"),
        (("progress", "momentum"), 1, "progress holds ['epoch', "),
        (("progress", "step"), "6", "progress.step is '6': expected int"),
        (("progress", "step"), 9, "progress: the numbers of epochs, steps and images don't fit each other"),
        (("progress", "step"), 3, "progress: the numbers of epochs, steps and images don't fit each other"),
        (("progress", "seen"), 31, "progress: the numbers of epochs, steps and images don't fit each other"),
        (("progress", "right"), 33, "progress: the numbers of epochs, steps and images don't fit each other"),
        (("progress", "epoch"), 2, "history: expected a list of 2, one for each epoch done"),
        (("history",), DELETED, "history: expected a list of 1"),
        (("history", 0), "12345678", "history[0]: expected a list of 8"),
        (("history", 0), [1], "history[0]: expected a list of 8"),
        (("history", 0, 0), None, "history[0].epoch is None: expected int"),
        (("history", 0, 7), "fast", "history[0].seconds is 'fast': expected float"),
        (("optimizer", "steps"), 5, "optimizer.steps is 5: expected 6, as in progress"),
        (("optimizer", "state"), {}, "optimizer.state holds []: expected ['gradient_sum', 'square_sum']"),
        (("optimizer", "state", "velocity"), [], "optimizer.state holds ['gradient_sum', 'square_sum', 'velocity']"),
        (("optimizer", "state", "square_sum"), [0.0], "optimizer.state.square_sum has shape (1,): expected (123,)"),
        (("state",), [1.0], "state has shape (1,): expected (0,)"),
        (("state",), DELETED, "state: expected a list of numbers"),
        (("best", "accuracy"), None, "best.accuracy is None: expected float"),
        (("best", "epoch"), 2, "best.epoch is 2: expected one of the 1 epochs done"),
        (("best", "epoch"), DELETED, "best holds ['accuracy', 'snapshot']: expected ['accuracy', 'epoch', "),
        (("best", "snapshot"), [1], "best.snapshot has shape (1,): expected (123,)"),
        (("best", "snapshot"), "AAAA", "best.snapshot: expected float32 numbers in base64"),
        (("best",), [1], "the file: expected an object named 'best'"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_and_named(checkpoint, path, value, message, tmp_path):
    assert message in refusal(write(tmp_path / "a.json", set_in(checkpoint, path, value)))


def test_a_variance_below_0_is_refused_in_the_network_and_in_the_best_one(tmp_path):
    run = train_until(start(RECIPE.override(layers=("dense:3", "batch-norm", "softmax"), input_shape=(16,))), 6)
    assert run.best
    run.best.snapshot[-2] = -0.5
    save_checkpoint(run, tmp_path / "best.json")
    expected = "layers[1].state.variance[1] is -0.5: a variance is never below 0"
    assert f"best.snapshot: {expected}" in refusal(tmp_path / "best.json")
    run.best.snapshot[-2], run.network.state[-2] = 0.5, -0.5
    save_checkpoint(run, tmp_path / "state.json")
    assert refusal(tmp_path / "state.json").endswith(f": {expected}")


def test_a_network_is_no_checkpoint(tmp_path):
    text = '{"format": "nn_from_scratch", "format_version": 1}'
    assert "not a checkpoint of this package" in refusal(write(tmp_path / "network.json", text))


@pytest.mark.parametrize("sizes", [[16, 10**9, 3], [16, 10**18, 10**18, 3], [10**12, 6, 3]])
def test_a_small_file_that_asks_for_a_huge_network_allocates_nothing(sizes, checkpoint, tmp_path):
    asking = set_in(checkpoint, ("run", "recipe", "input_shape"), sizes[:1])
    layers = [word for units in sizes[1:] for word in (f"dense:{units}", "relu")]
    asking["run"]["recipe"]["layers"] = [*layers[:-1], "softmax"]
    path = write(tmp_path / "a.json", asking)
    tracemalloc.start()
    try:
        assert "parameters has shape (123,): expected (" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def goes_on_or_is_refused(path: Path) -> None:
    """A checkpoint that is accepted can be trained on with, and saved again."""
    try:
        run = load_checkpoint(path, lambda name: DATA)
    except BadInput:
        refusal(path)
        return
    steps = run.schedule.total_steps - run.progress.step
    try:
        train_until(run, run.progress.step + 1) if steps else train(run)
    except Diverged:
        return
    assert resumed(run, path).progress == run.progress


@settings(few, max_examples=300)
@given(data=st.data())
def test_a_checkpoint_with_values_exchanged_or_taken_away_goes_on_or_is_refused(checkpoint, data, tmp_path):
    content = checkpoint
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from([place for place in places(content) if len(place) < 4 or "recipe" in place]))
        content = set_in(content, place, data.draw(json_values | st.just(DELETED)))
        if not content:
            break
    goes_on_or_is_refused(write(tmp_path / "a.json", content))


@settings(few, max_examples=150)
@given(data=st.data())
def test_a_checkpoint_with_bytes_exchanged_or_cut_goes_on_or_is_refused(checkpoint, data, tmp_path):
    content = bytearray(json.dumps(checkpoint).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 3))
        content[at : at + length] = data.draw(st.binary(max_size=3) | st.sampled_from([b"]", b"[", b"9e", b",", b"-"]))
    (tmp_path / "a.json").write_bytes(content)
    goes_on_or_is_refused(tmp_path / "a.json")
