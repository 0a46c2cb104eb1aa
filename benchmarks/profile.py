"""Where the time of a step goes: the time of each part, of its matrix product, and of the rest.

The step is taken apart by hand: the calls of `train_step` and `fit` are written out, with a stopwatch between them. The
floor's products take turns with the step. Unlike a whole step, they fit into the processor's cache. So a part of the
time beyond the floor is the price of fetching the same numbers again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from time import perf_counter, sleep

import numpy as np

from benchmarks import floor, ours, steps
from benchmarks.contenders import BEYOND, FLOOR, OURS, has_images
from benchmarks.timing import PAUSE, Measured, Row, median_of, threads
from nn_from_scratch import Dataset, Recipe, Split
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.network import Place

TURN = 50  # steps in a row

Laps = dict[str, list[float]]


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """Medians over all steps with Adam. The medians of the parts don't add up exactly to the median of the whole."""
    found = steps.recipes() | steps.convolutional_recipes()
    for name in (f"{name}, batch {size}, Adam" for name in ("784-128-64-10", "LeNet") for size in (64, 128)):
        recipe = found[name]
        for number in thread_counts[:1] if has_images(recipe) else thread_counts:  # rows share a second one: no parts
            with threads(number):
                step, products = _alternate(recipe, data.train, repeats)
            for part, seconds in step.items():
                results: dict[str, Measured | str] = {OURS: (mine := _median_of(seconds))}
                if part in products:
                    results[FLOOR] = (least := _median_of(products[part]))
                    mine = mine._replace(value=mine.value - least.value)
                yield Row("profile", f"{name}, {part}", number, "s", results | {BEYOND: mine})


def _median_of(laps: list[float]) -> Measured:
    """Without the samples, which would be thousands in the file."""
    return median_of(laps)._replace(samples=[])


def _alternate(recipe: Recipe, split: Split, repeats: int) -> tuple[Laps, Laps]:
    """The seconds of each part of many steps, and of the products of as many steps."""
    step_laps: Laps = defaultdict(list)
    product_laps: Laps = defaultdict(list)
    step, products = _step(recipe, split), _products(recipe)
    for _ in range(repeats):
        for run, laps in ((step, step_laps), (products, product_laps)):
            sleep(PAUSE)
            for _ in range(TURN):
                sums: dict[str, float] = defaultdict(float)
                last = perf_counter()
                for part in run():
                    seconds = perf_counter() - last
                    laps[part].append(seconds)
                    for whole in {part.partition(":")[0], "step"} - {part}:
                        sums[f"{whole}, all of it"] += seconds
                    last = perf_counter()
                for whole, seconds in sums.items():
                    laps[whole].append(seconds)
    return step_laps, product_laps


def _step(recipe: Recipe, split: Split) -> Callable[[], Iterator[str]]:
    """A training step that yields the name of each part when it is done."""
    network, loss, optimizer = recipe.make_network(0), recipe.make_loss(), recipe.make_optimizer()
    stream = ours.endless(recipe.make_batches(split, 0))
    layers = [(_name(place), place.layer, place.parameters) for place in network.places]

    def step() -> Iterator[str]:
        x, t = next(stream)
        yield "gather the batch"
        for name, layer, _ in layers:
            x = layer.forward(x, training=True)
            yield f"forward: {name}"
        loss.value(x, t)
        yield "loss: value"
        dy = loss.logit_gradient(x, t)
        yield "loss: gradient"
        for name, layer, learns in layers[-2::-1]:  # the loss has been through the softmax
            if learns:
                layer.backward_parameters(dy)
                yield f"backward: {name}, dW"
            if layer is not network.layers[0]:
                dy = layer.backward_input(dy)
                yield f"backward: {name}, dx"
        optimizer.step(network.parameters, network.gradients, recipe.learning_rate)
        yield "optimizer"
        np.count_nonzero(predicted_classes(x) == predicted_classes(t))
        yield "count the right answers"

    return step


def _products(recipe: Recipe) -> Callable[[], Iterator[str]]:
    """The products of a step, in its order, under the names of the parts they belong to."""
    named = [(_name(place), layer) for place, layer in floor.layer_products(recipe, recipe.batch_size or 0)]
    forward = [(f"forward: {name}", layer["forward"]) for name, layer in named]
    backward = [
        (f"backward: {name}, {kind}", layer[kind])
        for name, layer in named[::-1]
        for kind in ("dW", "dx")
        if kind in layer
    ]

    def products() -> Iterator[str]:
        for name, of_layer in forward + backward:
            for product in of_layer:
                floor.multiply_into(*product)
            yield name

    return products


def _name(place: Place) -> str:
    """Dense 784→128, ReLU of 128, Conv2D 1×28×28→16×24×24."""
    inputs, outputs = ("×".join(map(str, shape)) for shape in (place.input_shape, place.output_shape))
    return f"{place.name} {inputs}→{outputs}" if place.parameters else f"{place.name} of {inputs}"
