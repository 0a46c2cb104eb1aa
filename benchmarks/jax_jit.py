"""The same work as ours.py and pytorch.py in JAX: a whole step compiled by `jit`, which reuses its memory.

Of several ways, the fastest is used. Images are stored as (N, rows, columns, channels). A maximum over a reshaped array
takes less time than `reduce_window` and its gradient. Each step's loss is needed at once, so work is not dispatched
asynchronously, which would only add a change of threads. Nothing of nn_from_scratch is imported. Recipes are in plain
values (plain.py).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

jax.config.update("jax_cpu_enable_async_dispatch", False)

Parameters = list[tuple[jax.Array, jax.Array]]  # of each layer that learns: W (…, inputs, outputs), b (outputs,)
MATCHING = {"cross-entropy": nn.softmax, "binary-cross-entropy": nn.sigmoid}  # the losses below take logits
LOSSES: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "cross-entropy": lambda z, t: -jnp.mean(jnp.take_along_axis(nn.log_softmax(z), t[:, None], axis=1)),
    "binary-cross-entropy": lambda z, t: jnp.mean(nn.softplus(z) - z * t),
    "mean-squared-error": lambda p, t: jnp.mean(jnp.square(p - t)),
}


def dense(layer: dict[str, Any], x: jax.Array, W: jax.Array, b: jax.Array) -> jax.Array:
    return x @ W + b


def convolution(layer: dict[str, Any], x: jax.Array, W: jax.Array, b: jax.Array) -> jax.Array:
    stride, padding = (layer["stride"],) * 2, layer["padding"].upper()
    return lax.conv_general_dilated(x, W, stride, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + b


def max_pool(layer: dict[str, Any], x: jax.Array) -> jax.Array:
    size = layer["size"]
    N, rows, columns, channels = x.shape
    whole = x[:, : rows // size * size, : columns // size * size]
    return whole.reshape(N, rows // size, size, columns // size, size, channels).max(axis=(2, 4))


LEARNING: dict[str, Callable[..., jax.Array]] = {"dense": dense, "conv2d": convolution}
OTHERS: dict[str, Callable[[dict[str, Any], jax.Array], jax.Array]] = {
    "max-pool2d": max_pool,
    "flatten": lambda layer, x: x.transpose(0, 3, 1, 2).reshape(len(x), -1),  # channel after channel, as elsewhere
    "relu": lambda layer, x: nn.relu(x),
    "sigmoid": lambda layer, x: nn.sigmoid(x),
    "softmax": lambda layer, x: nn.softmax(x),
}


def why_not(recipe: Any) -> str | None:
    """The first part of this recipe that is not implemented here, or None."""
    for layer in recipe.layers:
        if layer["name"] not in LEARNING | OTHERS or not layer.get("bias", True):
            return f"the part of JAX has no {layer['name']}{'' if layer.get('bias', True) else ' without biases'}"
    return None


def make_parameters(recipe: Any, seed: int = 0) -> Parameters:
    """First values, by the names that recipes use."""
    keys = iter(jax.random.split(jax.random.key(seed), 2 * len(recipe.layers)))
    parameters = []
    for layer in recipe.layers:
        if layer["name"] in LEARNING:
            outputs = layer["units" if layer["name"] == "dense" else "filters"]
            W = (*[layer.get("size")] * (2 if layer["name"] == "conv2d" else 0), layer["inputs"], outputs)
            parameters.append(
                (
                    initializer(layer["initializer"])(next(keys), W),
                    initializer(layer["bias_initializer"])(next(keys), (outputs,)),
                )
            )
    return parameters


def initializer(text: str) -> Any:
    name, _, scale = text.partition(":")
    if name == "uniform":
        return lambda key, shape: jax.random.uniform(key, shape, minval=-float(scale), maxval=float(scale))
    if name == "normal":
        return nn.initializers.normal(float(scale))
    return {
        "zeros": nn.initializers.zeros,
        "he": nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
        "glorot": nn.initializers.glorot_uniform(),
        "scaled-normal": nn.initializers.variance_scaling(1.0, "fan_in", "normal"),
    }[name]


def forward(recipe: Any, parameters: Parameters, x: jax.Array) -> jax.Array:
    """Bytes to logits, or to the output of the last activation if the loss needs that."""
    x, arrays = x.astype(jnp.float32) / 255, iter(parameters)
    for layer in recipe.layers[:-1] if recipe.loss in MATCHING else recipe.layers:
        name = layer["name"]
        x = LEARNING[name](layer, x, *next(arrays)) if name in LEARNING else OTHERS[name](layer, x)
    return x


def update(
    recipe: Any, parameters: Parameters, memory: Any, x: jax.Array, t: jax.Array, rate: float
) -> tuple[Parameters, Any, jax.Array]:
    """A step of Adam or of plain gradient descent, and the loss before it. Weight decay is decoupled."""

    def loss(parameters: Parameters) -> jax.Array:
        return LOSSES[recipe.loss](forward(recipe, parameters, x), t)

    value, gradients = jax.value_and_grad(loss)(parameters)
    if recipe.optimizer == "sgd":
        direction = gradients
    else:
        m, v, steps = memory
        steps += 1
        m = jax.tree.map(lambda m, g: recipe.beta1 * m + (1 - recipe.beta1) * g, m, gradients)
        v = jax.tree.map(lambda v, g: recipe.beta2 * v + (1 - recipe.beta2) * g**2, v, gradients)
        m_scale, v_scale = 1 / (1 - recipe.beta1**steps), 1 / (1 - recipe.beta2**steps)
        direction = jax.tree.map(lambda m, v: m * m_scale / (jnp.sqrt(v * v_scale) + recipe.epsilon), m, v)
        memory = m, v, steps
    decay = 1 - rate * recipe.weight_decay
    return jax.tree.map(lambda p, d: p * decay - rate * d, parameters, direction), memory, value


class Training:
    """Parameters and the optimizer's memory: each step takes them and replaces them by its results."""

    def __init__(self, recipe: Any):
        self.recipe = recipe
        self.update = jax.jit(partial(update, recipe), donate_argnums=(0, 1))
        self.start(make_parameters(recipe))

    def start(self, parameters: Parameters) -> None:
        self.parameters = parameters
        m, v = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
        self.memory = () if self.recipe.optimizer == "sgd" else (m, v, jnp.zeros(()))

    def step(self, x: Any, t: Any, rate: float | None = None) -> float:
        """Learn from one batch and return its loss."""
        rate = self.recipe.learning_rate if rate is None else rate
        self.parameters, self.memory, value = self.update(self.parameters, self.memory, x, t, rate)
        return float(value)


def make_targets(recipe: Any, labels: np.ndarray) -> np.ndarray:
    """The targets that the loss needs: classes, a column of zeros and ones, or one-hot rows."""
    if recipe.loss == "cross-entropy":
        return labels.astype(np.int32)
    one_hot = np.eye(recipe.outputs, dtype=np.float32)
    return labels[:, None].astype(np.float32) if recipe.outputs == 1 else one_hot[labels]


def as_inputs(recipe: Any, images: np.ndarray) -> np.ndarray:
    """Bytes in the input shape of the network, with the channels last."""
    images = images.reshape(len(images), *recipe.input_shape)
    return np.ascontiguousarray(np.moveaxis(images, 1, -1)) if images.ndim == 4 else images


def batches(images: np.ndarray, targets: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of one epoch, in a new random order."""
    order = np.random.default_rng().permutation(len(images))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield images[chosen], targets[chosen]


def endless(recipe: Any, split: Any) -> Iterator[tuple[Any, Any]]:
    """The batches of one epoch after the other; a full batch is handed over once."""
    images, targets = as_inputs(recipe, split.images), make_targets(recipe, split.labels)
    if recipe.batch_size is None:
        x, t = jnp.asarray(images), jnp.asarray(targets)
        while True:
            yield x, t
    while True:
        yield from batches(images, targets, recipe.batch_size)


def step(recipe: Any, split: Any) -> Callable[[], float]:
    """Gather a batch, learn from it, and return the loss."""
    training, stream = Training(recipe), endless(recipe, split)
    return lambda: training.step(*next(stream))


def epoch(recipe: Any, split: Any) -> Callable[[], float]:
    """The mean loss of a pass over all images."""
    training = Training(recipe)
    images, targets = as_inputs(recipe, split.images), make_targets(recipe, split.labels)

    def epoch() -> float:
        return sum(training.step(x, t) * len(x) for x, t in batches(images, targets, recipe.batch_size)) / len(images)

    return epoch


def make_predict(recipe: Any) -> Callable[[Parameters, np.ndarray], jax.Array]:
    """The compiled function from bytes to probabilities."""
    output = MATCHING.get(recipe.loss, lambda p: p)
    return jax.jit(lambda parameters, x: output(forward(recipe, parameters, x)))


def predictions(recipe: Any, split: Any, batch_size: int) -> Callable[[], np.ndarray]:
    """The outputs for all images, from bytes to probabilities."""
    parameters, images, predict = make_parameters(recipe), as_inputs(recipe, split.images), make_predict(recipe)
    starts = range(0, len(images), batch_size)
    return lambda: np.concatenate([predict(parameters, images[start : start + batch_size]) for start in starts])
