"""The learner's layer, whatever it is, against the learner's gradient; then their network on MNIST."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, own_layers, placed, same

RNG = np.random.default_rng(10)
X, DY = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))


def test_own_layer_forward():
    """your layer computes the shape that it promises, and leaves x as it is"""
    for kind in own_layers():
        layer = attempt(lambda kind=kind: placed(kind(), (3,)), f"({kind.__name__}() with inputs of the shape (3,).)")
        x = X.copy()
        y = attempt(lambda layer=layer, x=x: layer.forward(x), "(x has the shape (4, 3).)")
        shape = (4, *layer.output_shape((3,)))
        expect(y is not None, f"forward of {kind.__name__} returns nothing.")
        expect(y.shape == shape, f"{kind.__name__} promises outputs of the shape {shape}: they have {y.shape}.")
        expect(np.array_equal(x, X), f"forward of {kind.__name__} changes x: make a new array.")
        same(layer.forward(x), y, f"y of {kind.__name__}, computed a second time from the same x,")


def test_own_layer_backward():
    """every slope of your layer is what your gradient measures"""
    gradient = mine("slopes.gradient")
    for kind in own_layers():
        name = kind.__name__
        layer = placed(kind(), (3,))
        dy = np.resize(DY, layer.forward(X).shape)
        layer.forward(X, training=True)
        layer.backward_parameters(dy)
        dx = attempt(lambda layer=layer, dy=dy: layer.backward_input(dy), f"(dy has the shape {dy.shape}.)")

        x = X.copy()

        def value(_, layer=layer, dy=dy, x=x):
            return float((layer.forward(x) * dy).sum())

        same(
            dx, gradient(value, x), f"dx of {name}", {f"{name} passes dy on as it is: multiply by the slope.": dy}, 1e-6
        )
        for array in layer.parameter_shapes((3,)):
            measured = gradient(value, getattr(layer, array))
            same(getattr(layer, f"d{array}"), measured, f"d{array} of {name}", tolerance=1e-6)


def test_mnist():
    """your network, trained by your loop, reads 98 % of MNIST (94 % of the embedded digits)"""
    train = mine("mnist.train")
    data = nn.load_dataset(notify=lambda line: print(f"      {line}"))
    wanted = 0.98 if len(data.train) > 10_000 else 0.94
    network = train(data)
    expect(network is not None, "train should return the network.")
    for part in (network, *network.layers):
        home = type(part).__module__
        expect(home.startswith("my_nn"), f"{type(part).__name__} in your network comes from {home}: use your own.")
    p = network.forward((data.test.images / 255).reshape(-1, 784).astype(np.float32))
    expect(
        np.shape(p) == (len(data.test), 10), f"for all test images, p should have ten columns: it has {np.shape(p)}."
    )
    reached = float(np.mean(p.argmax(axis=1) == data.test.labels))
    expect(
        reached >= wanted,
        f"your network reads {reached:.2%} of the test images correctly: it should reach {wanted:.0%}.",
    )
