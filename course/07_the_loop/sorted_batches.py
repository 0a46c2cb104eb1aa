"""What sorted batches do to learning: `python -m course.07_the_loop.sorted_batches`."""

import numpy as np

import nn_from_scratch as nn

data = nn.load_dataset("digits")
order = np.argsort(data.train.labels, kind="stable")


class Sorted(nn.Batches):
    """Batches in the same order in every epoch: all zeros first, then all ones, …"""

    def order(self, number: int) -> np.ndarray:
        return order


for kind in (nn.Batches, Sorted):
    network = nn.Network([nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()], (784,), seed=0)
    batches = kind(data.train, 32, (784,), outputs=10, seed=0)
    for _ in nn.fit(network, nn.CrossEntropy(), nn.SGD(), nn.Constant(0.3), batches, epochs=3):
        pass
    accuracy = nn.evaluate(network, nn.CrossEntropy(), data.test)[1]
    print(f"{'sorted' if kind is Sorted else 'shuffled'}: {accuracy:.1%} of the test images right after three epochs")
