"""Four samples, three inputs, five units: no two numbers agree, so a product in the wrong order can't fit."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, placed, same
from course.lab import learn, network

N, INPUTS, UNITS = 4, 3, 5
SHAPES = f"x is {(N, INPUTS)}, W is {(UNITS, INPUTS)}, b is {(UNITS,)}, dy is {(N, UNITS)}"


def numbers():
    """x, W, b and dy, at random."""
    rng = np.random.default_rng(3)
    return (rng.normal(size=shape) for shape in ((N, INPUTS), (UNITS, INPUTS), (UNITS,), (N, UNITS)))


def test_forward_by_loops():
    """dense_forward adds up every weight times its input, and the bias"""
    dense_forward = mine("loops.dense_forward")
    hand = dense_forward(np.array([[1.0, 2.0]]), np.array([[10.0, 100.0], [3.0, 4.0]]), np.array([0.5, -1.0]))
    same(
        hand,
        [[210.5, 10]],
        "y for x = [[1, 2]], W = [[10, 100], [3, 4]], b = [0.5, −1]",
        {
            "dense_forward leaves out the bias.": [[210, 11]],
            "dense_forward uses W[i, u] instead of W[u, i].": [[16.5, 107]],
        },
    )
    x, W, b, _ = numbers()
    same(
        attempt(lambda: dense_forward(x, W, b), f"({SHAPES}.)"), np.einsum("ni,ui->nu", x, W) + b, f"y, where {SHAPES},"
    )


def test_backward_by_loops():
    """dense_backward agrees with what your gradient measures"""
    forward, backward, gradient = mine("loops.dense_forward"), mine("loops.dense_backward"), mine("slopes.gradient")
    x, W, b, dy = numbers()
    found = attempt(lambda: backward(x, W, dy), f"({SHAPES}.)")
    expect(isinstance(found, tuple) and len(found) == 3, "dense_backward should return three things: dW, db, dx.")
    for name, value, about in zip(("dW", "db", "dx"), found, (W, b, x), strict=True):
        measured = gradient(lambda _: float((forward(x, W, b) * dy).sum()), about)
        mistakes = {f"{name} is divided by N: the mean is a part of the loss, so dy includes it already.": measured / N}
        same(value, measured, f"{name} of dense_backward", mistakes, tolerance=1e-7)


def layer():
    """A Dense layer of theirs with arrays, and x and dy for it."""
    Dense = mine("dense.Dense")
    x, W, b, dy = numbers()
    dense = placed(Dense(UNITS), (INPUTS,))
    dense.W[...], dense.b[...] = W, b
    return dense, x, dy


def test_shapes():
    """Dense knows its shapes"""
    Dense = mine("dense.Dense")
    expect(issubclass(Dense, nn.Layer), "Dense should be a Layer of the package: class Dense(Layer).")
    dense = Dense(UNITS)
    expect(getattr(dense, "units", None) == UNITS, "Dense should keep its argument: self.units = units.")
    shape = dense.output_shape((INPUTS,))
    expect(shape == (UNITS,), f"output_shape(({INPUTS},)) of Dense({UNITS}) should be ({UNITS},), but is {shape}.")
    shapes = dense.parameter_shapes((INPUTS,))
    right = {"W": (UNITS, INPUTS), "b": (UNITS,)}
    expect(shapes == right, f"parameter_shapes(({INPUTS},)) of Dense({UNITS}) should be {right}, but is {shapes}.")


def test_first_weights():
    """initialize draws unequal weights from the generator that it is given"""
    Dense = mine("dense.Dense")
    one, again, other = (placed(Dense(UNITS), (INPUTS,), seed).W for seed in (1, 1, 2))
    expect(one.std() > 0, "initialize should fill self.W with random numbers: equal weights would all learn the same.")
    expect(
        np.array_equal(one, again), "initialize should draw from `rng` alone, so that a seed gives the same weights."
    )
    expect(not np.array_equal(one, other), "initialize gives the same weights whatever the seed is: draw from `rng`.")


def test_forward():
    """forward is your dense_forward, in one product"""
    dense, x, _ = layer()
    before = x.copy()
    y = attempt(lambda: dense.forward(x), f"({SHAPES}. Which of them has to be transposed, .T?)")
    mistakes = {"forward leaves out the bias.": x @ dense.W.T}
    same(y, mine("loops.dense_forward")(x, dense.W, dense.b), "y of Dense.forward", mistakes)
    expect(np.array_equal(x, before), "forward changes x: other layers still need it.")


def test_backward_parameters():
    """backward_parameters writes dW and db"""
    dense, x, dy = layer()
    dense.forward(x, training=True)
    right_dW, right_db, _ = mine("loops.dense_backward")(x, dense.W, dy)
    attempt(lambda: dense.backward_parameters(dy), f"({SHAPES}, and dW must have the shape of W.)")
    for name, found, right in (("dW", dense.dW, right_dW), ("db", dense.db, right_db)):
        expect(
            not np.isnan(found).any(),
            f"{name} is never written, or is added to what was there. Overwrite it: self.{name}[...] = …",
        )
        mistakes = {
            f"{name} is a mean over the samples: the loss has already divided by N, so take the sum.": right / N
        }
        same(found, right, name, mistakes)
    dense.backward_parameters(dy)
    same(
        dense.dW,
        right_dW,
        "dW of a second step",
        {"dW is added to that of the step before: overwrite it.": 2 * right_dW},
    )


def test_backward_input():
    """backward_input returns dx"""
    dense, x, dy = layer()
    dense.forward(x, training=True)
    right = mine("loops.dense_backward")(x, dense.W, dy)[2]
    before = dy.copy()
    found = attempt(lambda: dense.backward_input(dy), f"({SHAPES}, and dx must have the shape of x.)")
    same(found, right, "dx")
    expect(np.array_equal(dy, before), "backward_input changes dy: other code still needs it.")


def test_in_the_real_network():
    """your Dense learns in the package's network"""
    Dense = mine("dense.Dense")
    reached = learn(network(Dense(32), nn.ReLU(), Dense(10), nn.Softmax()), 0.005, nn.Adam(), epochs=5)
    expect(
        reached > 0.9,
        f"in a network of the package it should read more than 90 % of the digits correctly: it reads {reached:.0%}.",
    )
