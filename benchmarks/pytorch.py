"""The same work as ours.py, in usual PyTorch code. Of several ways, the fastest is used.

The images are bytes here, too, gathered and scaled batch by batch (`index_select` is twice as fast as
`images[chosen]`). The losses take logits. Nothing of nn_from_scratch is imported, so that a process with this file
starts like any other with PyTorch. Recipes are in plain values (plain.py).

A kind names the way in which PyTorch works: "eager", its default optimizer; "fused", the optimizer's fused kernel;
"compiled", the fused kernel with a compiled model; and each with "channels-last", the other memory order of images.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

MODULES: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "dense": lambda layer: nn.Linear(layer["inputs"], layer["units"], layer["bias"]),
    "conv2d": lambda layer: nn.Conv2d(
        *(layer[name] for name in ("inputs", "filters", "size", "stride", "padding")), bias=layer["bias"]
    ),
    "max-pool2d": lambda layer: nn.MaxPool2d(layer["size"]),
    "average-pool2d": lambda layer: nn.AvgPool2d(layer["size"]),
    "global-average-pool2d": lambda layer: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "flatten": lambda layer: nn.Flatten(),
    "dropout": lambda layer: nn.Dropout(layer["rate"]),
    "relu": lambda layer: nn.ReLU(),
    "sigmoid": lambda layer: nn.Sigmoid(),
    "softmax": lambda layer: nn.Softmax(dim=1),
}
MATCHING = {"cross-entropy": "softmax", "binary-cross-entropy": "sigmoid"}  # in training a part of the loss
LOSSES = {
    "cross-entropy": nn.CrossEntropyLoss,
    "binary-cross-entropy": nn.BCEWithLogitsLoss,
    "mean-squared-error": nn.MSELoss,
}


def make_model(recipe: Any, kind: str, seed: int = 0) -> Any:
    """The recipe's network up to the logits, or to the last activation if the loss needs that."""
    torch.manual_seed(seed)
    modules: list[nn.Module] = []
    for layer in recipe.layers[:-1] if recipe.loss in MATCHING else recipe.layers:
        module = MODULES[layer["name"]](layer)
        if "initializer" in layer:
            initialize(module.weight, layer["initializer"])
        if layer.get("bias"):
            initialize(module.bias, layer["bias_initializer"])
        modules.append(module)
    model = nn.Sequential(*modules)
    if "channels-last" in kind:
        model = model.to(memory_format=torch.channels_last)
    return torch.compile(model, dynamic=False) if "compiled" in kind else model


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
    fused = None if "eager" in kind else True
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.learning_rate, fused=fused)
    options = {"lr": recipe.learning_rate, "betas": (recipe.beta1, recipe.beta2), "fused": fused}
    if not recipe.weight_decay:
        return torch.optim.Adam(model.parameters(), **options)
    return torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay, **options)


def make_targets(recipe: Any, labels: Any) -> Tensor:
    """The targets in the form that the loss needs: classes, a column of zeros and ones, or one-hot rows."""
    classes = torch.from_numpy(labels).long()
    if recipe.loss == "cross-entropy":
        return classes
    return classes[:, None].float() if recipe.outputs == 1 else torch.eye(recipe.outputs)[classes]


def batches(images: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch, in a new random order."""
    order = torch.randperm(len(images))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield images.index_select(0, chosen).div(255), targets.index_select(0, chosen)


def endless(recipe: Any, split: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch after the other; a full batch is made once, as in nn_from_scratch."""
    images, targets = as_tensor(recipe, split.images), make_targets(recipe, split.labels)
    if recipe.batch_size is None:
        x = images.div(255)
        while True:
            yield x, targets
    while True:
        yield from batches(images, targets, recipe.batch_size)


def as_tensor(recipe: Any, images: Any) -> Tensor:
    """Bytes in the shape that the network takes, without a copy. A single channel is the same in both memory orders."""
    return torch.from_numpy(images).view(-1, *recipe.input_shape)


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
    images, targets = as_tensor(recipe, split.images), make_targets(recipe, split.labels)

    def epoch() -> float:
        return sum(
            train_step(model, loss, optimizer, x, t) * len(x) for x, t in batches(images, targets, recipe.batch_size)
        ) / len(images)

    return epoch


def make_predict(recipe: Any, model: Any) -> Callable[[Tensor], Tensor]:
    """The function from bytes to probabilities."""
    output = MODULES[MATCHING[recipe.loss]]({}) if recipe.loss in MATCHING else nn.Identity()
    model.eval()
    return torch.inference_mode()(lambda images: output(model(images.div(255))))


def predictions(recipe: Any, split: Any, kind: str, batch_size: int) -> Callable[[], Tensor]:
    """The outputs for all images, from bytes to probabilities."""
    predict, images = make_predict(recipe, make_model(recipe, kind)), as_tensor(recipe, split.images)
    return lambda: torch.cat([predict(part) for part in images.split(batch_size)])
