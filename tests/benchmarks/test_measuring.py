"""What is measured and how: contenders that take turns, in this process and in others; nothing is timed here."""

import os
from functools import partial
from math import prod

import numpy as np
import pytest

from benchmarks import accuracy, contenders, elsewhere, floor, steps, timing
from benchmarks.cold import one_cycle
from benchmarks.contenders import EAGER, FUSED, JAX, LAST, OURS
from benchmarks.elsewhere import Elsewhere
from benchmarks.plain import plain
from benchmarks.timing import Measured, Process, interleaved
from nn_from_scratch import PRESETS, OneCycle
from tests.benchmarks import work

LENET = steps.convolutional_recipes()["LeNet, batch 64, Adam"]
DENSE = PRESETS["784-128-64-10"]

# ---- recipes in plain values ----


def test_a_recipe_in_plain_values_tells_every_setting_of_a_layer():
    convolution, pool, relu, *_, dense, last = plain(LENET.override(bias_initializer="normal:0.1")).layers
    assert convolution == {
        "name": "conv2d", "inputs": 1, "filters": 16, "size": 5, "stride": 1, "padding": "valid", "bias": True,
        "initializer": "he", "bias_initializer": "normal:0.1",
    }  # fmt: skip
    assert (pool, relu) == ({"name": "max-pool2d", "inputs": 16, "size": 2}, {"name": "relu", "inputs": 16})
    assert (dense["inputs"], dense["units"], last["name"]) == (32 * 4 * 4, 10, "softmax")


def test_a_layer_keeps_its_own_initializer():
    layers = ("dense:8:initializer=normal:0.1", "relu", "dense:10", "softmax")
    simple = plain(DENSE.override(layers=layers, input_shape=(784,), initializer="glorot"))
    assert [layer["initializer"] for layer in simple.layers if layer["name"] == "dense"] == ["normal:0.1", "glorot"]


# ---- the floor ----


def multiplications(products: list[floor.Product]) -> int:
    for left, right, result in products:
        assert np.matmul(left, right).shape == result.shape
    return sum(result.size * left.shape[-1] for left, _, result in products)


def test_the_floor_multiplies_each_weight_once_for_each_place_and_image():
    N = 3
    for recipe in (LENET, steps.convolutional_recipes()["3×3 same, batch 64, Adam"], DENSE):
        first, *others = floor.layer_products(recipe, N)
        assert list(first[1]) == ["forward", "dW"]  # nobody needs the gradient of the images
        assert all(list(products) == ["forward", "dW", "dx"] for _, products in others)
        for place, products in (first, *others):
            places = prod(place.output_shape[1:])  # 1 of a Dense layer
            for of in products.values():
                assert multiplications(of) == N * places * prod(place.parameters["W"])


def test_the_floor_of_a_convolution_takes_what_overlaps_from_one_place_in_memory():
    _, x, _ = floor.layer_products(LENET, 3)[1][1]["forward"][0]
    assert x.shape == (8, 5 * 5 * 16, 3)
    assert np.shares_memory(x[0], x[1])


# ---- turns ----


def test_contenders_take_turns_and_a_reason_is_passed_on(monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0)
    order: list[str] = []
    results = interleaved(
        {"a": partial(order.append, "a"), "b": partial(order.append, "b"), "c": "why not"}, repeats=4, chunk=1e-4
    )
    assert results["c"] == "why not"
    assert all(isinstance(results[name], Measured) and len(results[name].samples) == 4 for name in "ab")
    turns = [name for name, before in zip(order, ["", *order[:-1]], strict=True) if name != before]
    assert len(turns) >= 7  # a warms up, b warms up, then abbaabba: neither always comes after the other


def test_work_elsewhere_is_called_as_often_as_said_and_the_next_takes_its_place():
    first = Elsewhere(1, work.__name__, "counter")
    assert first.seconds(3) > 0
    assert elsewhere.call(1, work.__name__, "counted") == 1 + 3  # once before: compilers work at the first call
    Elsewhere(1, work.__name__, "counter")
    with pytest.raises(RuntimeError, match="something else has been made"):
        first.seconds(1)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system keeps no process to a core")
def test_a_process_elsewhere_is_kept_to_its_number_of_cores():
    assert len(elsewhere.call(1, "os", "sched_getaffinity", 0)) == 1
    assert "--xla_cpu_multi_thread_eigen=false" in elsewhere.call(1, "os", "getenv", "XLA_FLAGS")


def test_who_uses_more_cores_than_threads_is_not_measured(monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0)
    contender = Elsewhere(1, work.__name__, "counter")
    contender.wall, contender.processor = 100.0, 170.0
    assert interleaved({JAX: contender}, 1, 1e-4) == {JAX: "1.70 cores were at work instead of 1"}


# ---- who competes ----


def test_images_have_both_memory_orders_and_rows_of_pixels_none(monkeypatch):
    monkeypatch.setattr(contenders, "NO_TORCH", "no PyTorch")
    assert LAST in contenders._pytorch(LENET, str)
    assert EAGER not in contenders._pytorch(LENET, str)
    assert LAST not in contenders._pytorch(DENSE, str)
    assert set(contenders._pytorch(DENSE, str).values()) == {"no PyTorch"}


@pytest.mark.skipif(bool(contenders.NO_TORCH), reason=contenders.NO_TORCH or "")
def test_without_a_compiler_the_others_still_compete(monkeypatch):
    monkeypatch.setattr(contenders, "NO_COMPILE", "no C++ compiler")
    found = contenders._pytorch(LENET, str)
    assert [found[name] for name in (FUSED, LAST)] == ["fused", "fused channels-last"]
    assert [reason for name, reason in found.items() if "compile" in name] == ["no C++ compiler"] * 2


@pytest.mark.skipif(bool(contenders.NO_JAX), reason=contenders.NO_JAX or "")
def test_jax_says_which_layer_is_not_written_for_it():
    recipe = LENET.override(
        layers=("conv2d:4:5", "batch-norm", "flatten", "dense:10", "softmax"), input_shape=(1, 28, 28)
    )
    assert contenders._jax(1, "step", recipe) == "the part of JAX has no batch-norm"


def test_convolutional_networks_are_no_architecture_of_dense_layers(monkeypatch):
    assert set(steps.architectures()) <= set(PRESETS)
    monkeypatch.setitem(steps.PRESETS, "lenet", LENET)
    assert "lenet" not in steps.architectures()


# ---- time to an accuracy ----


def test_the_rates_of_the_other_libraries_are_those_of_one_cycle():
    recipe = plain(accuracy.FAST)
    schedule = OneCycle(recipe.learning_rate, 3 * 40, recipe.warmup)
    rates = list(one_cycle(recipe, 40 * recipe.batch_size - 1))
    np.testing.assert_allclose(rates, [schedule(step) for step in range(3 * 40)], rtol=1e-12)


def test_each_kind_of_library_is_run_with_each_seed(monkeypatch):
    monkeypatch.setattr(accuracy, "NO_JAX", "no JAX")
    monkeypatch.setattr(accuracy, "NO_TORCH", None)
    commands = []

    def run(*command: str, **variables: str) -> Process:
        commands.append((command[3:6], variables["OMP_NUM_THREADS"]))
        return Process(3.0, 100.0, f"[{len(commands)}, 0.99]")

    monkeypatch.setattr(accuracy, "run_process", run)
    training, cold, memory, right = accuracy._rows("99 %", LENET, 2, range(2))
    kinds = ["ours", "fused", "fused channels-last"]
    assert commands == [((kind, seed, "2"), "2") for seed in "01" for kind in kinds]
    assert training.results[OURS].value == (1 + 4) / 2
    assert training.results[LAST].value == (3 + 6) / 2
    assert {row.results[JAX] for row in (training, cold, memory, right)} == {"no JAX"}
    assert (cold.results[FUSED].value, memory.results[FUSED].value, right.results[FUSED].value) == (3, 100, 0.99)
