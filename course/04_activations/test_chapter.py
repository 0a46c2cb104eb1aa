"""Known values, slopes against the learner's own gradient with a random dy, and inputs of ±1000."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, same

X = np.array([[-2.0, 0.5, 3.0, -0.1], [1.0, -1.0, 0.2, 4.0], [0.3, 0.4, -5.0, 1.5]])
DY = np.random.default_rng(4).normal(size=X.shape)


def forward(name, x, training=False):
    """A layer of theirs, and its y."""
    layer = mine(f"activations.{name}")()
    expect(isinstance(layer, nn.Layer), f"{name} should be a layer: class {name}(Activation).")
    before = x.copy()
    y = attempt(lambda: layer.forward(x, training=training), f"(x has the shape {x.shape}.)")
    expect(y is not None, f"forward of {name} returns nothing.")
    expect(np.array_equal(x, before), f"forward of {name} changes x: make a new array.")
    return layer, y


def slopes_are_right(name, mistakes):
    """dx is what the learner's gradient measures."""
    gradient = mine("slopes.gradient")
    layer, y = forward(name, X.copy(), training=True)
    before = DY.copy()
    dx = attempt(lambda: layer.backward_input(DY), f"(dy and y have the shape {X.shape}.)")
    expect(np.array_equal(DY, before), f"backward_input of {name} changes dy: make a new array.")
    probe = mine(f"activations.{name}")()
    measured = gradient(lambda x: float((probe.forward(x) * DY).sum()), X.copy())
    same(dx, measured, f"dx of {name}", mistakes(y), tolerance=1e-6)


def test_relu():
    """ReLU turns negative numbers into 0"""
    _, y = forward("ReLU", X)
    same(
        y,
        np.where(X > 0, X, 0),
        "y of ReLU",
        {"ReLU takes the absolute value: negative numbers should become 0.": np.abs(X)},
    )


def test_relu_backward():
    """ReLU lets dy pass only where its output was above 0"""
    slopes_are_right(
        "ReLU",
        lambda y: {
            "ReLU passes all of dy back. Where the output was 0 nothing passes: the mask y > 0 is missing.": DY,
            "ReLU multiplies dy by its output: it should multiply by the slope, 1 where y > 0, else 0.": DY * y,
            "ReLU sets dy to 0 where dy is negative: what counts is whether the output was above 0.": np.maximum(DY, 0),
        },
    )


def test_sigmoid():
    """Sigmoid squeezes any number into (0, 1), even −1000 and 1000"""
    _, y = forward("Sigmoid", X)
    same(
        y,
        1 / (1 + np.exp(-X)),
        "y of Sigmoid",
        {"Sigmoid has the wrong sign: it is e to the power of −x.": 1 / (1 + np.exp(X))},
    )
    _, y = forward("Sigmoid", np.array([[-1000.0, 0, 1000]]))
    expect(
        not np.isnan(y).any(),
        "Sigmoid of −1000 or 1000 is nan. 1 / (1 + e⁻ˣ) is a number even where e⁻ˣ overflows to infinity.",
    )
    same(y, [[0, 0.5, 1]], "Sigmoid of −1000, 0 and 1000")


def test_sigmoid_backward():
    """Sigmoid has the slope y (1 − y)"""
    slopes_are_right(
        "Sigmoid",
        lambda y: {
            "Sigmoid returns its slope alone: multiply it by dy, as the chain rule says.": y * (1 - y),
            "Sigmoid multiplies by y alone: its slope is y (1 − y).": DY * y,
            "Sigmoid takes x (1 − x) as its slope: it is y (1 − y), with the output y.": DY * X * (1 - X),
        },
    )


def test_softmax():
    """Softmax turns each row into probabilities"""
    _, y = forward("Softmax", X)
    e, shifted = np.exp(X), np.exp(X - X.max(axis=1, keepdims=True))
    together = "Softmax divides by the sum of all rows together: each row has its own sum, axis=1"
    same(
        y,
        e / e.sum(axis=1, keepdims=True),
        "y of Softmax",
        {
            f"{together}.": e / e.sum(),
            f"{together}, with keepdims=True.": shifted / shifted.sum(),
            "Softmax adds up columns: each row is a sample, so it is axis=1.": e / e.sum(axis=0),
        },
    )


def test_softmax_of_large_numbers():
    """Softmax copes with numbers such as 1000"""
    _, y = forward("Softmax", np.array([[1000.0, 1001, 999], [-1000, -1001, -1002]]))
    expect(
        not np.isnan(y).any(),
        "Softmax of [1000, 1001, 999] is nan, because e^1000 overflows: subtract the largest number of each row first.",
    )
    small = np.exp([0.0, 1, -1]), np.exp([0.0, -1, -2])
    same(y, [row / row.sum() for row in small], "Softmax of numbers near 1000 and −1000")


def test_softmax_backward():
    """Softmax adds up the slopes of all outputs for each input"""
    slopes_are_right(
        "Softmax",
        lambda y: {
            "Softmax takes y (1 − y) as its slope. This is only the diagonal: each output depends on all inputs.": DY
            * y
            * (1 - y),
            "Softmax leaves out the outer factor y: dx = y · (dy − Σ dy y).": DY - (DY * y).sum(axis=1, keepdims=True),
            "Softmax sums over all rows together: one number for each row, axis=1 with keepdims=True.": y
            * (DY - (DY * y).sum()),
        },
    )


def test_keeps_only_in_training():
    """without `training`, the layers keep nothing"""
    for name in ("ReLU", "Sigmoid", "Softmax"):
        layer, _ = forward(name, X, training=True)
        dx = layer.backward_input(DY)
        layer.forward(X + 1)
        expect(
            np.array_equal(layer.backward_input(DY), dx),
            f"{name} keeps its output even without `training`: looking at a network must not disturb its learning.",
        )
