"""Work for a process of its own, which imports it from here: JAX must not start its threads in that of the tests."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def counter() -> Callable[[], object]:
    """A function that remembers how often it was called."""
    calls: list[int] = []
    counter.calls = calls  # type: ignore[attr-defined]
    return lambda: calls.append(1)


def counted() -> int:
    return len(counter.calls)  # type: ignore[attr-defined]


def jax_losses(
    recipe: Any, split: Any, arrays: Sequence[np.ndarray], chosen: Sequence[np.ndarray]
) -> tuple[list[float], np.ndarray]:
    """The loss of each step, and then the predictions for all images, from parameters as nn_from_scratch has them."""
    import jax.numpy as jnp

    from benchmarks import jax_jit

    W, b = arrays[::2], arrays[1::2]
    turned = [w.T if w.ndim == 2 else w.transpose(2, 3, 1, 0) for w in W]
    training = jax_jit.Training(recipe)
    training.start([(jnp.array(w), jnp.array(c)) for w, c in zip(turned, b, strict=True)])
    images, targets = jax_jit.as_inputs(recipe, split.images), jax_jit.make_targets(recipe, split.labels)
    losses = [training.step(images[some], targets[some]) for some in chosen]
    return losses, np.asarray(jax_jit.make_predict(recipe)(training.parameters, images))
