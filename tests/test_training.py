"""The training loop: what a result says is so, a seed decides everything, and nothing leaks into the arithmetic."""

from collections.abc import Callable, Iterator
from time import perf_counter
from types import GeneratorType

import numpy as np
import pytest

from nn_from_scratch import metrics, training
from nn_from_scratch.classes import predicted_classes, target_table
from nn_from_scratch.data.batches import Batches, inputs
from nn_from_scratch.data.dataset import Split
from nn_from_scratch.layers import Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import SGD, Adam, Optimizer
from nn_from_scratch.randomness import random_streams
from nn_from_scratch.schedules import Constant, OneCycle, Schedule
from nn_from_scratch.training import Diverged, EpochResult, evaluate, fit, predict, train_step
from tests.conftest import random_split, separable_split


def network_for(outputs: int = 3, seed: int = 0, dtype: type = np.float32) -> Network:
    return Network([Dense(8), ReLU(), Dense(outputs), Softmax()], (16,), seed, dtype)


def run(
    split: Split,
    seed: int = 0,
    validation: Split | None = None,
    epochs: int = 3,
    optimizer: Callable[[], Optimizer] = Adam,
    schedule: Schedule | None = None,
) -> tuple[Network, list[EpochResult]]:
    """Train a small network, all randomness from one seed."""
    streams = random_streams(seed)
    network = network_for(seed=streams.initialization)
    batches = Batches(split, 16, (16,), 3, streams.shuffling)
    schedule = schedule or OneCycle(0.01, epochs * len(batches))
    return network, list(fit(network, CrossEntropy(), optimizer(), schedule, batches, epochs, validation))


# ---- random streams ----


def draws(sequence: np.random.SeedSequence) -> list[int]:
    return np.random.default_rng(sequence).integers(0, 2**62, 4).tolist()


def test_a_seed_gives_the_same_streams_again():
    assert [draws(stream) for stream in random_streams(7)] == [draws(stream) for stream in random_streams(7)]


def test_the_streams_of_one_seed_and_those_of_another_all_differ():
    streams = [*random_streams(0), *random_streams(1)]
    assert len({tuple(draws(stream)) for stream in streams}) == 8


def test_a_stream_does_not_depend_on_what_was_drawn_from_another():
    used, fresh = random_streams(7), random_streams(7)
    np.random.default_rng(used.initialization).normal(size=1000)
    used.noise.spawn(5)
    assert draws(used.shuffling) == draws(fresh.shuffling)


# ---- a step ----


def test_a_step_returns_the_predictions_before_the_update(split):
    network = network_for()
    x, t = inputs(split.images, (16,)), target_table(3)[split.labels]
    before = network.forward(x)
    p, value = train_step(network, CrossEntropy(), SGD(), 0.5, x, t)
    np.testing.assert_array_equal(p, before)
    assert value == CrossEntropy().value(before, t)
    assert not np.array_equal(network.forward(x), before)


def test_a_small_step_lowers_the_loss_by_the_rate_times_the_squared_gradient(split):
    network = network_for(dtype=np.float64)
    x, t = inputs(split.images, (16,), np.float64), target_table(3, np.float64)[split.labels]
    _, before = train_step(network, CrossEntropy(), SGD(), 1e-6, x, t)
    fallen = before - CrossEntropy().value(network.forward(x), t)
    assert fallen == pytest.approx(1e-6 * np.square(network.gradients).sum(), rel=1e-3)


class Watched(np.ndarray):
    """An array that notes the dtype of every array of numbers that is computed from it."""

    seen: set[np.dtype] = set()  # noqa: RUF012

    def __array_finalize__(self, source):
        if self.dtype.kind == "f":
            Watched.seen.add(self.dtype)


class Watching(Layer):
    """Stands around a layer and has every array that it is given and that it makes watched."""

    def __init__(self, layer: Layer):
        self.layer = layer

    def __getattr__(self, name):
        return getattr(self.layer, name)

    def forward(self, x, training=False):
        return self.layer.forward(x.view(Watched), training).view(Watched)

    def backward_parameters(self, dy):
        self.layer.backward_parameters(dy.view(Watched))

    def backward_input(self, dy):
        return self.layer.backward_input(dy.view(Watched)).view(Watched)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD, lambda: SGD(0.9, True, 0.01), lambda: Adam(weight_decay=0.01)])
@pytest.mark.parametrize(
    ("loss", "last"),
    [(CrossEntropy, Softmax), (BinaryCrossEntropy, Sigmoid), (MeanSquaredError, Sigmoid), (MeanSquaredError, Softmax)],
)
def test_every_array_of_a_training_step_has_the_dtype_of_the_network(loss, last, optimizer, dtype, split):
    network = Network([Dense(8), ReLU(), Dense(8), Sigmoid(), Dense(3), last()], (16,), 0, dtype)
    network.layers = [Watching(layer) for layer in network.layers]
    optimizer, Watched.seen = optimizer(), set()
    for x, t in Batches(split, 16, (16,), 3, 0, dtype).epoch(0):
        train_step(network, loss(), optimizer, np.float64(0.01), x.view(Watched), t.view(Watched))
    assert Watched.seen == {np.dtype(dtype)}
    assert all(a.dtype == dtype for a in (network.parameters, network.gradients, *optimizer.state.values()))


# ---- fit ----


@pytest.mark.parametrize("outputs", [2, 1])
def test_two_separable_classes_are_learnt(outputs, rng):
    split = separable_split(rng)
    last, loss = (Softmax(), CrossEntropy()) if outputs == 2 else (Sigmoid(), BinaryCrossEntropy())
    network = Network([Dense(4), Sigmoid(), Dense(outputs), last], (16,), 0)
    batches = Batches(split, 10, (16,), outputs, 0)
    results = list(fit(network, loss, Adam(), Constant(0.02), batches, 20))
    losses = [result.loss for result in results]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4
    assert evaluate(network, loss, split)[1] == results[-1].accuracy == 1


@pytest.mark.parametrize("batch_size", [16, None])
def test_with_steps_too_small_to_change_anything_the_epoch_reports_the_training_set_itself(batch_size, split):
    """50 samples in batches of 16: the last batch has 2, and must not count as much as the others."""
    network, loss = network_for(), CrossEntropy()
    batches = Batches(split, batch_size, (16,), 3, 0)
    [result] = fit(network, loss, SGD(), Constant(1e-30), batches, 1, validation=split)
    value, accuracy = evaluate(network, loss, split)
    assert result.loss == pytest.approx(value, rel=1e-6)
    assert result.accuracy == accuracy
    assert (result.validation_loss, result.validation_accuracy) == (value, accuracy)


def test_the_epochs_loss_is_the_mean_of_its_batches_each_before_its_step(split):
    """The same epoch by hand, with a rate that changes much."""
    batches, losses, right = Batches(split, 16, (16,), 3, 4), [], 0
    [result] = fit(network_for(), CrossEntropy(), SGD(0.9), Constant(0.3), batches, 1)
    network, optimizer = network_for(), SGD(0.9)
    for x, t in batches.epoch(0):
        p = network.forward(x)
        losses += [CrossEntropy().value(p, t)] * len(x)
        right += np.count_nonzero(p.argmax(axis=1) == t.argmax(axis=1))
        train_step(network, CrossEntropy(), optimizer, 0.3, x, t)
    assert result.loss == pytest.approx(np.mean(losses), rel=1e-6)
    assert result.accuracy == right / 50


def test_the_results_count_epochs_and_steps_and_name_the_last_rate(split):
    schedule = OneCycle(0.01, 12)
    _, results = run(split, schedule=schedule)
    assert [result.epoch for result in results] == [1, 2, 3]
    assert [result.step for result in results] == [4, 8, 12]
    assert [result.learning_rate for result in results] == [schedule(3), schedule(7), schedule(11)]


def test_the_seconds_are_those_of_the_epoch(split):
    started = perf_counter()
    _, results = run(split)
    assert all(result.seconds > 0 for result in results)
    assert sum(result.seconds for result in results) < perf_counter() - started


def test_the_schedule_is_asked_with_the_steps_already_taken(split):
    class Asked(Constant):
        steps: list[int] = []  # noqa: RUF012

        def __call__(self, step):
            self.steps.append(step)
            return super().__call__(step)

    run(split, epochs=2, schedule=Asked(0.01))
    assert Asked.steps == list(range(8))


def test_without_validation_its_fields_are_none(split):
    _, results = run(split)
    assert {(result.validation_loss, result.validation_accuracy) for result in results} == {(None, None)}


def test_validation_is_measured_after_each_epoch(split, rng):
    held_out = random_split(rng, 20)
    network, results = run(split, validation=held_out)
    assert (results[-1].validation_loss, results[-1].validation_accuracy) == evaluate(network, CrossEntropy(), held_out)
    assert len({result.validation_loss for result in results}) == 3


def test_each_step_is_announced_with_its_number_and_loss(split):
    announced: list[tuple[int, float]] = []
    batches = Batches(split, 10, (16,), 3, 0)
    results = list(
        fit(network_for(), CrossEntropy(), SGD(), Constant(0.1), batches, 2, on_step=lambda *a: announced.append(a))
    )
    assert [step for step, _ in announced] == list(range(1, 11))
    assert np.mean([loss for _, loss in announced[5:]]) == pytest.approx(results[1].loss, rel=1e-12)


def test_fit_is_a_lazy_generator_that_trains_one_epoch_at_a_time(split):
    network, steps = network_for(), []
    before = network.parameters.copy()
    epochs = fit(
        network,
        CrossEntropy(),
        SGD(),
        Constant(0.1),
        Batches(split, 10, (16,), 3, 0),
        3,
        on_step=lambda *a: steps.append(a),
    )
    assert isinstance(epochs, GeneratorType)
    np.testing.assert_array_equal(network.parameters, before)
    next(epochs)
    assert len(steps) == 5
    next(epochs)
    assert len(steps) == 10


def test_stopping_early_leaves_the_network_as_it_is_after_that_epoch(split):
    def epochs(network: Network, total: int) -> Iterator[EpochResult]:
        return fit(network, CrossEntropy(), Adam(), Constant(0.01), Batches(split, 10, (16,), 3, 0), total)

    stopped, complete = network_for(), network_for()
    for result in epochs(stopped, 1000):
        if result.epoch == 2:
            break
    list(epochs(complete, 2))
    assert stopped.parameters.tobytes() == complete.parameters.tobytes()
    assert np.isfinite(predict(stopped, split.images)).all()


def test_no_epochs_are_no_results_and_no_change(split):
    network, results = run(split, epochs=0, schedule=Constant(0.1))
    assert results == []
    assert network.parameters.tobytes() == run(split, epochs=0, schedule=Constant(0.1))[0].parameters.tobytes()


@pytest.mark.parametrize(
    ("weight", "rate", "reason"),
    [
        (0.1, 1e38, "the length of the step"),
        (1e25, 0.1, "the loss"),  # its square is too large
        (1e38, 0.1, "the output of layer 2"),
        (3e38, 0.1, "the output of layer 1"),
    ],
)
def test_what_is_no_longer_a_number_stops_the_training_and_says_where(weight, rate, reason, split):
    """Also without a warning about the overflow that leads there; and the parameters stay the last finite ones."""
    network = Network([Dense(2), ReLU(), Dense(3)], (16,), 1)
    network.layers[0].b[...] = weight if weight == 3e38 else 5
    network.layers[0].W[...] = weight if weight == 3e38 else 0
    network.layers[2].W[...] = weight
    before = network.parameters.tobytes()
    with pytest.raises(Diverged) as caught:
        list(fit(network, MeanSquaredError(), SGD(0.9), Constant(rate), Batches(split, 16, (16,), 3, 0), 10))
    assert (caught.value.step, caught.value.learning_rate) == (1, rate)
    assert str(caught.value) == f"diverged at step 1, at learning rate {rate:g}: {reason} is not a finite number"
    assert network.parameters.tobytes() == before


@pytest.mark.parametrize("rate", [1e3, 1e8, 1e20, 1e30])
def test_a_training_that_explodes_ends_with_finite_parameters(rate, split):
    network = Network([Dense(8), Dense(3)], (16,), 1)
    with pytest.raises(Diverged):
        list(fit(network, MeanSquaredError(), SGD(), Constant(rate), Batches(split, 16, (16,), 3, 0), 100))
    assert np.isfinite(network.parameters).all()


# ---- what an optimizer remembers ----


def overflowing(memory: str) -> tuple[Network, Split]:
    """A network and inputs so large that Adam's sum of squares overflows, while all else stays within range."""
    network = Network([Dense(2), ReLU(), Dense(3)], (4,), 0)
    network.parameters[...] = 0.5
    x = np.full((20, 4), 1e-3)
    if memory == "layer 1":
        network.layers[2].W[...] = 1e13
    else:
        network.layers[0].W[...] = 1e14
    return network, Split(x, np.full((20, 3), 1e18 if memory == "layer 1" else 1e9))


@pytest.mark.parametrize("place", ["layer 1", "layer 2"])
def test_an_optimizers_memory_that_overflows_is_divergence_although_the_steps_are_finite(place):
    """Adam divides by the root of an infinite sum: its steps are 0, and the loss stays where it is."""
    network, split = overflowing(place)
    optimizer = Adam()
    with pytest.raises(Diverged) as caught:
        next(fit(network, MeanSquaredError(), optimizer, Constant(0.01), Batches(split, 10, (4,), 3, 0), 5))
    assert str(caught.value) == (
        f"diverged at step 2, at learning rate 0.01: the optimizer's square sum for {place} is not a finite number"
    )
    assert np.isinf(optimizer.state["square_sum"]).any()
    assert np.isfinite(network.parameters).all()


def test_a_training_that_is_stopped_within_an_epoch_does_not_hide_it():
    class Stopped(Exception):
        pass

    def stop(step: int, loss: float) -> None:
        raise Stopped

    for overflows, expected in ((True, Diverged), (False, Stopped)):
        network, split = overflowing("layer 1")
        data = split if overflows else Split(split.images, split.labels * 0)
        if not overflows:
            network.parameters[...] = 0.5
        with pytest.raises(expected):
            next(
                fit(network, MeanSquaredError(), Adam(), Constant(0.01), Batches(data, 10, (4,), 3, 0), 5, on_step=stop)
            )


def test_a_step_that_is_not_finite_is_not_taken(split):
    network = network_for()
    x, t = inputs(split.images, (16,)), target_table(3)[split.labels]
    before = network.parameters.tobytes()
    for poison in (np.inf, np.nan):
        spoilt = x.copy()
        spoilt[3, 5] = poison
        with pytest.raises(Diverged, match="the output of layer 1 is not a finite number"):
            train_step(network, CrossEntropy(), Adam(), 0.01, spoilt, t)
        assert network.parameters.tobytes() == before


# ---- reproducibility ----


@pytest.mark.parametrize("optimizer", [SGD, lambda: SGD(0.9, nesterov=True), Adam])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(optimizer, split):
    first, again, other = (run(split, seed, optimizer=optimizer)[0].parameters.tobytes() for seed in (3, 3, 4))
    assert first == again != other


def test_measuring_between_epochs_does_not_change_what_is_learnt(split, rng):
    held_out = random_split(rng, 20)
    without, with_validation = run(split), run(split, validation=held_out)
    assert without[0].parameters.tobytes() == with_validation[0].parameters.tobytes()
    assert [result.loss for result in without[1]] == [result.loss for result in with_validation[1]]


def test_the_global_generator_of_numpy_is_neither_used_nor_changed(split):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    run(split)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# ---- predict and evaluate ----


@pytest.mark.parametrize("at_once", [1, 7, 50, 1000])
def test_predictions_do_not_depend_on_how_the_images_are_sliced(at_once, split, monkeypatch):
    network = network_for(dtype=np.float64)
    monkeypatch.setattr(training, "images_at_once", lambda network: at_once)
    p = predict(network, split.images)
    np.testing.assert_allclose(p, network.forward(inputs(split.images, (16,), np.float64)), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_keep_nothing_and_have_the_dtype_of_the_network(dtype, split):
    network = network_for(dtype=dtype)
    before = [dict(vars(layer)) for layer in network.layers]
    assert predict(network, split.images).dtype == dtype
    assert [vars(layer) for layer in network.layers] == before


@pytest.mark.parametrize("outputs", [3, 1])
def test_evaluate_agrees_with_loss_and_accuracy_computed_by_hand(outputs, rng):
    split = random_split(rng, classes=max(2, outputs))
    loss, last = (CrossEntropy(), Softmax()) if outputs == 3 else (BinaryCrossEntropy(), Sigmoid())
    network = Network([Dense(outputs), last], (16,), 0, np.float64)
    value, accuracy = evaluate(network, loss, split)
    p = network.forward(split.images.reshape(-1, 16) / 255)
    if outputs == 3:
        expected, right = -np.log(p[np.arange(50), split.labels]).mean(), p.argmax(axis=1) == split.labels
    else:
        yes = split.labels == 1
        expected, right = -np.log(np.where(yes, p[:, 0], 1 - p[:, 0])).mean(), (p[:, 0] >= 0.5) == yes
    assert value == pytest.approx(expected, rel=1e-12)
    assert accuracy == right.mean()
    assert metrics.accuracy(predicted_classes(p), split.labels) == accuracy


@pytest.mark.parametrize("last", [Softmax, ReLU])
def test_a_network_that_has_diverged_is_measured_without_a_warning(last, split):
    network = Network([Dense(8), ReLU(), Dense(3), last()], (16,), 1)
    network.parameters[...] = 1e30
    value, _ = evaluate(network, MeanSquaredError(), split)
    assert not np.isfinite(value)
