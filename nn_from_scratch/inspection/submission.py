"""Answers to images without labels, in the form of Kaggle's competition.

Kaggle's `test.csv` holds only pixels, and the answers are a table with two columns: the number of the image, from 1,
and the digit. If the classes have names, these are a third column.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import check_pixels
from nn_from_scratch.data.csv import read_unlabelled
from nn_from_scratch.errors import one_line
from nn_from_scratch.storage import Saved
from nn_from_scratch.training import predict


def predicted_labels(saved: Saved, path: str | Path) -> list[int]:
    """The network's answer to each image of a CSV file without labels, in the file's order. Raises BadInput."""
    images = read_unlabelled(Path(path))
    check_pixels(images, saved.network.input_shape, one_line(path))
    return np.array(saved.classes)[predicted_classes(predict(saved.network, images))].tolist()


def submission_rows(labels: Sequence[int], names: Mapping[int, str] | None = None) -> list[list]:
    """A line of a CSV file for each label, after the header; `names` has the name of each label."""
    rows: list[list] = [["ImageId", "Label"], *([number, label] for number, label in enumerate(labels, 1))]
    if not names:
        return rows
    return [[*row, name] for row, name in zip(rows, ["Name", *(names[label] for label in labels)], strict=True)]
