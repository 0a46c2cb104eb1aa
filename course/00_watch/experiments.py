"""The experiments for the predictions of chapter 0, on the digits in the package.

`python -m course.00_watch.experiments NAME`
"""

import sys
from time import perf_counter

import nn_from_scratch as nn
from course.lab import accuracy, data, learn, network


def trained(epochs: int, rate: float = 0.005, hidden: int = 64) -> nn.Network:
    """A network with a hidden layer, or none, after some epochs of Adam."""
    layers = [*([nn.Dense(hidden), nn.ReLU()] if hidden else []), nn.Dense(10), nn.Softmax()]
    made = network(*layers)
    learn(made, rate, nn.Adam(), epochs)
    return made


def main(name: str) -> None:
    if name == "untrained":
        print(f"untrained: {accuracy(trained(epochs=0)):.1%} of the test images right")
    elif name == "start":
        started = perf_counter()
        reached = accuracy(trained(epochs=5))
        print(f"{reached:.1%} of the test images right after {perf_counter() - started:.2f} of a second")
    elif name == "no-hidden-layer":
        print(f"without a hidden layer: {accuracy(trained(epochs=20, hidden=0)):.1%} of the test images right")
    elif name == "high-rate":
        print(f"with 100 times the rate: {accuracy(trained(epochs=5, rate=0.5)):.1%} of the test images right")
    elif name == "long":
        long = trained(epochs=60)
        print(f"{accuracy(long, data.train):.1%} of the training images right, {accuracy(long):.1%} of the test images")
    else:
        sys.exit(f"no experiment {name!r}: expected untrained, start, no-hidden-layer, high-rate or long")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
