"""Hand values; slopes against the learner's own gradient; and the long way against the shortcut."""

import numpy as np

from course.checking import attempt, expect, mine, same

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(4, 3))
T = np.eye(3)[[2, 0, 1, 1]]  # one-hot
YES = np.array([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
SIGMOID = 1 / (1 + np.exp(-Z))
SOFTMAX = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
N, K = Z.shape


def loss(name):
    return mine(f"losses.{name}")()


def value_is_right(name, p, t, right, mistakes):
    found = attempt(lambda: loss(name).value(p, t), f"(p and t have the shape {p.shape}.)")
    same(found, right, f"the value of {name}", mistakes)
    expect(isinstance(found, float), f"the value of {name} should be a single float, but is a {type(found).__name__}.")


def gradient_is_right(name, p, t, mistakes):
    made, measure = loss(name), mine("slopes.gradient")
    found = attempt(lambda: made.gradient(p, t), f"(p and t have the shape {p.shape}.)")
    measured = measure(lambda p: made.value(p, t), p.copy())
    same(found, measured, f"the gradient of {name}", mistakes(measured), tolerance=1e-6)


def times(measured):
    """The usual mistakes with a mean."""
    return {
        "the gradient is N times too large: the loss is a mean over the samples, so divide by N.": N * measured,
        "the gradient is N·K times too large: the loss is a mean, so divide by p.size.": N * K * measured,
        "the gradient is K times too large: this loss is a mean over the outputs, too: divide by p.size.": K * measured,
        "the gradient has the wrong sign.": -measured,
    }


def test_mean_squared_error():
    """MeanSquaredError is the mean of all squares"""
    p, t = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0], [0, 4]])
    mistakes = {
        "MeanSquaredError is the sum of the squares: divide by their number, p.size.": 13,
        "MeanSquaredError divides by N alone: the mean is over samples and outputs, p.size.": 6.5,
        "MeanSquaredError divides by twice the number: there is no ½ here.": 1.625,
    }
    value_is_right("MeanSquaredError", p, t, 3.25, mistakes)
    gradient_is_right(
        "MeanSquaredError",
        Z,
        T,
        lambda right: times(right) | {"a square has the slope 2 · error: the 2 is missing.": right / 2},
    )


def test_binary_cross_entropy():
    """BinaryCrossEntropy is −log of the probability given to the right answer"""
    p, t = np.array([[0.5, 0.9]]), np.array([[1.0, 0.0]])
    right = -(np.log(0.5) + np.log(0.1)) / 2
    mistakes = {
        "BinaryCrossEntropy leaves out the case t = 0: the term (1 − t) log(1 − p).": -np.log(0.5) / 2,
        "BinaryCrossEntropy is a sum: divide by p.size.": 2 * right,
        "BinaryCrossEntropy has the wrong sign: a logarithm of a probability is negative, a loss is not.": -right,
    }
    value_is_right("BinaryCrossEntropy", p, t, right, mistakes)
    gradient_is_right("BinaryCrossEntropy", SIGMOID, YES, times)


def test_cross_entropy():
    """CrossEntropy is −log of the probability given to the right class"""
    p, t = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]]), np.array([[0.0, 1, 0], [0, 0, 1]])
    right = -(np.log(0.7) + np.log(0.25)) / 2
    mistakes = {
        "CrossEntropy is a sum over the samples: divide by N, len(p).": 2 * right,
        "CrossEntropy divides by N·K: only one term of each sample counts, so divide by N, len(p).": right / 3,
        "CrossEntropy has the wrong sign: a logarithm of a probability is negative, a loss is not.": -right,
    }
    value_is_right("CrossEntropy", p, t, right, mistakes)
    gradient_is_right("CrossEntropy", SOFTMAX, T, times)


def test_probability_of_0():
    """a probability of 0 makes no loss infinite"""
    for name, p, t in [
        ("CrossEntropy", np.array([[0.0, 1]]), np.array([[1.0, 0]])),
        ("BinaryCrossEntropy", np.array([[0.0, 1]]), np.array([[1.0, 0]])),
    ]:
        made = loss(name)
        for what, found in (("value", made.value(p, t)), ("gradient", made.gradient(p, t))):
            expect(
                np.isfinite(found).all(),
                f"the {what} of {name} is not a finite number where p is 0 or 1: take the maximum of p, or of 1 − p, "
                "and a tiny number first.",
            )


def test_shortcut():
    """the shortcut is the long way, through your activations"""
    for name, activation, t, right in [
        ("BinaryCrossEntropy", "Sigmoid", YES, (SIGMOID - YES) / (N * K)),
        ("CrossEntropy", "Softmax", T, (SOFTMAX - T) / N),
    ]:
        made, layer = loss(name), mine(f"activations.{activation}")()
        expect(
            made.matching_activation is not None,
            f"{name} should name its activation: matching_activation = {activation}.",
        )
        named = made.matching_activation.__name__
        expect(named == activation, f"the matching activation of {name} is {activation}, not {named}.")
        p = layer.forward(Z, training=True)
        long_way = layer.backward_input(made.gradient(p, t))
        found = made.logit_gradient(p, t)
        same(found, right, f"logit_gradient of {name}", times(right))
        same(long_way, found, f"∂L/∂z of {name} and {activation} the long way", tolerance=1e-7)
