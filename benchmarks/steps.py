"""A training step, an epoch, and predictions, for the Dense networks of the presets and two convolutional networks.

All are measured with Adam and batches of 64 and 128; Dense layers also with the two extremes, one image at a time and
all 60,000 at once.
"""

from collections.abc import Callable, Iterator

from benchmarks import contenders
from benchmarks.timing import Contender, Row, interleaved, threads
from nn_from_scratch import PRESETS, Dataset, Recipe, Split
from nn_from_scratch.data.batches import matching
from nn_from_scratch.presets import DEFAULT_PRESET
from nn_from_scratch.recipe import dense_stack

FEWER, FEW = 12_800, 2_000  # images of a shorter epoch: for most presets, and if each image is a step
PLAIN = {"schedule": "constant", "weight_decay": 0.0}  # all libraries do these in the same way
ADAM = {"optimizer": "adam", "learning_rate": 0.001}

CONVOLUTIONAL = {
    "LeNet": "conv2d:16:5 max-pool2d relu conv2d:32:5 max-pool2d relu flatten dense:10 softmax",
    "3×3 same": "conv2d:16:3:padding=same relu conv2d:16:3:padding=same max-pool2d relu "
    "conv2d:32:3:padding=same relu conv2d:32:3:padding=same max-pool2d relu flatten dense:10 softmax",
}


def architectures() -> dict[str, Recipe]:
    """The presets of Dense layers, without those that differ from an earlier one only in their training."""
    first: dict[tuple, str] = {}
    for name, preset in PRESETS.items():
        if dense_stack(preset.layers):
            first.setdefault((preset.layers, preset.loss), name)
    return {name: PRESETS[name] for name in first.values()}


def convolutional_recipes() -> dict[str, Recipe]:
    """Two small convolutional networks, by their names in the report: one with valid kernels, one with padded ones."""
    preset = PRESETS[DEFAULT_PRESET].override(**PLAIN, **ADAM)
    return {
        f"{name}, batch {size}, Adam": preset.override(
            layers=tuple(layers.split()), input_shape=(1, 28, 28), batch_size=size
        )
        for name, layers in CONVOLUTIONAL.items()
        for size in (64, 128)
    }


def recipes() -> dict[str, Recipe]:
    """The recipes to measure, by their names in the report."""
    adam = PLAIN | ADAM | {"initializer": "glorot"}
    sgd = PLAIN | {"optimizer": "sgd", "learning_rate": 0.01, "initializer": "glorot"}
    found = {
        f"{name}, batch {size}, Adam": preset.override(**adam, batch_size=size)
        for name, preset in architectures().items()
        for size in (64, 128)
    }
    for name in ("784-128-64-10", "784-128-64-10-sigmoid"):
        found[f"{name}, batch 1, SGD"] = PRESETS[name].override(**sgd, batch_size=1)
    found["784-10-10, full batch, SGD"] = PRESETS["784-10-10"].override(**sgd, batch_size=None)
    return found


def training_images(recipe: Recipe, data: Dataset) -> Split:
    """The images of the classes that the recipe tells apart."""
    return matching(data, recipe.input_shape, recipe.classes).train


def measure_steps(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """A training step: gather the batch, forward, backward, update, and the loss as a number."""
    for name, recipe in recipes().items():
        split = training_images(recipe, data)
        yield from _rows("steps", name, thread_counts, repeats, contenders.steps, recipe, split)


def measure_epochs(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """A pass over all training images with the default architecture, and over fewer with the others, to save time.

    With the full batch an epoch is a step, which is measured there.
    """
    for name, recipe in recipes().items():
        if recipe.batch_size is None:
            continue
        split = training_images(recipe, data)
        if recipe.batch_size == 1:
            split = split.select(slice(0, FEW))
        elif quick or not name.startswith(f"{DEFAULT_PRESET}, "):
            split = split.select(slice(0, FEWER))
        case = f"{name}, {len(split):,} images"
        few = min(3, repeats)  # an epoch is so long that a few rounds are enough
        yield from _rows("epochs", case, thread_counts, few, contenders.epochs, recipe, split)


def measure_inference(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """The probabilities for 10,000 images, from bytes, a thousand at a time."""
    for name, preset in architectures().items():
        case = f"{name}, {len(data.test):,} images"
        yield from _rows("inference", case, thread_counts, repeats, contenders.predictions, preset, data.test)


def measure_convolution(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """A training step and a short epoch of the convolutional networks, and the probabilities for some images."""
    epoch = data.train.select(slice(0, FEWER // 5 if quick else FEWER))
    test = data.test.select(slice(0, FEW))
    for name, recipe in convolutional_recipes().items():
        few = min(3, repeats)
        yield from _rows("convolution", f"{name}: a step", thread_counts, repeats, contenders.steps, recipe, data.train)
        case = f"{name}: an epoch of {len(epoch):,} images"
        yield from _rows("convolution", case, thread_counts, few, contenders.epochs, recipe, epoch)
        if recipe.batch_size == 64:
            case = f"{name.partition(',')[0]}: {len(test):,} predictions"
            yield from _rows("convolution", case, thread_counts, few, contenders.predictions, recipe, test)


def _rows(
    group: str,
    case: str,
    thread_counts: list[int],
    repeats: int,
    make: Callable[[Recipe, Split, int], dict[str, Contender]],
    recipe: Recipe,
    split: Split,
) -> Iterator[Row]:
    """The case with each number of threads. Contenders start anew each time."""
    for number in thread_counts:
        with threads(number):
            yield Row(group, case, number, "s", interleaved(make(recipe, split, number), repeats))
