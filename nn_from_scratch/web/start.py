"""Where a training on the page begins: all it takes to begin there again."""

from dataclasses import dataclass, replace

import numpy as np

from nn_from_scratch.classes import score_name
from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.losses import matching_loss
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.web import limits
from nn_from_scratch.words import word

COPIES = 20  # of each drawing: one among thousands of images would hardly be seen


@dataclass(frozen=True)
class Start:
    """The first weights follow from the recipe and the seed, unless a snapshot is there."""

    recipe: Recipe
    seed: int
    preset: str | None
    snapshot: np.ndarray | None = None  # of an uploaded network; drawn from the seed otherwise
    dataset: Dataset | None = None  # in place of the page's own
    on_test: bool = False  # judged on the test images, and nothing held out
    in_order: bool = False  # of the labels, instead of shuffled
    experiment: tuple[str, int] | None = None  # its name, and which of its runs
    drawings: Split | None = None  # learnt from as well, each COPIES times

    def images(self, of_page: Dataset) -> Dataset:
        """What is learnt from: the page's data unless the start has its own, with the drawings in front of them.

        In front, so that no drawing is held out.
        """
        dataset = self.dataset or of_page
        if self.drawings is None:
            return dataset
        copies = Split(np.tile(self.drawings.images, (COPIES, 1, 1)), np.tile(self.drawings.labels, COPIES))
        return replace(dataset, train=copies.followed_by(dataset.train))


def recipe_of_preset(preset: str, dataset: Dataset) -> Recipe:
    """A preset's recipe as the live page trains it: the rate stays where it is set, and there is no last epoch.

    For other images and classes than those of MNIST, it has other inputs and outputs. Raises BadInput for data that the
    page can't show, or layers that can't look at images of this size.
    """
    limits.image_of(dataset)  # refuses what the page can't show
    recipe = PRESETS[preset].fitted(dataset.train.sample_shape, dataset.labels)
    return recipe.override(schedule="constant", epochs=limits.EPOCHS)


def start_from(saved: SavedNetwork, like: Start) -> Start:
    """A network from a file as a start: its layers, the loss that suits its last one, and all else as in `like`.

    Raises BadInput for a number that float32 can't hold. Whether the page can show the network, LiveRun finds out.
    """
    network = saved.network
    likely = score_name(network.layers[-1], *network.output_shape) == "probability"
    loss = (likely and matching_loss(network.layers[-1])) or "mean-squared-error"
    layers = tuple(map(word, network.layers))
    recipe = like.recipe.override(layers=layers, input_shape=network.input_shape, loss=loss, classes=saved.classes)
    snapshot = network.snapshot().astype(np.float32)
    if not np.isfinite(snapshot).all():
        raise BadInput("a parameter of this network is too large for float32")
    # It may have learnt from the very images that would be held out.
    return Start(recipe, like.seed, None, snapshot, on_test=True)
