"""The embedded digits under other names, and other sizes: data sets whose samples are no digits, without a download."""

from dataclasses import replace

import numpy as np

import nn_from_scratch as nn

CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def clothes() -> nn.Dataset:
    return replace(nn.load_dataset("digits"), name="clothes", class_names=CLOTHES, noun="fashion item")


def letters() -> nn.Dataset:
    """26 classes, and images of 28 × 18 pixels."""

    def cut(split: nn.Split) -> nn.Split:
        return nn.Split(split.images[:, :, 5:23].copy(), (np.arange(len(split)) % 26).astype(np.uint8))

    digits = nn.load_dataset("digits")
    return nn.Dataset("letters", cut(digits.train), cut(digits.test), "made up", class_names=LETTERS, noun="letter")
