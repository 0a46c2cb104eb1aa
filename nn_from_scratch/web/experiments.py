"""Experiments with a deliberate mistake: those of docs/break-it.md, set up on the page.

Each has a question to answer first, then one or several runs that differ in one thing, and the accuracies of these
runs. All train and test on the small digits in the package, so the results are always the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nn_from_scratch.data import Dataset, Split, load_dataset
from nn_from_scratch.layers import Dense, Layer, ReLU
from nn_from_scratch.losses import CrossEntropy, Loss
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.web import limits
from nn_from_scratch.web.start import Start

HIDDEN = ("dense:32", "relu")
OUTPUT = ("dense:10", "softmax")
DEEP_SIGMOID, DEEP_RELU = ("dense:32", "sigmoid") * 6, HIDDEN * 6
CONVOLUTION = ("conv2d:8:5", "max-pool2d:4", "relu", "flatten")


# ---- wrong parts: each replaces its base class ----


class NoMask(ReLU):
    """A ReLU whose backward method forgets its mask."""

    def backward_input(self, dy: np.ndarray) -> np.ndarray:
        return dy


class NoBias(Dense):
    """A Dense layer that forgets the gradient of its biases."""

    def backward_parameters(self, dy: np.ndarray) -> None:
        super().backward_parameters(dy)
        self.db[...] = 0


class Steep(CrossEntropy):
    """A loss whose gradient is a thousand times too large, as if somebody had forgotten to take a mean."""

    def logit_gradient(self, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 1000 * super().logit_gradient(p, t)


@dataclass(frozen=True)
class WrongRecipe(Recipe):
    """A recipe in which wrong parts replace the right ones."""

    wrong: tuple[type, ...] = ()

    def make_layers(self) -> list[Layer]:
        return [self._in_place_of(layer)(**layer.config()) for layer in super().make_layers()]

    def make_loss(self) -> Loss:
        loss = super().make_loss()
        return self._in_place_of(loss)() if self.wrong else loss

    def _in_place_of(self, part: Any) -> type:
        return next((wrong for wrong in self.wrong if type(part) in wrong.__bases__), type(part))


# ---- other images ----


def shuffled_labels(dataset: Dataset) -> Dataset:
    """200 of the training images, with labels that have nothing to do with them."""
    few = dataset.train.select(slice(0, 200))
    return replace(dataset, train=Split(few.images, np.random.default_rng(0).permutation(few.labels)))


def exchanged_pixels(dataset: Dataset) -> Dataset:
    """The pixels of all images, shuffled in the same way in every image."""
    order = np.random.default_rng(0).permutation(784)

    def exchanged(split: Split) -> Split:
        return Split(split.images.reshape(-1, 784)[:, order].reshape(-1, 28, 28), split.labels)

    return replace(dataset, train=exchanged(dataset.train), test=exchanged(dataset.test))


def moved(pixels: int) -> Callable[[Dataset], Dataset]:
    """A change of the data: the test images are moved this many pixels to the right."""

    def change(dataset: Dataset) -> Dataset:
        return replace(dataset, test=Split(np.roll(dataset.test.images, pixels, axis=2), dataset.test.labels))

    return change


# ---- experiments ----


@dataclass(frozen=True)
class Run:
    """One training of an experiment: its differences from the usual training, and the accuracy that it ends with."""

    name: str
    reached: float  # the accuracy on the test images, to a thousandth
    changes: dict[str, Any] = field(default_factory=dict)  # of the recipe
    wrong: tuple[type, ...] = ()
    data: Callable[[Dataset], Dataset] = lambda dataset: dataset
    first_weights: float | None = None  # all of them equal
    in_order: bool = False


@dataclass(frozen=True)
class Experiment:
    """A question, the runs that answer it, and the reason for their results."""

    name: str  # in an address
    title: str
    question: str
    answers: tuple[str, ...]
    right: int  # which of the answers
    runs: tuple[Run, ...]
    why: str
    epochs: int = 3

    def start(self, number: int) -> Start:
        """The start of one of its runs."""
        run = self.runs[number]
        recipe = replace(USUAL, wrong=run.wrong).override(**run.changes)
        dataset = run.data(load_dataset("digits"))
        snapshot = None
        if run.first_weights is not None:
            network = recipe.for_data(dataset).make_network(seed=0)
            for layer in network.layers:
                if isinstance(layer, Dense):
                    layer.W[...] = run.first_weights
            snapshot = network.snapshot()
        return Start(recipe, 0, None, snapshot, dataset, True, run.in_order, (self.name, number))

    def as_shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "answers": self.answers,
            "right": self.right,
            "runs": [{"name": run.name, "reached": run.reached} for run in self.runs],
            "why": self.why,
            "epochs": self.epochs,
        }


USUAL = WrongRecipe(
    layers=HIDDEN + OUTPUT,
    loss="cross-entropy",
    optimizer="sgd",
    learning_rate=0.1,
    schedule="constant",
    batch_size=32,
    epochs=limits.EPOCHS,
    input_shape=(784,),
    classes=tuple(range(10)),
)


def layers(*words: str) -> dict[str, Any]:
    return {"layers": words, "input_shape": (784,) if words[0].startswith("dense") else (1, 28, 28)}


EXPERIMENTS = (
    Experiment(
        name="zeros",
        title="All weights zero",
        question="All weights and biases begin at 0. How well does the network read digits after training?",
        answers=("no better than by guessing", "half of them", "as well as usual"),
        right=0,
        runs=(Run("random weights", 0.947), Run("all zero", 0.1, {"initializer": "zeros"})),
        why="The hidden units output 0, so the slopes of the last layer's weights are 0. The slopes that it "
        "passes back are 0, too. Only its biases learn, and they can learn only how frequent each digit "
        "is.",
    ),
    Experiment(
        name="equal",
        title="All weights equal",
        question="All weights begin at 0.05. This is not 0, so slopes do get through. How well does the network "
        "read digits after training?",
        answers=("no better than by guessing", "about a fifth of them", "as well as usual"),
        right=1,
        runs=(Run("random weights", 0.947), Run("all 0.05", 0.228, first_weights=0.05)),
        why="Units with equal weights compute the same numbers and get the same slopes, so they stay equal "
        "for ever. Thirty-two units can do no more than one. The first weights must differ, so they are "
        "drawn at random.",
    ),
    Experiment(
        name="no-relu",
        title="No ReLU, or no hidden layer",
        question="How much worse is the network without the ReLU between the two Dense layers? And without the "
        "hidden layer?",
        answers=("it learns nothing", "much worse", "not worse"),
        right=2,
        runs=(
            Run("with ReLU", 0.958),
            Run("without ReLU", 0.958, layers("dense:32", *OUTPUT) | {"initializer": "he"}),
            Run("no hidden layer", 0.953, layers(*OUTPUT) | {"initializer": "he"}),
        ),
        why="It is not worse, because weighted sums of pixels are enough to tell most of these small digits "
        "apart. But two Dense layers without a ReLU between them can do no more than one: a single "
        "matrix, their product, gives the same answers. On MNIST, weighted sums are not enough.",
        epochs=10,
    ),
    Experiment(
        name="derivative",
        title="A wrong derivative",
        question="The backward method of ReLU forgets its mask, so that all slopes pass. Or Dense forgets the "
        "slopes of its biases. Would you notice?",
        answers=("yes, it learns nothing", "hardly"),
        right=1,
        runs=(
            Run("right", 0.947),
            Run("no mask", 0.933, wrong=(NoMask,)),
            Run("no slopes of biases", 0.947, wrong=(NoBias,)),
        ),
        why="A slope that is only roughly right still leads downhill. So a network with wrong slopes learns, "
        "too, and hardly worse. You might think that it only needs other settings. The gradient check "
        "finds the mistake at once.",
    ),
    Experiment(
        name="steep",
        title="Slopes a thousand times too steep",
        question="The gradient is multiplied by 1,000, as if somebody had forgotten to take a mean. What happens "
        "with SGD, and what with Adam?",
        answers=("both fail", "only SGD fails", "only Adam fails"),
        right=1,
        runs=(
            Run("SGD", 0.947),
            Run("SGD, steep", 0.103, wrong=(Steep,)),
            Run("Adam", 0.936, {"optimizer": "adam", "learning_rate": 0.005}),
            Run("Adam, steep", 0.936, {"optimizer": "adam", "learning_rate": 0.005}, wrong=(Steep,)),
        ),
        why="SGD takes steps that are a thousand times too long. Adam divides a mean of the slopes by the "
        "root of the mean of their squares, and the factor cancels out. This makes Adam forgiving, but it"
        " also hides mistakes.",
    ),
    Experiment(
        name="rate",
        title="The learning rate",
        question="Which of these learning rates is the best: 0.001, 0.1, 1, 1,000?",
        answers=("0.001", "0.1", "1", "1,000"),
        right=1,
        runs=tuple(
            Run(f"rate {rate:,}", reached, {"learning_rate": rate})
            for rate, reached in ((0.001, 0.278), (0.1, 0.947), (1, 0.103), (1000, 0.1))
        ),
        why="At 0.001 the network learns, but needs a hundred times as long. At 1 the first steps move every "
        "hidden unit so far that it outputs 0 for every image. From then on it gets no slopes: it is "
        "dead.",
    ),
    Experiment(
        name="deep",
        title="Six hidden layers",
        question="Two networks have six hidden layers, one with sigmoids, the other with ReLUs. Which of them learns?",
        answers=("the sigmoids", "the ReLUs", "both", "neither"),
        right=1,
        runs=(
            Run("sigmoid", 0.103, layers(*DEEP_SIGMOID, *OUTPUT) | {"learning_rate": 0.05}),
            Run("ReLU", 0.917, layers(*DEEP_RELU, *OUTPUT) | {"learning_rate": 0.05}),
        ),
        why="Each sigmoid multiplies the slopes by at most a quarter on the way back. After six of them, less"
        " than a thousandth is left, and the first layers hardly move: the gradient vanishes. A ReLU lets"
        " slopes pass unchanged.",
        epochs=10,
    ),
    Experiment(
        name="sorted",
        title="Sorted batches",
        question="The images are not shuffled but sorted: all zeros, then all ones, and so on. How well does the "
        "network read digits after three epochs?",
        answers=("as well as usual", "half of them", "a fifth of them"),
        right=2,
        runs=(Run("shuffled", 0.947), Run("sorted", 0.206, in_order=True)),
        why="A batch stands for all images only if it is a fair sample of them. Here each batch says that "
        "every image shows the same digit. The network learns this answer, and forgets what it learnt "
        "before.",
    ),
    Experiment(
        name="labels",
        title="Wrong labels",
        question="The labels of 200 images are shuffled at random, so there is nothing to understand. What "
        "accuracy does the network reach on these 200 images, and what on new ones?",
        answers=("10 % and 10 %", "100 % and 10 %", "100 % and 90 %"),
        right=1,
        runs=(Run("shuffled labels", 0.064, data=shuffled_labels),),
        why="25,450 parameters can memorize 200 answers, whether they are right or wrong. So it proves "
        "nothing if a network reads its training images right. Only new images show how good it is.",
        epochs=300,
    ),
    Experiment(
        name="moved",
        title="Other images",
        question="In one training, the pixels of every image are shuffled, always in the same way. In another, the "
        "test images are moved by 2 pixels. Which is worse?",
        answers=("shuffled pixels", "moved digits"),
        right=1,
        runs=(
            Run("as they are", 0.958),
            Run("pixels shuffled", 0.953, data=exchanged_pixels),
            Run("moved by 2", 0.469, data=moved(2)),
            Run("moved by 2, convolution", 0.653, layers(*CONVOLUTION, *OUTPUT), data=moved(2)),
        ),
        why="For a Dense layer, pixels are a list of numbers in any order: it doesn't know which pixels are "
        "neighbours. A convolution looks for the same pattern everywhere, so moved digits harm it less.",
        epochs=10,
    ),
    Experiment(
        name="two-neurons",
        title="Two neurons",
        question="How many hidden neurons does a network need to read these digits about as well as with 32?",
        answers=("2", "8", "1,000"),
        right=1,
        runs=tuple(
            Run(f"{units} neurons", reached, layers(f"dense:{units}", "relu", *OUTPUT))
            for units, reached in ((2, 0.253), (8, 0.936), (32, 0.958))
        ),
        why="With two neurons, the last layer has only two numbers to tell ten digits apart, and ReLU leaves "
        "only what is above 0. Eight numbers are nearly enough.",
        epochs=10,
    ),
    Experiment(
        name="batch",
        title="Large and small batches",
        question="The learning rate and the number of epochs stay the same, with batches of 1, 32 or 1,024 images."
        " Which batch size is the best?",
        answers=("1", "32", "1,024"),
        right=1,
        runs=tuple(
            Run(f"batches of {size:,}", reached, {"batch_size": size})
            for size, reached in ((1, 0.422), (32, 0.947), (1024, 0.644))
        ),
        why="With one image in a batch, every step follows this image alone, and at this rate the weights "
        "jump about. A lower rate would help. With 1,024 images there are two steps in an epoch, and six "
        "steps are too few.",
    ),
)


def named(name: str) -> Experiment:
    """The experiment of this name. Raises BadInput if there is none."""
    known = {experiment.name: experiment for experiment in EXPERIMENTS}
    return known[limits.one_of(name, "experiment", known)]
