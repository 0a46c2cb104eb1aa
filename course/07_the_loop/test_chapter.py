"""The batches one by one, a step by hand, and then the digits that come with the package."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, same

N = 10


def split():
    """Ten images of 2 × 3 bytes; image n consists of the number 20 n, and shows a digit of its own."""
    images = np.repeat(np.arange(N, dtype=np.uint8) * 20, 6).reshape(N, 2, 3)
    return nn.Split(images, np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7], np.uint8))


def an_epoch(number=0, seed=1):
    """The batches of 4 of one epoch, of their Batches."""
    batches = attempt(lambda: mine("batches.Batches")(split(), 4, (6,), 10, seed), "(Ten images, batches of 4.)")
    return [(x, t) for x, t in batches.epoch(number)]


def which(batches):
    """The images' numbers, in the order in which they came."""
    return [round(float(row.ravel()[0]) * 255 / 20) for x, _ in batches for row in x]


def test_batches():
    """an epoch has every image once, as numbers from 0 to 1, with its own target"""
    expect(
        len(mine("batches.Batches")(split(), 4, (6,), 10, 1)) == 3,
        "ten images in batches of 4 are 3 batches: len(batches).",
    )
    batches = an_epoch()
    sizes = [len(x) for x, _ in batches]
    expect(sizes != [4, 4], "the last two images are left out: the last batch may be smaller.")
    expect(sizes == [4, 4, 2], f"ten images in batches of 4 should come as [4, 4, 2], but come as {sizes}.")
    x, t = batches[0]
    expect(x.shape == (4, 6), f"x should have the shape (4, 6), for input_shape (6,): it has {x.shape}.")
    expect(x.max() <= 1, f"x should be numbers from 0 to 1: the bytes divided by 255. Its largest is {x.max():.3g}.")
    expect(t.shape == (4, 10), f"t should be one-hot, of the shape (4, 10): it has {np.shape(t)}.")
    expect(sorted(which(batches)) == list(range(N)), "in one epoch every image should come exactly once.")
    labels = [int(row.argmax()) for _, t in batches for row in t]
    expect(
        labels == [int(split().labels[i]) for i in which(batches)],
        "images and targets don't belong together any more: shuffle both in the same order.",
    )


def test_shuffling():
    """every epoch has a different order, and the same seed always gives the same orders"""
    orders = [which(an_epoch(number)) for number in range(3)]
    expect(orders[0] != list(range(N)), "the images come in the order in which they are stored: shuffle them.")
    expect(orders[0] != orders[1] != orders[2], "every epoch has the same order: draw a new one from its number.")
    expect(which(an_epoch(1)) == orders[1], "the same seed and number should give the same order every time.")
    expect(which(an_epoch(0, seed=2)) != orders[0], "another seed should give another order.")


def test_sgd():
    """SGD takes a step downhill, in place"""
    optimizer = mine("optimizers.SGD")()
    parameters, gradients = np.array([1.0, -2, 3]), np.array([10.0, 0, -1])
    view = parameters[:]
    optimizer.step(parameters, gradients, 0.1)
    mistakes = {
        "SGD changes nothing that others can see: write parameters -= …, not parameters = parameters - …": [1, -2, 3],
        "SGD goes uphill: subtract.": [2, -2, 2.9],
        "SGD leaves out the learning rate.": [-9, -2, 4],
    }
    same(
        view,
        [0, -2, 3.1],
        "the parameters [1, −2, 3] after a step of rate 0.1 along the gradients [10, 0, −1]",
        mistakes,
    )
    same(gradients, [10, 0, -1], "the gradients after a step, which SGD should leave as they are")


def their_network():
    Dense, ReLU, Softmax = mine("dense.Dense"), mine("activations.ReLU"), mine("activations.Softmax")
    return mine("network.Network")([Dense(32), ReLU(), Dense(10), Softmax()], (784,), seed=0)


def test_fit():
    """fit takes one step for each batch, at the rate of the schedule"""
    data = nn.load_dataset("digits").train.select(slice(0, 100))
    network = their_network()
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.1 if step % 2 == 0 else 0.05

    batches = mine("batches.Batches")(data, 32, (784,), 10, 0)
    training = mine("training.fit")(
        network, mine("losses.CrossEntropy")(), mine("optimizers.SGD")(), schedule, batches, 2
    )
    expect(
        hasattr(training, "__next__"),
        "fit should be a generator: `yield` after each epoch, so that the caller can look.",
    )
    before = network.parameters.copy()
    next(training)
    expect(
        len(asked) == 4,
        f"100 images in batches of 32 are 4 steps, but before the first `yield` there were {len(asked)}.",
    )
    expect(not np.array_equal(network.parameters, before), "fit leaves the parameters as they are.")
    expect(sum(1 for _ in training) == 1, "for epochs=2, fit should yield twice.")
    expect(asked[4:] != asked[:4], "each epoch asks the schedule for the steps 0, 1, 2, … again: go on counting.")
    expect(
        asked == list(range(8)),
        f"the schedule should be asked for the steps 0 to 7, once each, but was asked for {asked}.",
    )

    again = their_network()  # the same by hand
    loss, step = mine("losses.CrossEntropy")(), 0
    for epoch in range(2):
        for x, t in batches.epoch(epoch):
            again.backward(loss, again.forward(x, training=True), t)
            again.parameters -= (0.1 if step % 2 == 0 else 0.05) * again.gradients
            step += 1
    same(
        network.parameters,
        again.parameters,
        "compared with the same steps by hand: the parameters after two epochs",
        tolerance=1e-4,
    )


def test_digits():
    """your network, with no part of the package in it, reads more than 90 % of the embedded digits"""
    data = nn.load_dataset("digits")
    network = their_network()
    batches = mine("batches.Batches")(data.train, 32, (784,), 10, 0)
    for _ in mine("training.fit")(
        network, mine("losses.CrossEntropy")(), mine("optimizers.SGD")(), lambda step: 0.3, batches, 10
    ):
        pass
    p = network.forward((data.test.images / 255).reshape(-1, 784).astype(np.float32))
    reached = float(np.mean(p.argmax(axis=1) == data.test.labels))
    expect(reached > 0.9, f"after ten epochs it should read more than 90 % of the test images: it reads {reached:.1%}.")
