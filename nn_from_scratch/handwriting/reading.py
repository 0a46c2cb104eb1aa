"""A network's answers to pictures of the user, prepared like its training data, with the second guess.

The scores of all classes are given, too, because an answer with 51 % means something else than one with 99 %. If some
pictures can't be read, the others are, and each reason is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nn_from_scratch.classes import class_scores, own_names, score_name
from nn_from_scratch.data.digits import SIDE
from nn_from_scratch.data.mnist import FASHION, KMNIST, MNIST
from nn_from_scratch.data.reading import visible
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.handwriting.drawing import prepare
from nn_from_scratch.handwriting.photograph import Preparation
from nn_from_scratch.handwriting.picture import read_image
from nn_from_scratch.inspection.answers import finite_outputs, first_and_second
from nn_from_scratch.inspection.evaluation import recorded_test_set
from nn_from_scratch.inspection.naming import with_article
from nn_from_scratch.inspection.tables import aligned
from nn_from_scratch.storage import Saved


@dataclass(frozen=True)
class Reading:
    """A network's answer to a picture."""

    name: str
    ink: np.ndarray  # the strokes found in the picture (H, W), 255 on 0, or the picture itself (3, H, W)
    image: np.ndarray  # the input of the network: (rows, columns), or (3, rows, columns) in colour
    scores: np.ndarray  # (classes,)
    classes: tuple[int, ...]
    score_name: str  # "probability", or "output" if the scores don't sum to 1
    class_names: tuple[str, ...] = ()  # (): their labels are the names

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.class_names or tuple(map(str, self.classes))

    @property
    def ranking(self) -> list[tuple[int, float]]:
        """The first and the second guess, each with its label and its score."""
        return [(self.classes[k], float(self.scores[k])) for k in first_and_second(self.scores)]

    @property
    def named_ranking(self) -> list[tuple[str, float]]:
        """The same, each with its name and its score."""
        return [(self.names[k], float(self.scores[k])) for k in first_and_second(self.scores)]


class Skipped(NamedTuple):
    """A file that could not be read."""

    name: str
    reason: str


def read(saved: Saved, paths: Sequence[str | Path]) -> tuple[list[Reading], list[Skipped]]:
    """Let the network read pictures of one digit each, or of one sample of what it was trained on.

    `paths` are files, or folders of files. Files that can't be read are skipped. Raises BadInput if no file can be
    read, or if the network doesn't take pictures.
    """
    network = saved.network
    prepared = _strokes if _reads_strokes(saved) else Preparation(saved)
    names, inks, images = [], [], []
    skipped = []
    for path in files_in(paths):
        name = one_line(path)
        try:
            ink, image = prepared(path)
        except BadInput as problem:
            skipped.append(Skipped(name, _said_of(saved.noun, str(problem).removeprefix(f"{name}: "))))
        else:
            names.append(name)
            inks.append(ink)
            images.append(image)
    if not names:
        raise BadInput(_nothing_read(paths, skipped, saved.noun))
    scores = class_scores(finite_outputs(saved, np.stack(images)))
    kind = score_name(network.output_layer, *network.output_shape)
    readings = [
        Reading(name, ink, image, row, saved.classes, kind, own_names(saved.names, saved.classes))
        for name, ink, image, row in zip(names, inks, images, scores, strict=True)
    ]
    return readings, skipped


def _reads_strokes(saved: Saved) -> bool:
    """Whether a network was trained on handwriting like MNIST's. Raises BadInput if it takes another size.

    If the kind of pictures is unknown, as for the letters of EMNIST, those of 28 × 28 pixels count as handwriting.
    """
    inputs = prod(saved.network.input_shape)
    if saved.noun in (MNIST.noun, KMNIST.noun) and inputs != SIDE**2:
        raise BadInput(
            f"pictures are prepared like MNIST's, {SIDE} × {SIDE} = {SIDE**2} pixels, but the network takes "
            f"{inputs} inputs"
        )
    return inputs == SIDE**2 and saved.noun != FASHION.noun and "picture_size" not in recorded_test_set(saved)


def _strokes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    ink = read_image(path)
    return ink, prepare(ink)


def files_in(paths: Sequence[str | Path]) -> Iterator[Path]:
    """The files, and those in folders, sorted by name, without hidden ones."""
    for path in map(Path, paths):
        yield from visible(path) if path.is_dir() else [path]


def _said_of(noun: str, reason: str) -> str:
    """A reason of the preparation, with the network's own word for a sample instead of "digit"."""
    return reason.replace("a digit", with_article(noun)).replace("digit", noun)


def _nothing_read(paths: Sequence[str | Path], skipped: Sequence[Skipped], noun: str) -> str:
    if not skipped:
        return f"{', '.join(map(one_line, paths))}: contains no files, expected pictures of one {noun} each"
    first = f"{skipped[0].name}: {skipped[0].reason}"
    return first if len(skipped) == 1 else f"none of {len(skipped)} files can be read, the first being {first}"


def rows(readings: Sequence[Reading], skipped: Sequence[Skipped]) -> list[list]:
    """A line of a CSV file for each picture, after the header: its answer and score, or the reason why it has none.

    If the classes have names, that of the answer comes last.
    """
    answers = [[reading.name, *reading.ranking[0]] for reading in readings]
    found: list[list] = [
        ["file", "answer", "confidence", "skipped_because"],
        *([name, answer, f"{score:.6g}", None] for name, answer, score in answers),
        *([name, None, None, reason] for name, reason in skipped),
    ]
    if not readings[0].class_names:
        return found
    names: list = ["answer_name", *(reading.named_ranking[0][0] for reading in readings), *([None] * len(skipped))]
    return [[*row, name] for row, name in zip(found, names, strict=True)]


def text(readings: Sequence[Reading]) -> str:
    """The answers, and the scores of all classes, as two tables."""
    name = readings[0].score_name
    answers: list[list] = [["answer", name, "second guess", name, "picture"]]
    for reading in readings:
        (first, score), (second, runner_up) = reading.named_ranking
        answers.append([first, f"{score:.4f}", second, f"{runner_up:.4f}", reading.name])
    head = "probabilities" if name == "probability" else "outputs (each from 0 to 1; they need not sum to 1)"
    scores: list[list] = [
        ["class", *readings[0].names],
        *(["", *(f"{score:.4f}" for score in reading.scores)] for reading in readings),
    ]
    return f"{aligned(answers)}\n\n{head}, a line for each picture\n{aligned(scores)}"


def as_object(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """The same as plain Python values, for JSON."""
    return [
        {
            "picture": reading.name,
            "answer": reading.ranking[0][0],
            "answer_name": reading.named_ranking[0][0],
            "second_guess": reading.ranking[1][0],
            "second_guess_name": reading.named_ranking[1][0],
            "score": reading.score_name,
            "scores": {str(k): float(score) for k, score in zip(reading.classes, reading.scores, strict=True)},
        }
        for reading in readings
    ]
