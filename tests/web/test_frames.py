"""What is shown, against NumPy: the numbers of a frame are those of the network, to half a step of their bytes."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import nn_from_scratch as nn
from nn_from_scratch.classes import target_table
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.layers import Conv2D, Dense
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.training import train_step
from nn_from_scratch.web import frames, limits


def unpacked(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), np.int8) * packed["scale"]


def close(packed: dict, values: np.ndarray) -> bool:
    """Whether these are the values, to the promised half of a step."""
    found = unpacked(packed)
    return found.shape == values.ravel().shape and np.abs(found - values.ravel()).max() <= packed["scale"] * 0.5001


@given(values=arrays(np.float32, (3, 20), elements=st.floats(-1e6, 1e6, width=32)))
def test_packed_numbers_are_at_most_half_a_step_beside(values):
    for packed, row in zip(frames.packed_rows(values), values, strict=True):
        assert close(packed, row)
        assert packed["scale"] == pytest.approx(np.abs(row).max() / 127, rel=1e-5)


def test_zeros_and_what_is_no_number_are_packed_as_zero():
    assert frames.packed(np.zeros(3)) == {"scale": 0.0, "data": base64.b64encode(bytes(3)).decode()}
    found = unpacked(frames.packed(np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)))
    assert found == pytest.approx([0, 0, 0, 1], abs=0.005)


@pytest.fixture(params=limits.presets())
def traced(request, rng):
    """A network after a few steps, the trace of one example, that example, and the gradients of the last step."""
    recipe = PRESETS[request.param]
    network, loss, optimizer = recipe.make_network(1), recipe.make_loss(), recipe.make_optimizer()
    images = rng.integers(0, 256, (8, 28, 28), dtype=np.uint8)
    x = inputs(images, recipe.input_shape)
    t = target_table(recipe.outputs)[rng.integers(0, len(recipe.classes), 8)]
    for _ in range(3):
        train_step(network, loss, optimizer, 0.01, x, t)
    gradients = network.gradients.copy()
    beside = x if network.state.size else x[:1]  # for statistics of a batch
    return network, loss, frames.trace(network, loss, beside, t[:1]), x[:1], t[:1], gradients


def test_a_trace_is_the_answer_and_leaves_the_gradients_alone(traced):
    network, loss, trace, x, t, gradients = traced
    assert network.gradients.tobytes() == gradients.tobytes()
    p = network.forward(x)
    np.testing.assert_allclose(trace.outputs, p[0], rtol=1e-4, atol=1e-6)
    assert trace.loss == pytest.approx(loss.value(p, t), rel=1e-4)
    layers = [stage.layer for stage in trace.stages]
    assert [layer for layer in network.layers if layer in layers] == layers
    assert {layer for layer in network.layers if hasattr(layer, "W")} <= set(layers)


def test_the_gradients_of_a_trace_are_those_of_its_example_alone(traced):
    """Against finite differences in float64, in random directions, with the noise as it was last drawn."""
    network, loss, _, x, t, _ = traced
    exact = nn.Network([type(layer)(**layer.config()) for layer in network.layers], network.input_shape, 0, np.float64)
    exact.restore(network.snapshot().astype(np.float64))
    rng = np.random.default_rng(5)
    beside = (
        np.concatenate([x, rng.random((7, *x.shape[1:]))]).astype(np.float64) if exact.state.size else x.astype(float)
    )
    beside += rng.uniform(0, 0.1, beside.shape)
    trace = frames.trace(exact, loss, beside, t.astype(float))
    h = 1e-8  # steps this small hardly ever cross the kink of a ReLU or change which pixel is the largest
    for stage, gradients in zip(trace.stages, trace.gradients, strict=True):
        for name, gradient in gradients.items():
            array, direction = getattr(stage.layer, name), rng.standard_normal(gradient.shape)
            start, found = array.copy(), []
            for sign in (1, -1):
                array[...] = start + sign * h * direction
                found.append(loss.value(exact.forward(beside, training=True)[:1], t.astype(float)))
            array[...] = start
            expected = (found[0] - found[1]) / (2 * h)
            assert np.vdot(gradient, direction) == pytest.approx(expected, rel=2e-4, abs=2e-6), (stage.name, name)


def test_without_a_target_there_is_no_way_back(traced):
    network, loss, _, x, _, _ = traced
    beside = np.concatenate([x, x]) if network.state.size else x
    trace = frames.trace(network, loss, beside, None)
    assert trace.loss is None
    assert not any(delta.any() for delta in trace.deltas)
    assert not any(array.any() for gradients in trace.gradients for array in gradients.values())
    np.testing.assert_allclose(trace.outputs, network.forward(x)[0], rtol=1e-4, atol=1e-6)


def test_the_layers_of_a_frame_are_the_network(traced):
    _, _, trace, _, _, _ = traced
    drawn = frames.edges_of(trace)
    part = frames.network_part(trace, drawn)
    assert len(json.dumps(part)) < 45_000
    source = None
    for layer, stage, delta, gradients in zip(part, trace.stages, trace.deltas, trace.gradients, strict=True):
        units = stage.shape[0]
        a, d = stage.a[0].reshape(units, -1), delta.reshape(units, -1)
        assert (layer["units"], layer["name"]) == (units, stage.name)
        assert layer["type"] == (type(stage.activation).__name__.lower() if stage.activation else None)
        assert close(layer["activations"], a.mean(axis=1))
        assert close(layer["deltas"], d.sum(axis=1))
        assert close(layer["biases"], getattr(stage.layer, "b", np.zeros(units)))
        batch = [getattr(stage.layer, f"d{name}").astype(np.float64).ravel() for name in gradients]
        if batch:
            assert layer["gradient_norm"] == pytest.approx(np.linalg.norm(np.concatenate(batch)), rel=1e-4)
            assert layer["gradient_mean"] == pytest.approx(np.abs(np.concatenate(batch)).mean(), rel=1e-4)
            assert layer["weight_norm"] == pytest.approx(np.linalg.norm(stage.layer.W.astype(np.float64)), rel=1e-4)
        else:
            assert layer["gradient_norm"] is layer["weight_norm"] is None
        shown = layer["shown"]
        assert shown[0] == 0
        assert len(set(shown)) == len(shown) == min(units, 8 if stage.has_maps else 24)
        if stage.has_maps:
            assert close(layer["maps"], a[shown])
            assert close(layer["delta_maps"], d[shown])
        check_edges(layer, stage, gradients, source)
        source = stage


def check_edges(layer, stage, gradients, source):
    """Each shown unit's edges come from the shown units before it that add most to its sum."""
    if isinstance(stage.layer, Conv2D):
        W, dW = (np.linalg.norm(array, axis=(2, 3)) for array in (stage.layer.W, gradients["W"]))
        x = np.linalg.norm(stage.x[0].reshape(W.shape[1], -1), axis=1)
        allowed = np.arange(len(x)) if source is None else np.array(frames.shown_of(source))
    elif isinstance(stage.layer, Dense):
        W, dW, x = stage.layer.W, gradients["W"], stage.x[0]
        allowed = np.arange(len(x))
        if source is not None:
            units = np.arange(len(x)) // (len(x) // source.shape[0])
            allowed = allowed[np.isin(units, frames.shown_of(source))]
    else:
        assert layer["edges"] == []
        return
    assert [edge[0] for edge in layer["edges"]] == layer["shown"]
    for unit, inputs_, weights, products, slopes in layer["edges"]:
        assert close(weights, W[unit, inputs_])
        assert close(products, W[unit, inputs_] * x[inputs_])
        assert close(slopes, dW[unit, inputs_])
        strength = np.abs(W[unit] * x)
        weaker = sorted(set(allowed.tolist()) - set(inputs_))
        assert set(inputs_) <= set(allowed.tolist())
        assert len(inputs_) == min(6, len(allowed))
        assert not weaker or strength[inputs_].min() >= strength[weaker].max()


def test_after_a_step_the_edges_are_the_same_and_tell_how_far_they_moved(traced, rng):
    network, loss, trace, x, t, _ = traced
    before = frames.edges_of(trace)
    old = [edges.weights.copy() for edges in before]
    network.parameters += rng.normal(0, 1e-3, network.parameters.size).astype(np.float32)
    again = frames.trace(network, loss, np.concatenate([x, x]) if network.state.size else x, t)
    part = frames.network_part(again, frames.edges_of(again, before), before)
    for layer, edges, weights in zip(part, before, old, strict=True):
        for row, (_, inputs_, now, _, _, change) in enumerate(layer["edges"]):
            assert inputs_ == edges.inputs[row].tolist()
            assert np.abs(unpacked(now) - unpacked(change) - weights[row]).max() <= now["scale"] * 0.51


def test_which_units_are_shown_is_a_fair_sample_and_stays():
    assert frames.sample(10, 24) == list(range(10))
    assert frames.sample(100, 24) == [i * 100 // 24 for i in range(24)]
    assert frames.sample(48, 24) == list(range(0, 48, 2))


def test_tiles_are_the_weights_of_the_first_units(traced):
    network = traced[0]
    tiles, first = frames.tiles(network), network.layers[0]
    assert (tiles["rows"], tiles["columns"]) == ((28, 28) if isinstance(first, Dense) else first.W.shape[2:])
    assert tiles["units"] == list(range(min(36, len(first.W))))
    for unit, weights, gradients in zip(tiles["units"], tiles["weights"], tiles["gradients"], strict=True):
        assert close(weights, first.W[unit])
        assert close(gradients, first.dW[unit])


def test_there_are_no_tiles_where_the_first_layer_has_no_pictures():
    for layers, shape in (([nn.ReLU(), nn.Dense(2)], (784,)), ([nn.Dense(3)], (5,))):
        assert frames.tiles(nn.Network(layers, shape, seed=0)) is None


def test_a_single_output_is_two_classes():
    assert frames.class_outputs(np.array([0.25])) == [0.75, 0.25]
    assert frames.class_outputs(np.array([0.5, np.nan, np.inf])) == [0.5, None, None]
