"""Where a training on the page begins: everything that is needed to begin there again."""

from dataclasses import dataclass, replace

import numpy as np

from nn_from_scratch.classes import are_probabilities
from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.losses import matching_loss
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.web import limits
from nn_from_scratch.words import word

COPIES = 20  # of each drawing: a single one among thousands of images would hardly matter


@dataclass(frozen=True)
class Start:
    """The first weights follow from the recipe and the seed, unless there is a snapshot."""

    recipe: Recipe
    seed: int
    preset: str | None
    snapshot: np.ndarray | None = None  # the first weights, as of an uploaded network; None: drawn from the seed
    dataset: Dataset | None = None  # instead of the page's own
    on_test: bool = False  # tested on the test images, with nothing held out
    in_order: bool = False  # sorted by label instead of shuffled
    experiment: tuple[str, int] | None = None  # its name, and which of its runs
    drawings: Split | None = None  # learnt from as well, each COPIES times

    def images(self, of_page: Dataset) -> Dataset:
        """The data to learn from: the start's own or else the page's, with the drawings in front.

        They are in front so that no drawing is held out.
        """
        dataset = self.dataset or of_page
        if self.drawings is None:
            return dataset
        copies = Split(np.tile(self.drawings.images, (COPIES, 1, 1)), np.tile(self.drawings.labels, COPIES))
        return replace(dataset, train=copies.followed_by(dataset.train))


def recipe_of_preset(preset: str, dataset: Dataset) -> Recipe:
    """A preset's recipe as the live page trains it: with a constant learning rate, and as many epochs as allowed.

    Its inputs and outputs fit the images and classes of the data. Raises BadInput for data that the page can't show, or
    for layers that can't take images of this size.
    """
    limits.image_of(dataset)  # refuses what the page can't show
    recipe = PRESETS[preset].fitted(dataset.train.sample_shape, dataset.labels)
    return recipe.override(schedule="constant", epochs=limits.EPOCHS)


def start_from(saved: SavedNetwork, like: Start) -> Start:
    """A start from a file's network: its layers, the loss that suits the last one, and everything else as in `like`.

    Raises BadInput for a number that float32 can't hold. LiveRun checks whether the page can show the network.
    """
    network = saved.network
    likely = are_probabilities(network.layers[-1], *network.output_shape)
    loss = (likely and matching_loss(network.layers[-1])) or "mean-squared-error"
    layers = tuple(map(word, network.layers))
    recipe = like.recipe.override(layers=layers, input_shape=network.input_shape, loss=loss, classes=saved.classes)
    snapshot = network.snapshot().astype(np.float32)
    if not np.isfinite(snapshot).all():
        raise BadInput("a parameter of this network is too large for float32")
    # On test images, because the network may have learnt from the images that would be held out.
    return Start(recipe, like.seed, None, snapshot, on_test=True)
