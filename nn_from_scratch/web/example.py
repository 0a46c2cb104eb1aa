"""Which digit is on the stage: the one image that the page shows on its way through the network."""

from dataclasses import dataclass

import numpy as np

from nn_from_scratch.classes import target_table
from nn_from_scratch.data import Split
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.network import Network

# What a visitor can ask for, and what it is.
KINDS = {
    "latest": "the last digit that the network has learnt from",
    "pinned": "one digit that it never learns from, always the same",
    "mistake": "a digit that it reads wrong",
    "test": "a digit from the test images",
    "drawing": "the visitor's own",
}


@dataclass(frozen=True)
class Example:
    """An image, (28, 28) bytes, its class where that is known, and its place in the images that it comes from."""

    kind: str
    image: np.ndarray
    label: int | None = None
    index: int | None = None

    @classmethod
    def of(cls, kind: str, split: Split, index: int) -> "Example":
        return cls(kind, split.images[index], int(split.labels[index]), index)

    def as_batch(self, network: Network, beside: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """What the network takes and should answer: x (1, …), and t (1, outputs) where the class is known.

        With other images `beside` it, they follow in x.
        """
        images = self.image[None] if beside is None else np.concatenate([self.image[None], beside])
        t = None
        if self.label is not None:
            t = target_table(network.output_shape[0], network.dtype)[[self.label]]
        return inputs(images, network.input_shape, network.dtype), t
