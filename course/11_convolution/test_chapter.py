"""Loops against hand values, the product against them, slopes against the learner's gradient, a learnt kernel."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, placed, same
from course.lab import learn

RNG = np.random.default_rng(11)
N, CHANNELS, ROWS, COLUMNS, FILTERS, K = 2, 3, 6, 5, 4, 3
X = RNG.normal(size=(N, CHANNELS, ROWS, COLUMNS))
W, B = RNG.normal(size=(FILTERS, CHANNELS, K, K)), RNG.normal(size=FILTERS)
DY = RNG.normal(size=(N, FILTERS, ROWS - K + 1, COLUMNS - K + 1))
SHAPES = f"x is {X.shape}, W is {W.shape}, b is {B.shape}, y is {DY.shape}"


def test_loops():
    """conv_forward lets every kernel look at every place"""
    conv_forward = mine("conv_loops.conv_forward")
    x, w = np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[[1.0, 2], [3, 4]]]])
    found = attempt(lambda: conv_forward(x, w, np.array([0.5])), "(x is (1, 1, 3, 3), W is (1, 1, 2, 2).)")
    mistakes = {
        "conv_forward leaves out the bias.": [[[[27, 37], [57, 67]]]],
        "conv_forward turns the kernel around: W[f, c, i, j] belongs to x[n, c, h + i, w + j].": [
            [[[13.5, 23.5], [43.5, 53.5]]]
        ],
    }
    same(
        found,
        [[[[27.5, 37.5], [57.5, 67.5]]]],
        "y for x = 0 … 8 in three rows, W = [[1, 2], [3, 4]], b = 0.5",
        mistakes,
    )
    found = attempt(lambda: conv_forward(X, W, B), f"({SHAPES}.)")
    windows = np.lib.stride_tricks.sliding_window_view(X, (K, K), axis=(2, 3))
    same(found, np.einsum("nchwij,fcij->nfhw", windows, W) + B[:, None, None], f"y, where {SHAPES},")


def layer():
    """A Conv2D of theirs with the arrays above."""
    made = placed(mine("conv2d.Conv2D")(FILTERS, K), (CHANNELS, ROWS, COLUMNS))
    made.W[...], made.b[...] = W, B
    return made


def test_shapes():
    """Conv2D knows its shapes"""
    made = mine("conv2d.Conv2D")(FILTERS, K)
    expect(isinstance(made, nn.Layer), "Conv2D should be a Layer of the package: class Conv2D(Layer).")
    for name, value in (("filters", FILTERS), ("size", K)):
        expect(getattr(made, name, None) == value, f"Conv2D should keep its argument {name}: self.{name} = {name}.")
    shape = made.output_shape((CHANNELS, ROWS, COLUMNS))
    right = (FILTERS, ROWS - K + 1, COLUMNS - K + 1)
    expect(
        tuple(shape) == right,
        f"output_shape of {K} × {K} kernels on {(CHANNELS, ROWS, COLUMNS)} should be {right}: it is {shape}.",
    )
    shapes = made.parameter_shapes((CHANNELS, ROWS, COLUMNS))
    expect(
        shapes == {"W": W.shape, "b": B.shape},
        f"parameter_shapes should be W {W.shape} and b {B.shape}: it is {shapes}.",
    )


def test_forward():
    """forward is your conv_forward, in one product"""
    x = X.copy()
    made = layer()
    y = attempt(lambda: made.forward(x), f"({SHAPES}.)")
    right = mine("conv_loops.conv_forward")(X, W, B)
    mistakes = {"forward leaves out the bias.": right - B[:, None, None]}
    same(y, right, "y of Conv2D.forward", mistakes)
    expect(np.array_equal(x, X), "forward changes x: other layers still need it.")


def test_backward_parameters():
    """backward_parameters finds the slopes that your gradient measures"""
    made, gradient = layer(), mine("slopes.gradient")
    made.forward(X, training=True)
    attempt(lambda: made.backward_parameters(DY), f"({SHAPES}.)")
    found = {"dW": made.dW.copy(), "db": made.db.copy()}
    for name, array in (("dW", made.W), ("db", made.b)):
        expect(
            not np.isnan(found[name]).any(),
            f"{name} is never written, or is added to what was there: self.{name}[...] = …",
        )
        measured = gradient(lambda _: float((made.forward(X) * DY).sum()), array)
        places = DY[0, 0].size
        mistakes = {
            f"{name} is a mean over the images: take the sum, because the loss has already divided by N.": measured / N,
            f"{name} is a mean over the places: a kernel is used at each of them, so take the sum.": measured / places,
            f"{name} is a mean over the rows: a kernel is used in each of them, so take the sum.": measured
            / DY.shape[2],
        }
        same(found[name], measured, f"{name} of Conv2D", mistakes, 1e-6)


def test_backward_input():
    """backward_input takes every slope back to the pixels that it came from"""
    made, gradient = layer(), mine("slopes.gradient")
    made.forward(X, training=True)
    dx = attempt(lambda: made.backward_input(DY), f"({SHAPES}.)")
    x = X.copy()
    measured = gradient(lambda x: float((made.forward(x) * DY).sum()), x)
    mistakes = {
        "in dx the kernel isn't turned around along the columns: output w came from the pixels w + j, so pixel w goes "
        "to the outputs w − j.": _unflipped(DY),
        "dx keeps only what came last: a pixel takes part in several outputs, so add with +=.": _last_row_only(DY),
    }
    same(dx, measured, "dx of Conv2D", mistakes, 1e-6)


def _unflipped(dy):
    """What dx becomes if the columns of the kernel are taken in the wrong order."""
    return _back(dy, W[:, :, :, ::-1], keep=range(K))


def _last_row_only(dy):
    """What dx becomes if each row of the kernel overwrites the one before."""
    dx = np.zeros(X.shape)
    for row in range(ROWS):
        for i in range(K):
            if 0 <= row - i < dy.shape[2]:
                dx[:, :, row] = _back(dy, W, keep=[i])[:, :, row]
    return dx


def _back(dy, W, keep):
    """dx of some rows of the kernel."""
    dx = np.zeros(X.shape)
    rows, columns = dy.shape[2:]
    for i in keep:
        for j in range(K):
            dx[:, :, i : i + rows, j : j + columns] += np.einsum("nfhw,fc->nchw", dy, W[:, :, i, j])
    return dx


def test_a_kernel_found_by_learning():
    """your Conv2D finds a kernel that it doesn't know"""
    unknown = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])  # finds edges from dark to bright
    images = RNG.normal(size=(64, 1, 8, 8))
    network = mine("network.Network")([mine("conv2d.Conv2D")(1, 3)], (1, 8, 8), 0, np.float64)
    loss, optimizer = mine("losses.MeanSquaredError")(), mine("optimizers.Adam")()
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))
    t = np.einsum("nchwij,ij->nchw", windows, unknown) + 0.5
    for step in range(400):
        network.backward(loss, network.forward(images, training=True), t)
        optimizer.step(network.parameters, network.gradients, 0.05 if step < 300 else 0.005)
    found = network.layers[0].W[0, 0]
    off = float(np.abs(found - unknown).max())
    expect(
        off < 0.02,
        f"after 400 steps every weight should be within 0.02 of the unknown kernel: one is off by {off:.3g}.",
    )


def test_in_the_real_network():
    """your Conv2D learns in the package's network"""
    layers = [mine("conv2d.Conv2D")(4, 5), nn.MaxPool2D(4), nn.ReLU(), nn.Flatten(), nn.Dense(10), nn.Softmax()]
    reached = learn(nn.Network(layers, (1, 28, 28), seed=0), 0.01, nn.Adam(), epochs=5)
    expect(
        reached > 0.85,
        f"in a network of the package it should read more than 85 % of the digits correctly: it reads {reached:.0%}.",
    )
