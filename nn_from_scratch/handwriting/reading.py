"""A network's answers to pictures from outside: prepared as its training images were, and told with the runner-up.

The scores of all classes are told, too: a digit that is read with 51 % is another thing than one with 99 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from nn_from_scratch.classes import class_scores, score_name
from nn_from_scratch.data.digits import SIDE
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.handwriting.drawing import prepare
from nn_from_scratch.handwriting.picture import read_image
from nn_from_scratch.inspection.answers import finite_outputs, first_and_second
from nn_from_scratch.inspection.tables import aligned
from nn_from_scratch.storage import SavedNetwork


@dataclass(frozen=True)
class Reading:
    """What a network reads in a picture."""

    name: str
    ink: np.ndarray  # (H, W) what was found in the picture, 255 on 0
    image: np.ndarray  # (28, 28) what the network saw
    scores: np.ndarray  # (classes,)
    classes: tuple[int, ...]
    score_name: str  # "probability", or "output" where the scores don't sum to 1

    @property
    def ranking(self) -> list[tuple[int, float]]:
        """The first and the second guess, each as its label and its score."""
        return [(self.classes[k], float(self.scores[k])) for k in first_and_second(self.scores)]


def read(saved: SavedNetwork, paths: Sequence[str | Path]) -> list[Reading]:
    """Let the network read pictures of one digit each. Raises BadInput, naming the file, where there is none."""
    network = saved.network
    if prod(network.input_shape) != SIDE**2:
        raise BadInput(
            f"pictures are prepared as MNIST's, {SIDE} × {SIDE} = {SIDE**2} pixels, but the network takes "
            f"{prod(network.input_shape)} inputs"
        )
    inks = [read_image(path) for path in paths]
    images = np.stack([prepare(ink) for ink in inks])
    scores = class_scores(finite_outputs(saved, images))
    name = score_name(network.layers[-1], *network.output_shape)
    return [
        Reading(one_line(path), ink, image, row, saved.classes, name)
        for path, ink, image, row in zip(paths, inks, images, scores, strict=True)
    ]


def text(readings: Sequence[Reading]) -> str:
    """The answers, and the scores of all classes, as two tables."""
    name = readings[0].score_name
    answers: list[list] = [["answer", name, "second guess", name, "picture"]]
    for reading in readings:
        (first, score), (second, runner_up) = reading.ranking
        answers.append([first, f"{score:.4f}", second, f"{runner_up:.4f}", reading.name])
    head = "probabilities" if name == "probability" else "outputs (each from 0 to 1; they need not sum to 1)"
    scores: list[list] = [
        ["class", *readings[0].classes],
        *(["", *(f"{score:.4f}" for score in reading.scores)] for reading in readings),
    ]
    return f"{aligned(answers)}\n\n{head}, a line for each picture\n{aligned(scores)}"


def as_object(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """The same as plain Python values, for JSON."""
    return [
        {
            "picture": reading.name,
            "answer": reading.ranking[0][0],
            "second_guess": reading.ranking[1][0],
            "score": reading.score_name,
            "scores": {str(k): float(score) for k, score in zip(reading.classes, reading.scores, strict=True)},
        }
        for reading in readings
    ]
