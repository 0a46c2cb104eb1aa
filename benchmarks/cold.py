"""A whole process: start Python, import, load MNIST, train by a recipe, count right answers on the test set.

    python -m benchmarks.cold {ours,jax,"one of PyTorch's kinds"} SEED THREADS RECIPE

The recipe is JSON. Run by accuracy.py, which measures it from outside; prints the seconds of training and the accuracy.
Each library imports only what it needs itself, so the parts of PyTorch and JAX read IDX and set the rates on their own.
They run one step before their clocks start: in it, PyTorch imports modules for a second, and JAX compiles.
"""

import json
import os
import sys
from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any


def ours(seed: int, threads: int, document: dict[str, Any]) -> tuple[float, float]:
    from nn_from_scratch import Recipe, load_dataset
    from nn_from_scratch.runs.training_run import TrainingRun

    data = load_dataset("mnist")
    parts: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in document.items()}
    recipe = Recipe(**parts)
    started = perf_counter()
    run = TrainingRun(recipe, data, seed, threads=threads)
    for _ in run.epochs():
        pass
    seconds = perf_counter() - started
    return seconds, run.test()[1]


def in_pytorch(kind: str, seed: int, document: dict[str, Any]) -> tuple[float, float]:
    import torch

    from benchmarks import pytorch

    (images, labels), (test_images, test_labels) = (read_idx(prefix) for prefix in ("train", "t10k"))
    recipe = SimpleNamespace(**document)
    images, targets = pytorch.as_tensor(recipe, images), pytorch.make_targets(recipe, labels)
    rehearsal, loss = pytorch.make_model(recipe, kind), pytorch.LOSSES[recipe.loss]()
    optimizer = pytorch.make_optimizer(recipe, rehearsal, kind)
    pytorch.train_step(rehearsal, loss, optimizer, images[:10].div(255), targets[:10])
    started = perf_counter()
    model = pytorch.make_model(recipe, kind, seed)
    optimizer = pytorch.make_optimizer(recipe, model, kind)
    rates = one_cycle(recipe, len(images))
    for _ in range(recipe.epochs):
        for (x, t), rate in zip(pytorch.batches(images, targets, recipe.batch_size), rates, strict=False):
            for group in optimizer.param_groups:
                group["lr"] = rate
            pytorch.train_step(model, loss, optimizer, x, t)
    seconds = perf_counter() - started
    predict = pytorch.make_predict(recipe, model)
    parts = pytorch.as_tensor(recipe, test_images).split(1000)
    predicted = torch.cat([predict(part).argmax(1) for part in parts])
    return seconds, (predicted == torch.from_numpy(test_labels)).double().mean().item()


def in_jax(seed: int, threads: int, document: dict[str, Any]) -> tuple[float, float]:
    from benchmarks.elsewhere import limit_threads

    limit_threads(threads)
    from benchmarks import jax_jit

    (images, labels), (test_images, test_labels) = (read_idx(prefix) for prefix in ("train", "t10k"))
    recipe = SimpleNamespace(**document)
    images, targets = jax_jit.as_inputs(recipe, images), jax_jit.make_targets(recipe, labels)
    training = jax_jit.Training(recipe)
    for size in (recipe.batch_size, len(images) % recipe.batch_size or 1):  # the last batch is compiled separately
        training.step(images[:size], targets[:size])
    started = perf_counter()
    training.start(jax_jit.make_parameters(recipe, seed))
    rates = one_cycle(recipe, len(images))
    for _ in range(recipe.epochs):
        for (x, t), rate in zip(jax_jit.batches(images, targets, recipe.batch_size), rates, strict=False):
            training.step(x, t, rate)
    seconds = perf_counter() - started
    parts = jax_jit.as_inputs(recipe, test_images).reshape(10, -1, *images.shape[1:])
    predict = jax_jit.make_predict(recipe)
    predicted = jax_jit.np.concatenate([predict(training.parameters, part).argmax(1) for part in parts])
    return seconds, (predicted == test_labels).mean().item()


def read_idx(prefix: str) -> tuple[Any, Any]:
    """Images and labels, unchecked: the least that every program has to do."""
    import gzip

    import numpy as np

    directory, kinds = Path(os.environ["NN_FROM_SCRATCH_DATA"]), ("images-idx3", "labels-idx1")
    files = (directory / f"{prefix}-{kind}-ubyte.gz" for kind in kinds)
    images, labels = (np.frombuffer(bytearray(gzip.decompress(file.read_bytes())), np.uint8) for file in files)
    return images[16:].reshape(-1, 28, 28), labels[8:]


def one_cycle(recipe: Any, images: int) -> Iterator[float]:
    """The same as nn_from_scratch.OneCycle: the rate of each step."""
    steps = recipe.epochs * -(-images // recipe.batch_size)
    rising = max(1, round(recipe.warmup * steps))
    for step in range(steps):
        falling = (1 + cos(pi * (step - rising) / (steps - rising))) / 2
        yield recipe.learning_rate * ((step + 1) / rising if step < rising else falling)


if __name__ == "__main__":
    kind, seed, threads, document = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    if kind == "ours":
        result = ours(seed, threads, document)
    else:
        result = in_jax(seed, threads, document) if kind == "jax" else in_pytorch(kind, seed, document)
    print(json.dumps(result))
