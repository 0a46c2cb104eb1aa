"""A whole process: start Python, import, load MNIST, train by a recipe, count right answers on the test set.

    python -m benchmarks.cold {ours,eager,fused} SEED RECIPE

The recipe is JSON. Run by accuracy.py, which measures it from outside; prints the seconds of training and the accuracy.
Each library imports only what it needs itself, so PyTorch's part reads IDX and sets the rates on its own.
"""

import json
import os
import sys
from math import cos, pi
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any


def ours(seed: int, document: dict[str, Any]) -> tuple[float, float]:
    from nn_from_scratch import Recipe, evaluate, fit, load_dataset, random_streams

    data = load_dataset("mnist")
    parts: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in document.items()}
    recipe = Recipe(**parts)
    started = perf_counter()
    seeds = random_streams(seed)
    network, loss, optimizer = recipe.make_network(seeds.initialization), recipe.make_loss(), recipe.make_optimizer()
    batches = recipe.make_batches(data.train, seeds.shuffling)
    schedule = recipe.make_schedule(recipe.epochs * len(batches))
    for _ in fit(network, loss, optimizer, schedule, batches, recipe.epochs, noise=seeds.noise):
        pass
    seconds = perf_counter() - started
    return seconds, evaluate(network, loss, data.test)[1]


def in_pytorch(kind: str, seed: int, document: dict[str, Any]) -> tuple[float, float]:
    import torch

    from benchmarks import pytorch

    (images, labels), (test_images, test_labels) = (read_idx(prefix) for prefix in ("train", "t10k"))
    recipe = SimpleNamespace(**document)
    images, targets = pytorch.as_tensor(images), pytorch.make_targets(recipe, labels)
    rehearsal = pytorch.make_model(recipe, kind)  # PyTorch imports a second's worth of modules at its first step
    pytorch.train_step(
        rehearsal,
        pytorch.LOSSES[recipe.loss](),
        pytorch.make_optimizer(recipe, rehearsal, kind),
        images[:10].div(255),
        targets[:10],
    )
    started = perf_counter()
    model, loss = pytorch.make_model(recipe, kind, seed), pytorch.LOSSES[recipe.loss]()
    optimizer = pytorch.make_optimizer(recipe, model, kind)
    step, steps = 0, recipe.epochs * -(-len(images) // recipe.batch_size)
    for _ in range(recipe.epochs):
        for x, t in pytorch.batches(images, targets, recipe.batch_size):
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(step, steps, recipe.learning_rate, recipe.warmup)
            pytorch.train_step(model, loss, optimizer, x, t)
            step += 1
    seconds = perf_counter() - started
    with torch.inference_mode():
        predicted = model(pytorch.as_tensor(test_images).div(255)).argmax(1)
    return seconds, (predicted == torch.from_numpy(test_labels)).double().mean().item()


def read_idx(prefix: str) -> tuple[Any, Any]:
    """Images and labels, unchecked; the least that any program has to do."""
    import gzip

    import numpy as np

    directory, kinds = Path(os.environ["NN_FROM_SCRATCH_DATA"]), ("images-idx3", "labels-idx1")
    files = (directory / f"{prefix}-{kind}-ubyte.gz" for kind in kinds)
    images, labels = (np.frombuffer(bytearray(gzip.decompress(file.read_bytes())), np.uint8) for file in files)
    return images[16:].reshape(-1, 28, 28), labels[8:]


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """nn_from_scratch.OneCycle once more."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * (1 + cos(pi * (step - rising) / (steps - rising))) / 2


if __name__ == "__main__":
    kind, seed, document = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    result = ours(seed, document) if kind == "ours" else in_pytorch(kind, seed, document)
    print(json.dumps(result))
