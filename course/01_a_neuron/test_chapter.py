"""Hand numbers: small enough to be followed with a pencil."""

from course.checking import expect, mine, same

RIDES = [([2, 10], 12), ([10, 12], 29), ([5, 20], 23), ([1, 30], 20)]  # 2 a kilometre, 0.5 a minute, 3 to get in


def test_sum():
    """weighted_sum adds up each input times its weight, and the bias"""
    weighted_sum = mine("neuron.weighted_sum")
    same(
        weighted_sum([2, 3], [10, 100], 1),
        321,
        "weighted_sum([2, 3], [10, 100], 1)",
        {
            "weighted_sum leaves out the bias: b is added at the end, once.": 320,
            "weighted_sum adds the bias once for each input: add it only once, at the end.": 322,
            "weighted_sum stops after the first input: look at where the return stands.": 21,
        },
    )
    same(
        weighted_sum([1, 2, 3, 4], [1, 1, 1, 1], -10),
        0,
        "with four inputs, weighted_sum([1, 2, 3, 4], [1, 1, 1, 1], -10)",
    )
    same(weighted_sum([0, 0], [7, 7], 5), 5, "weighted_sum([0, 0], [7, 7], 5)")


def test_loss():
    """loss is the mean of the squared errors"""
    loss = mine("neuron.loss")
    same(
        loss([([1], 5), ([2], 9)], [3], 1),  # z = 4 and 7, errors −1 and −2
        2.5,
        "loss([([1], 5), ([2], 9)], [3], 1)",
        {
            "loss is the sum of the squares, not their mean: divide by the number of examples.": 5,
            "loss is the mean of the errors, without the squares: positive and negative errors cancel out.": -1.5,
            "loss is the mean of the errors without their sign: take the squares.": 1.5,
            "loss squares the mean error: first square each error, then take the mean.": 2.25,
            "loss leaves out all examples after the first: look at where the return stands.": 1,
        },
    )
    same(loss(RIDES, [2, 0.5], 3), 0, "the loss of the right prices")


def test_nudge():
    """nudge keeps a step that makes the loss smaller, and takes back any other"""
    nudge = mine("neuron.nudge")
    examples = [([1], 5), ([2], 9)]  # fitted by w = 4, b = 1
    w, b = pair(nudge(examples, [4], 1, 1), "nudge")
    expect(
        list(w) == [4] and b == 1,
        "nudge moves numbers even where that makes the loss larger: it should stay at the best place, w = [4] and "
        f"b = 1, but it goes to w = {list(w)} and b = {b}.",
    )
    for start, about in ((3, "up"), (5, "down")):
        w, b = pair(nudge(examples, [start], 1, 1), "nudge")
        same(w, [4], f"from w = [{start}] and b = 1, w after one nudge of 1")
        same(b, 1, f"b, which was right from the start, after one nudge {about}")
    w, b = pair(nudge(RIDES, [2, 0.5], 2, 1), "nudge")
    expect(b == 3, f"nudge doesn't move the bias: from b = 2 it should go to 3, but it goes to {b}.")


def test_nudge_leaves_its_list():
    """nudge leaves the list of weights that it is given as it was"""
    w = [0, 0]
    mine("neuron.nudge")(RIDES, w, 0, 1)
    expect(w == [0, 0], "nudge changes the list of weights that it is given: work on a copy, w = list(w).")


def test_learn():
    """learn finds the prices of the taxi"""
    learn, loss = mine("neuron.learn"), mine("neuron.loss")
    w, b = pair(learn(RIDES, [0, 0], 0, 1, 1000), "learn")
    found = loss(RIDES, w, b)
    expect(
        found < 1e-4,
        f"after 1,000 rounds the loss should be below 0.0001, but is {found:.4g}. Is the step halved where a round "
        "changes nothing, and does each round start from where the last one ended?",
    )
    for value, price, what in [(w[0], 2, "a kilometre"), (w[1], 0.5, "a minute"), (b, 3, "getting in")]:
        expect(abs(value - price) < 0.1, f"the price of {what} should come near {price}, but is {value:.3g}.")


def pair(found, name):
    """w and b, as a function returned them."""
    expect(found is not None, f"{name} returns nothing: it should end with `return w, b`.")
    expect(isinstance(found, tuple) and len(found) == 2, f"{name} should return two things, w and b.")
    return found
