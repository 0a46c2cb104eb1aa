"""The worked example of docs/mathematics.md, the learner's own gradient, and the package's network."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, same

RNG = np.random.default_rng(6)
X, T = RNG.normal(size=(6, 4)), np.eye(3)[[0, 2, 1, 1, 0, 2]]


def network(hidden="ReLU", last="Softmax", dtype=np.float64, seed=6):
    """4 inputs, 5 hidden units, 3 outputs, of their own parts alone."""
    Network, Dense = mine("network.Network"), mine("dense.Dense")
    layers = [Dense(5), mine(f"activations.{hidden}")(), Dense(3), mine(f"activations.{last}")()]
    return attempt(
        lambda: Network(layers, (4,), seed, dtype), "(layers: 4 inputs, Dense(5), an activation, Dense(3), one more.)"
    )


def test_vectors():
    """all parameters are in one vector, and the layers have views of it"""
    made = network()
    expect(hasattr(made, "layers"), "a Network should keep its layers: self.layers = layers.")
    for vector, of in (("parameters", "W"), ("gradients", "dW")):
        found = getattr(made, vector, None)
        expect(isinstance(found, np.ndarray), f"a Network should have the vector self.{vector}.")
        expect(
            found.shape == (43,),
            f"{vector} should have the shape (43,), for 4·5 + 5 + 5·3 + 3 numbers: it has {found.shape}.",
        )
        expect(found.dtype == np.float64, f"{vector} should have the dtype that was asked for: it is {found.dtype}.")
        for layer, shape in ((made.layers[0], (5, 4)), (made.layers[2], (3, 5))):
            view = getattr(layer, of, None)
            expect(view is not None, f"each Dense layer should get its {of}: setattr(layer, {of!r}, view).")
            expect(view.shape == shape, f"{of} of a layer should have the shape {shape}: it has {view.shape}.")
            expect(
                np.shares_memory(view, found),
                f"{of} is a copy, not a view: take a slice of {vector} and reshape it. Both must be the same numbers.",
            )
    arrays = [getattr(layer, name) for layer in (made.layers[0], made.layers[2]) for name in ("W", "b", "dW", "db")]
    overlap = any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    expect(not overlap, "two arrays share the same numbers: each needs its own part of the vector.")


def test_first_values():
    """the layers draw their first weights from the seed, in order"""
    made, again, other = network(seed=1), network(seed=1), network(seed=2)
    expect(np.any(made.parameters), "all parameters are 0: let each layer initialize itself.")
    expect(np.array_equal(made.parameters, again.parameters), "the same seed should give the same weights.")
    expect(not np.array_equal(made.parameters, other.parameters), "another seed should give other weights.")


def worked_example():
    made = mine("network.Network")(
        [mine("dense.Dense")(3), mine("activations.ReLU")(), mine("dense.Dense")(2), mine("activations.Softmax")()],
        (2,),
        0,
        np.float64,
    )
    one, two = made.layers[0], made.layers[2]
    one.W[...], one.b[...] = [[0.5, 0.25], [-1, 0.25], [-0.5, 0.75]], [0, 0.1, -0.2]
    two.W[...], two.b[...] = [[0.6, -0.5, 0.5], [-0.4, 0.3, 1]], [0, 0]
    return made, np.array([[1.0, 2]]), np.array([[0.0, 1]])


def test_forward():
    """forward takes x through all layers"""
    made, x, _ = worked_example()
    p = made.forward(x)
    mistakes = {
        "forward leaves out the last layer.": [[1, 0.4]],
        "forward gives x to every layer: each takes the output of the one before.": x,
    }
    same(p, [[1 / (1 + np.exp(-0.6)), 1 / (1 + np.exp(0.6))]], "p of the worked example", mistakes)


def test_worked_example():
    """backward finds the slopes of the worked example"""
    made, x, t = worked_example()
    made.gradients[...] = np.nan
    p = made.forward(x, training=True)
    attempt(
        lambda: made.backward(mine("losses.CrossEntropy")(), p, t),
        "(Is dy replaced by what each backward_input returns?)",
    )
    expect(
        not np.isnan(made.gradients).all(),
        "backward writes nothing into the gradients. Do the layers have views of them?",
    )
    e = p[0, 0]
    twice = 2 * e * e * (1 - e)  # the softmax's slope of p − t, once more
    same(
        made.layers[2].dW,
        [[e, 0, 0.8 * e], [-e, 0, -0.8 * e]],
        "dW of the second Dense layer",
        {
            "the softmax is taken twice: logit_gradient includes it, so begin at the layer before it.": [
                [twice, 0, 0.8 * twice],
                [-twice, 0, -0.8 * twice],
            ]
        },
    )
    same(made.layers[2].db, [e, -e], "db of the second Dense layer")
    same(made.layers[0].dW, [[e, 2 * e], [0, 0], [-e / 2, -e]], "dW of the first Dense layer")
    same(made.layers[0].db, [e, 0, -e / 2], "db of the first Dense layer")


def test_slopes():
    """backward finds every slope that your gradient measures, with the shortcut and without"""
    gradient = mine("slopes.gradient")
    for hidden, last, name in (
        ("ReLU", "Softmax", "CrossEntropy"),
        ("Sigmoid", "Sigmoid", "BinaryCrossEntropy"),
        ("Sigmoid", "Sigmoid", "MeanSquaredError"),
    ):
        made, loss = network(hidden, last), mine(f"losses.{name}")()
        made.backward(loss, made.forward(X, training=True), T)
        found = made.gradients.copy()

        def value(_, made=made, loss=loss):
            return loss.value(made.forward(X), T)

        measured = gradient(value, made.parameters)
        what = f"the gradients of {hidden}, {last} and {name}"
        expect(np.abs(found - measured).max() < 1e-6, worst(what, found, measured))
        made.backward(loss, made.forward(X, training=True), T)
        same(
            made.gradients,
            found,
            f"{what}, computed a second time",
            {"gradients are added to those of the step before.": 2 * found},
        )


def worst(what, found, measured):
    """A sentence about the parameter that is farthest off."""
    i = int(np.abs(found - measured).argmax())
    place = "layers[0].dW layers[0].db layers[2].dW layers[2].db".split()[
        np.searchsorted([20, 25, 40], i, side="right")
    ]
    return f"{what} differ from the measured slopes: in {place} one should be {measured[i]:.4g}, but is {found[i]:.4g}."


def test_like_the_package():
    """your network and the package's, with the same weights, find the same gradients"""
    made = network()
    theirs = nn.Network([nn.Dense(5), nn.ReLU(), nn.Dense(3), nn.Softmax()], (4,), 0, np.float64)
    theirs.parameters[...] = made.parameters
    made.backward(mine("losses.CrossEntropy")(), made.forward(X, training=True), T)
    theirs.backward(nn.CrossEntropy(), theirs.forward(X, training=True), T)
    same(made.gradients, theirs.gradients, "compared with the package: the gradients", tolerance=1e-12)
