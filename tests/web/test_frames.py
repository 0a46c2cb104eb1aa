"""What is shown, against NumPy: the numbers of a frame are those of the network, to half a step of their bytes."""

import base64
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn_from_scratch.classes import target_table
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.layers import ReLU
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
    x = inputs(images, (784,))
    t = target_table(recipe.outputs)[rng.integers(0, len(recipe.classes), 8)]
    for _ in range(3):
        train_step(network, loss, optimizer, 0.01, x, t)
    gradients = network.gradients.copy()
    return network, loss, frames.trace(network, loss, x[:1], t[:1]), x[:1], t[:1], gradients


def test_a_trace_is_the_way_forward_and_back_and_leaves_the_gradients_alone(traced):
    network, loss, trace, x, t, gradients = traced
    assert network.gradients.tobytes() == gradients.tobytes()
    a, activations = x[0].astype(np.float64), []
    for stage, dense, activation in zip(trace.stages, network.layers[::2], network.layers[1::2], strict=True):
        assert (stage.layer, stage.activation) == (dense, activation)
        z = dense.W.astype(np.float64) @ a + dense.b
        np.testing.assert_allclose(stage.x, a[None], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(stage.z, z[None], rtol=1e-4, atol=1e-5)
        a = activation.forward(z[None])[0]
        np.testing.assert_allclose(stage.a, a[None], rtol=1e-4, atol=1e-6)
        activations.append(a)
    np.testing.assert_allclose(trace.outputs, a, rtol=1e-4, atol=1e-6)
    assert trace.loss == pytest.approx(loss.value(a[None], t), rel=1e-4)
    # δ, by hand: δₗ = (Wₗ₊₁ᵀ δₗ₊₁) f′(zₗ)
    assert len(trace.deltas) == len(trace.stages)
    for i, (stage, following) in enumerate(pairwise(trace.stages)):
        y = activations[i]
        slope = y > 0 if isinstance(stage.activation, ReLU) else y * (1 - y)
        delta = following.layer.W.T.astype(np.float64) @ trace.deltas[i + 1] * slope
        np.testing.assert_allclose(trace.deltas[i], delta, rtol=1e-3, atol=1e-7)
    last = trace.deltas[-1]
    if loss.matching_activation:
        np.testing.assert_allclose(last, (a - t[0]), rtol=1e-3, atol=1e-6)
    else:
        np.testing.assert_allclose(last, 2 * (a - t[0]) / a.size * a * (1 - a), rtol=1e-3, atol=1e-7)


def test_the_layers_of_a_frame_are_the_network(traced):
    network, _, trace, x, _, _ = traced
    part, shown = frames.network_part(trace, [])
    assert len(json.dumps(part)) < 20_000
    before = None
    parts = zip(part["layers"], trace.stages, trace.deltas, network.layers[::2], shown, strict=True)
    for layer, stage, delta, dense, chosen in parts:
        (a,), (x_in,) = stage.a, stage.x
        assert (layer["units"], layer["type"]) == (dense.units, type(stage.activation).__name__.lower())
        vectors = {
            "activations": a,
            "z": stage.z,
            "deltas": delta,
            "biases": dense.b,
            "bias_gradients": dense.db,
        }
        for name, values in vectors.items():
            assert close(layer[name], values), name
        gradients = np.concatenate([dense.dW.ravel(), dense.db]).astype(np.float64)
        assert layer["gradient_norm"] == pytest.approx(np.linalg.norm(gradients), rel=1e-4)
        assert layer["gradient_mean"] == pytest.approx(np.abs(gradients).mean(), rel=1e-4)
        assert layer["weight_norm"] == pytest.approx(np.linalg.norm(dense.W.astype(np.float64)), rel=1e-4)
        assert layer["shown"] == chosen == sorted(chosen)
        assert set(chosen) == set(np.argsort(-np.abs(a), kind="stable")[:24].tolist())
        assert [edge[0] for edge in layer["edges"]] == chosen
        allowed = range(len(x_in)) if before is None else before
        for unit, sources, weights, products, slopes in layer["edges"]:
            assert close(weights, dense.W[unit, sources])
            assert close(products, dense.W[unit, sources] * x_in[sources])
            assert close(slopes, dense.dW[unit, sources])
            strength = np.abs(dense.W[unit] * x_in)
            weaker = set(allowed) - set(sources)
            assert set(sources) <= set(allowed)
            assert len(sources) == min(6, len(allowed))
            assert not weaker or strength[sources].min() >= strength[list(weaker)].max()
        before = chosen
    strengths = (np.abs(network.layers[0].W[shown[0]]) * x[0]).sum(axis=0)
    assert strengths[part["input"]["shown"]].min() >= np.delete(strengths, part["input"]["shown"]).max() * (1 - 1e-6)


def test_tiles_are_the_weights_of_the_first_units(traced):
    network = traced[0]
    tiles = frames.tiles(network)
    assert tiles["units"] == list(range(min(36, network.layers[0].units)))
    for unit, weights, gradients in zip(tiles["units"], tiles["weights"], tiles["gradients"], strict=True):
        assert close(weights, network.layers[0].W[unit])
        assert close(gradients, network.layers[0].dW[unit])


def test_a_single_output_is_two_classes():
    assert frames.class_outputs(np.array([0.25])) == [0.75, 0.25]
    assert frames.class_outputs(np.array([0.5, np.nan, np.inf])) == [0.5, None, None]
