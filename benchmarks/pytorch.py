"""The same work as ours.py, as one writes it in PyTorch, and where there is a choice, the faster way.

The images are bytes here too, gathered and scaled batch by batch (`index_select` is twice as fast as `images[chosen]`);
the losses take logits; the optimizer is PyTorch's default ("eager"), its fused kernel ("fused"), or that with a
compiled model ("compiled"). Nothing of nn_from_scratch is imported, so that a process using this file starts as any
other that uses PyTorch. A recipe is one in plain values (plain.py).
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
OUTPUTS: dict[str, Callable[[], nn.Module]] = {  # the last activation, which in training is a part of the loss
    "cross-entropy": partial(nn.Softmax, dim=1),
    "binary-cross-entropy": nn.Sigmoid,
}
LOSSES = {
    "cross-entropy": nn.CrossEntropyLoss,
    "binary-cross-entropy": nn.BCEWithLogitsLoss,
    "mean-squared-error": nn.MSELoss,
}


def make_model(recipe: Any, kind: str, seed: int = 0) -> Any:
    """The recipe's network up to the logits, or to the last activation where the loss wants that."""
    torch.manual_seed(seed)
    modules: list[nn.Module] = []
    for (inputs, units), activation in zip(pairwise(recipe.sizes), recipe.activations, strict=True):
        linear = nn.Linear(inputs, units)
        initialize(linear.weight, recipe.initializer)
        initialize(linear.bias, recipe.bias_initializer)
        modules += [linear, ACTIVATIONS.get(activation, nn.Identity)()]
    if recipe.loss in OUTPUTS:
        modules.pop()
    model = nn.Sequential(*modules)
    if kind != "compiled":
        return model
    torch.compiler.reset()  # the compiler gives up after a few networks otherwise
    return torch.compile(model, dynamic=False)


def initialize(tensor: Tensor, text: str) -> None:
    """First values, by the names that recipes use."""
    name, _, scale = text.partition(":")
    initializers: dict[str, Callable[[Tensor], Tensor]] = {
        "zeros": nn.init.zeros_,
        "he": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
        "glorot": nn.init.xavier_uniform_,
        "scaled-normal": partial(nn.init.kaiming_normal_, nonlinearity="linear"),
        "normal": lambda tensor: nn.init.normal_(tensor, std=float(scale)),
        "uniform": lambda tensor: nn.init.uniform_(tensor, -float(scale), float(scale)),
    }
    initializers[name](tensor)


def make_optimizer(recipe: Any, model: Any, kind: str) -> torch.optim.Optimizer:
    """The recipe's optimizer; weight decay is decoupled, as in nn_from_scratch."""
    fused = None if kind == "eager" else True
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.learning_rate, fused=fused)
    options = {"lr": recipe.learning_rate, "betas": (recipe.beta1, recipe.beta2), "fused": fused}
    if not recipe.weight_decay:
        return torch.optim.Adam(model.parameters(), **options)
    return torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay, **options)


def make_targets(recipe: Any, labels: Any) -> Tensor:
    """What the loss wants to be told: classes, a column of zeros and ones, or one-hot rows."""
    classes = torch.from_numpy(labels).long()
    if recipe.loss == "cross-entropy":
        return classes
    return classes[:, None].float() if recipe.sizes[-1] == 1 else torch.eye(recipe.sizes[-1])[classes]


def batches(images: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch, in a new random order."""
    order = torch.randperm(len(images))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield images.index_select(0, chosen).div(255), targets.index_select(0, chosen)


def endless(recipe: Any, split: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch after the other; a full batch is made once, as in nn_from_scratch."""
    images, targets = as_tensor(split.images), make_targets(recipe, split.labels)
    if recipe.batch_size is None:
        x = images.div(255)
        while True:
            yield x, targets
    while True:
        yield from batches(images, targets, recipe.batch_size)


def as_tensor(images: Any) -> Tensor:
    """(N, rows, columns) bytes as (N, pixels), without a copy."""
    return torch.from_numpy(images).flatten(1)


def train_step(model: Any, loss: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, t: Tensor) -> float:
    """Learn from one batch and return its loss."""
    optimizer.zero_grad()
    value = loss(model(x), t)
    value.backward()
    optimizer.step()
    return value.item()


def step(recipe: Any, split: Any, kind: str) -> Callable[[], float]:
    """Gather a batch, learn from it, and return the loss."""
    model, loss = make_model(recipe, kind), LOSSES[recipe.loss]()
    optimizer = make_optimizer(recipe, model, kind)
    stream = endless(recipe, split)
    return lambda: train_step(model, loss, optimizer, *next(stream))


def epoch(recipe: Any, split: Any, kind: str) -> Callable[[], float]:
    """The mean loss of a pass over all images. `fit` counts the right answers too; this doesn't."""
    model, loss = make_model(recipe, kind), LOSSES[recipe.loss]()
    optimizer = make_optimizer(recipe, model, kind)
    images, targets = as_tensor(split.images), make_targets(recipe, split.labels)

    def epoch() -> float:
        return sum(
            train_step(model, loss, optimizer, x, t) * len(x) for x, t in batches(images, targets, recipe.batch_size)
        ) / len(images)

    return epoch


def predictions(recipe: Any, split: Any, kind: str, batch_size: int) -> Callable[[], Tensor]:
    """The outputs for all images, from bytes to probabilities."""
    model, images = make_model(recipe, kind), as_tensor(split.images)
    output = OUTPUTS.get(recipe.loss, nn.Identity)()

    @torch.inference_mode()
    def predictions() -> Tensor:
        return torch.cat([output(model(part.div(255))) for part in images.split(batch_size)])

    return predictions
