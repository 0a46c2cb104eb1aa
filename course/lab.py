"""Shared by all experiments: the digits in the package, a small network, a few epochs of learning.

Everything is seeded, as in a training with seed 0. So the same lines print the same numbers, and the same experiments
on the live page reach the same accuracies.
"""

import numpy as np

import nn_from_scratch as nn
from nn_from_scratch.randomness import random_streams

data = nn.load_dataset("digits")
loss = nn.CrossEntropy()
streams = random_streams(0)


def network(*layers: nn.Layer, input_shape: tuple[int, ...] = (784,), dtype: type = np.float32) -> nn.Network:
    """These layers, or a hidden layer of 32 units with ReLU, and ten outputs."""
    chosen = list(layers) or [nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()]
    return nn.Network(chosen, input_shape, streams.initialization, dtype=dtype)


def learn(
    network: nn.Network,
    rate: float = 0.1,
    optimizer: nn.Optimizer | None = None,
    epochs: int = 3,
    images: nn.Split | None = None,
    batches: type[nn.Batches] = nn.Batches,
    loss: nn.Loss = loss,
    batch_size: int = 32,
) -> float:
    """Train the network, by default with plain SGD on batches of 32. Returns its test accuracy."""
    made = batches(images or data.train, batch_size, network.input_shape, 10, streams.shuffling, network.dtype)
    for _ in nn.fit(network, loss, optimizer or nn.SGD(), nn.Constant(rate), made, epochs):
        pass
    return accuracy(network)


def accuracy(network: nn.Network, images: nn.Split | None = None) -> float:
    """The share of the test images, or of other images, that the network classifies correctly."""
    return nn.evaluate(network, loss, images or data.test)[1]
