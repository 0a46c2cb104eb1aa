"""Data-parallel training: shares of a batch come to what the whole batch comes to, and all ranks decide alike.

The ranks are threads here, which exchange what processes send each other. Real ones: test_data_parallel_script.py.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_from_scratch.data import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.checkpoint import checkpoint_document, run_in
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage.json_files import Wrong
from nn_from_scratch.training import Diverged
from tests.conftest import SMALL, random_split

pytest.importorskip("mpi4py", reason='mpi4py is not installed: pip install -e ".[mpi]"')
try:
    from nn_from_scratch.runs.data_parallel import DataParallelRun, share
except RuntimeError as problem:
    pytest.skip(f"mpi4py finds no MPI: {problem}", allow_module_level=True)

STEPS = 20
WITHIN = 2e-5
RNG = np.random.default_rng(3)
DATA = Dataset("small", random_split(RNG, 50), random_split(RNG, 20), "a test")
# Without a kink, at which rounding decides which way a step goes.
SMOOTH = SMALL.override(layers=("dense:5", "sigmoid", "dense:3", "softmax"), input_shape=(16,))
BATCH_NORM = SMALL.override(layers=("dense:5", "batch-norm", "relu", "dense:3", "softmax"), input_shape=(16,))
few = settings(max_examples=20)


class Rank:
    """What a rank of MPI can do, for a thread among others."""

    def __init__(self, rank: int, size: int, board: list, barrier: Barrier):
        self.rank, self.size, self.board, self.barrier = rank, size, board, barrier

    def allgather(self, value: Any) -> list:
        self.board[self.rank] = value
        self.barrier.wait(60)
        values = list(self.board)
        self.barrier.wait(60)
        return values

    def allreduce(self, value: int, op: object) -> int:
        return max(self.allgather(value))

    def Allreduce(self, in_place: object, vector: np.ndarray) -> None:
        vector[...] = sum(self.allgather(vector.copy()))


def on_ranks(size: int, work: Callable[[Any], Any]) -> list:
    """What `work` comes to on each rank."""
    board, barrier = [None] * size, Barrier(size)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [Rank(rank, size, board, barrier) for rank in range(size)]))


def train(make: Callable[..., TrainingRun], recipe: Recipe, validation: int = 0) -> TrainingRun:
    run = make(recipe, DATA, 4, validation)
    assert len(list(run.epochs())) == recipe.epochs
    return run


def together(size: int, recipe: Recipe, validation: int = 0) -> list[TrainingRun]:
    runs = on_ranks(size, lambda comm: train(lambda *given: DataParallelRun(comm, *given), recipe, validation))
    for run in runs:  # the same to the bit, and so all that follows
        assert run.network.snapshot().tobytes() == runs[0].network.snapshot().tobytes()
        assert without_seconds(run) == without_seconds(runs[0])
    return runs


def without_seconds(run: TrainingRun) -> list[tuple]:
    return [tuple(result._replace(seconds=0)) for result in run.history]


@given(n=st.integers(0, 50), ranks=st.integers(1, 12))
def test_shares_are_all_of_a_batch_and_differ_by_one_at_most(n, ranks):
    parts = [range(n)[share(n, rank, ranks)] for rank in range(ranks)]
    assert [i for part in parts for i in part] == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@few
@given(
    ranks=st.integers(1, 5),
    batch_size=st.integers(1, 50) | st.none(),
    optimizer=st.sampled_from(["adam", "adam:weight-decay=0.1", "sgd:momentum=0.9"]),
    augmentation=st.sampled_from([(), ("affine:shift=1",)]),
    validation=st.integers(0, 3),
)
def test_any_number_of_ranks_comes_to_what_one_process_comes_to(ranks, batch_size, optimizer, augmentation, validation):
    """Also where a batch has fewer samples than there are ranks, and where the last one is smaller."""
    recipe = SMOOTH.override(
        batch_size=batch_size, optimizer=optimizer, learning_rate=0.01, augmentation=augmentation, epochs=1
    )
    steps = -(-(50 - validation) // (batch_size or 50))
    recipe = recipe.override(epochs=max(1, STEPS // steps))
    alone, found = train(TrainingRun, recipe, validation), together(ranks, recipe, validation)[0]
    assert found.progress.step == alone.progress.step
    np.testing.assert_allclose(found.network.parameters, alone.network.parameters, rtol=0, atol=WITHIN)
    for ours, theirs in zip(found.history, alone.history, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, abs=WITHIN)
        assert (ours.accuracy, ours.validation_accuracy) == (theirs.accuracy, theirs.validation_accuracy)
        if validation:
            assert ours.validation_loss == pytest.approx(theirs.validation_loss, abs=WITHIN)


def test_a_convolutional_network_too():
    recipe = SMALL.override(layers=("conv2d:2:3", "relu", "flatten", "dense:3", "softmax"), epochs=2)
    alone, found = train(TrainingRun, recipe), together(3, recipe)[0]
    np.testing.assert_allclose(found.network.parameters, alone.network.parameters, rtol=0, atol=WITHIN)


def test_one_rank_is_one_process_to_the_bit():
    recipe = BATCH_NORM.override(layers=("dense:5", "batch-norm", "relu", "dropout", "dense:3", "softmax"))
    (found,), alone = together(1, recipe), train(TrainingRun, recipe)
    assert found.network.snapshot().tobytes() == alone.network.snapshot().tobytes()
    assert found.record() == alone.record()


def test_the_noise_of_dropout_differs_from_rank_to_rank_and_follows_from_the_seed():
    recipe = SMALL.override(layers=("dropout", "dense:3", "softmax"), batch_size=50, epochs=1, input_shape=(16,))
    first, again = together(2, recipe), together(2, recipe)
    masks = [run.network.layers[0].m for run in first]
    assert masks[0].shape == masks[1].shape == (25, 16)
    assert 0.3 < np.mean(masks[0] == masks[1]) < 0.7
    assert [run.network.layers[0].m.tobytes() for run in again] == [mask.tobytes() for mask in masks]


def test_batch_normalization_keeps_the_mean_of_the_statistics_of_all_shares():
    """As docs/several-machines.md says: each share is normalized by its own."""
    recipe = BATCH_NORM.override(layers=("batch-norm:momentum=0", "dense:3", "softmax"), batch_size=45, epochs=1)
    run = train_one_step(recipe, 2)
    x, _ = run.batches.split, None
    order = run.batches.order(0)[:45]
    images = x.images[order].reshape(45, 16) / 255
    shares = images[:22], images[22:]
    layer = run.network.layers[0]
    weights = np.array([22, 23]) / 45
    np.testing.assert_allclose(layer.mean, weights @ [part.mean(axis=0) for part in shares], rtol=1e-5)
    np.testing.assert_allclose(layer.variance, weights @ [part.var(axis=0, ddof=1) for part in shares], rtol=1e-4)


def train_one_step(recipe: Recipe, ranks: int) -> TrainingRun:
    class Enough(Exception):
        pass

    def stop(step: int, loss: float) -> None:
        raise Enough

    def work(comm: Any) -> TrainingRun:
        run = DataParallelRun(comm, recipe, DATA, 4)
        with pytest.raises(Enough):
            list(run.epochs(stop))
        return run

    return on_ranks(ranks, work)[0]


# ---- decided together ----


def outcome(comm: Any, recipe: Recipe, spoil: Callable[[DataParallelRun], None]) -> tuple[str, bytes, bool]:
    run = DataParallelRun(comm, recipe, DATA, 4)
    spoil(run)
    with pytest.raises(Diverged) as caught:
        list(run.epochs())
    return str(caught.value), run.network.snapshot().tobytes(), bool(np.isfinite(run.network.snapshot()).all())


@pytest.mark.parametrize("ranks", [2, 3])
def test_where_one_rank_has_a_number_that_is_not_finite_all_diverge_and_say_where(ranks):
    def spoil(run: DataParallelRun) -> None:
        if run.comm.rank == ranks - 1:
            forward = run.network.layers[1].forward
            run.network.layers[1].forward = lambda x, training=False: forward(x, training) * np.float32(np.nan)

    outcomes = on_ranks(ranks, lambda comm: outcome(comm, SMALL, spoil))
    assert len(set(outcomes)) == 1
    assert "the output of the ReLU after layer 1 is not a finite number" in outcomes[0][0]
    assert outcomes[0][2]


def test_where_the_loss_of_one_rank_alone_overflows_all_diverge():
    """Its gradient does not: (p − t)² is infinite, 2 (p − t) is not."""
    recipe = SMALL.override(layers=("dense:3", "sigmoid"), loss="mean-squared-error", input_shape=(16,))

    def spoil(run: DataParallelRun) -> None:
        if run.comm.rank == 1:
            run.loss.value = lambda p, t: np.inf

    outcomes = on_ranks(2, lambda comm: outcome(comm, recipe, spoil))
    assert len(set(outcomes)) == 1
    assert outcomes[0][0].startswith("diverged at step 1, at learning rate 0.01: ")


def test_a_statistic_that_is_not_finite_on_one_rank_ends_all_and_leaves_the_one_before():
    def spoil(run: DataParallelRun) -> None:
        if run.comm.rank:
            run.network.layers[1].settle = lambda: run.network.layers[1].mean.fill(np.inf)

    outcomes = on_ranks(2, lambda comm: outcome(comm, BATCH_NORM, spoil))
    assert len(set(outcomes)) == 1
    assert "a statistic that a layer keeps of its inputs is not a finite number" in outcomes[0][0]
    assert outcomes[0][2]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_asked_to_end_ends_all_after_the_same_step(rank):
    class Ended(Exception):
        pass

    def work(comm: Any) -> tuple[int, int]:
        run = DataParallelRun(comm, SMALL, DATA, 4)
        run.wish = lambda: 15 if comm.rank == rank and run.progress.step >= 5 else 0

        def on_step(step: int, loss: float) -> None:
            if run.ending:
                raise Ended

        with pytest.raises(Ended):
            list(run.epochs(on_step))
        return run.progress.step, run.ending

    assert on_ranks(2, work) == [(6, 15), (6, 15)]


# ---- its checkpoint ----


def test_resumed_anywhere_by_as_many_ranks_it_ends_at_the_same_bytes():
    recipe = BATCH_NORM.override(layers=("dense:5", "batch-norm", "relu", "dropout", "dense:3", "softmax"), epochs=3)

    class Ended(Exception):
        pass

    def work(comm: Any) -> tuple[dict, dict]:
        whole = train(lambda *given: DataParallelRun(comm, *given), recipe, 10)
        run = DataParallelRun(comm, recipe, DATA, 4, 10)

        def on_step(step: int, loss: float) -> None:
            if step == 7:
                raise Ended

        with pytest.raises(Ended):
            list(run.epochs(on_step))
        make = lambda *given: DataParallelRun(comm, *given)  # noqa: E731
        again = run_in(checkpoint_document(run), lambda *_, **__: DATA, make=make)
        list(again.epochs())
        return parts(whole), parts(again)

    for whole, again in on_ranks(2, work):
        assert whole == again
        assert whole["run"]["ranks"] == 2


def parts(run: TrainingRun) -> dict:
    document = checkpoint_document(run)
    for row in document["history"]:
        row[-1] = 0  # seconds
    return document


def test_another_number_of_ranks_is_refused():
    document = checkpoint_document(together(2, SMALL)[0])
    with pytest.raises(Wrong, match=r"run\.ranks is 2, but 1 train together here: expected the same number"):
        run_in(document, lambda *_, **__: DATA)


def test_data_that_do_not_fit_are_refused_as_by_one_process():
    with pytest.raises(BadInput, match="its images have 4 × 4 = 16 pixels, but the network takes 17 inputs"):
        on_ranks(2, lambda comm: DataParallelRun(comm, SMALL.override(input_shape=(17,)), DATA))
