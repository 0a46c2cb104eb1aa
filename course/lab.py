"""What all experiments share: the digits in the package, a small network, a few epochs of learning.

Everything is seeded, so that the same lines print the same numbers.
"""

import numpy as np

import nn_from_scratch as nn

data = nn.load_dataset("digits")
loss = nn.CrossEntropy()


def network(*layers: nn.Layer, dtype: type = np.float32) -> nn.Network:
    """These layers, or a hidden layer of 32 units with ReLU, and ten outputs."""
    chosen = list(layers) or [nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()]
    return nn.Network(chosen, (784,), seed=0, dtype=dtype)


def learn(
    network: nn.Network,
    rate: float = 0.1,
    optimizer: nn.Optimizer | None = None,
    epochs: int = 3,
    images: nn.Split | None = None,
    batches: type[nn.Batches] = nn.Batches,
) -> float:
    """Train it on batches of 32 by plain SGD, unless said otherwise. Returns the share of test images that it reads."""
    made = batches(images or data.train, 32, network.input_shape, outputs=10, seed=0, dtype=network.dtype)
    for _ in nn.fit(network, loss, optimizer or nn.SGD(), nn.Constant(rate), made, epochs):
        pass
    return accuracy(network)


def accuracy(network: nn.Network, images: nn.Split | None = None) -> float:
    """The share of the test images, or of others, that it reads right."""
    return nn.evaluate(network, loss, images or data.test)[1]
