"""Answers to images whose labels nobody tells, in the form in which Kaggle's competition wants them.

There `test.csv` holds pixels alone, and the answers are a table of two columns: the number of the image, from 1, and
the digit.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import check_pixels
from nn_from_scratch.data.csv import read_unlabelled
from nn_from_scratch.errors import one_line
from nn_from_scratch.storage import Saved
from nn_from_scratch.training import predict


def predicted_labels(saved: Saved, path: str | Path) -> list[int]:
    """The label that a network gives each image of a CSV file without labels, in the file's order. Raises BadInput."""
    images = read_unlabelled(Path(path))
    check_pixels(images, saved.network.input_shape, one_line(path))
    return np.array(saved.classes)[predicted_classes(predict(saved.network, images))].tolist()


def submission_rows(labels: Iterable[int]) -> list[list]:
    """A line of a CSV file for each label, the header first."""
    return [["ImageId", "Label"], *([number, label] for number, label in enumerate(labels, 1))]
