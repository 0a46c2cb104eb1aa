"""Polynomials, whose slopes are known; then the neuron, whose measured and computed slopes must agree."""

import numpy as np

from course.checking import expect, mine, same

EXAMPLES = [([1, 2], 3), ([-1, 0.5], 1), ([0, -2], -4)]


def test_slope():
    """slope measures how steep a function is"""
    slope = mine("slopes.slope")
    h = 1e-3
    same(
        slope(lambda x: x**3, 2, h),
        ((2 + h) ** 3 - (2 - h) ** 3) / (2 * h),
        "the slope of x³ at 2, with h = 0.001,",
        {
            "slope looks to the right only. Look to both sides, f(x + h) − f(x − h), and divide by 2h: far more "
            "exact.": ((2 + h) ** 3 - 8) / h,
            "slope looks to the left only. Look to both sides, and divide by 2h.": (8 - (2 - h) ** 3) / h,
            "slope is twice as large as it should be: from x − h to x + h is a distance of 2h, not h.": (
                (2 + h) ** 3 - (2 - h) ** 3
            )
            / h,
            "slope forgets to divide by 2h.": (2 + h) ** 3 - (2 - h) ** 3,
            "slope multiplies by h: h / 2 * … is not / (2 * h).": ((2 + h) ** 3 - (2 - h) ** 3) / 2 * h,
            "slope has the wrong sign: f(x + h) comes first.": ((2 - h) ** 3 - (2 + h) ** 3) / (2 * h),
        },
    )
    same(slope(lambda x: 5 * x * x - x, -1), -11, "the slope of 5x² − x at −1", tolerance=1e-7)


def test_gradient():
    """gradient measures the slope with respect to each number of an array"""
    gradient = mine("slopes.gradient")
    a = np.array([[1.0, -2, 3], [0.5, 0, 4]])
    x = np.array([[2.0, 1, -1], [3, 5, 0.1]])
    before = x.copy()
    found = gradient(lambda x: float((a * x**2).sum()), x)
    expect(
        np.array_equal(x, before) or not np.allclose(x, before),
        "gradient leaves x changed by a rounding error: x + h − 2h + h is not quite x. Keep the old value in a "
        "variable, and put that back.",
    )
    expect(
        np.array_equal(x, before),
        "gradient leaves x changed: after each number was moved up and down, put its old value back.",
    )
    same(
        found,
        2 * a * x,
        "the gradient of Σ a x²",
        {"gradient is twice as large as it should be: divide by 2h.": 4 * a * x},
        1e-7,
    )
    one = gradient(lambda x: x[0] * x[1] * x[2], np.array([2.0, 3.0, 4.0]))
    same(one, [12, 8, 6], "the gradient of x₀ x₁ x₂ at (2, 3, 4)", tolerance=1e-7)


def test_chain():
    """chain multiplies the slopes of the steps, each at its own place"""
    chain = mine("slopes.chain")
    steps = [(lambda x: 3 * x, lambda x: 3), (lambda x: x**2, lambda x: 2 * x), (lambda x: x + 1, lambda x: 1)]
    found = chain(steps, 2)
    expect(
        isinstance(found, tuple) and len(found) == 2,
        "chain should return two things: the result, and the slope of the whole chain.",
    )
    same(found[0], 37, "the result of 2 → 3x → x² → x + 1")
    same(
        found[1],
        36,
        "the slope of 2 → 3x → x² → x + 1",
        {
            "chain takes every slope at the first x. Each has to be taken where its step begins.": 12,
            "chain takes each slope after its step. It has to be taken where the step begins, before f.": 216,
            "chain adds up the slopes: multiply them.": 16,
        },
    )
    same(chain([], 7), [7, 1], "a chain of no steps, from 7: the result and the slope")


def test_neuron_slopes():
    """neuron_slopes agrees with what gradient measures"""
    neuron_slopes, gradient, loss = mine("slopes.neuron_slopes"), mine("slopes.gradient"), mine("neuron.loss")
    w, b = [0.5, -1], 2
    found = neuron_slopes(EXAMPLES, w, b)
    expect(
        isinstance(found, tuple) and len(found) == 2, "neuron_slopes should return two things: a list, and a number."
    )
    dw, db = found
    measured_dw = gradient(lambda w: loss(EXAMPLES, list(w), b), np.array(w, float))
    measured_db = float(gradient(lambda b: loss(EXAMPLES, w, b[0]), np.array([b], float))[0])
    same(
        dw,
        measured_dw,
        "the list of the weights' slopes",
        {
            "the weights' slopes are N times too large: the loss is a mean, so divide by the number of examples.": 3
            * measured_dw,
            "the weights' slopes are half of what they should be: the slope of a square is 2 · error.": measured_dw / 2,
            "the weights' slopes have the wrong sign: the error is z − t.": -measured_dw,
            "all weights have the slope of the bias: multiply by the input x_i.": [measured_db] * 2,
        },
        1e-6,
    )
    same(db, measured_db, "the slope of the bias", {"the slope of the bias is 0: it is 1/N · Σ 2 (z − t).": 0}, 1e-6)


def test_descend():
    """descend goes downhill"""
    descend = mine("slopes.descend")
    found = descend([([1], 5)], [0], 0, 0.1, 1)  # z = 0, error −5, both slopes −10
    expect(isinstance(found, tuple) and len(found) == 2, "descend should return two things, w and b.")
    same(
        found[0],
        [1],
        "w after one step of rate 0.1 from w = [0], b = 0 with the example ([1], 5)",
        {"descend goes uphill: subtract rate · slope.": [-1]},
    )
    same(
        found[1],
        1,
        "b after the same step",
        {
            "descend leaves the bias as it is.": 0,
            "descend takes the slope of the bias after the weights have moved: first all slopes, then all moves.": 0.8,
        },
    )
    points = [([x / 10], 3 * x / 10 - 1) for x in range(-10, 11)]
    w, b = descend(points, [0], 0, 0.5, 200)
    same([*w, b], [3, -1], "w and b of the line 3x − 1 after 200 steps", tolerance=1e-6)
