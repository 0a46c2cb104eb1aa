"""Is back-propagation right? Move a parameter a little, and compare the change of the loss with its gradient.

Each new network is checked before its training, on a copy in float64: in float32, rounding would hide the difference of
two losses. Maths: docs/mathematics.md, "Gradient checking".
"""

from typing import NamedTuple

import numpy as np

from nn_from_scratch.losses import Loss
from nn_from_scratch.network import Network

ROUNDING = 1e-15  # the error of a loss near 1, including the sums in it
DOUBTFUL = 1e-6  # relative: a gradient that differs by more is measured again
STEP = 3e-6  # small compared with the curvature, large compared with rounding: losses near 1 have 16 digits


class GradientCheck(NamedTuple):
    relative_error: float  # the worst over the arrays: ‖g − ĝ‖ / max(‖g‖, ‖ĝ‖)
    parameters: int  # how many of them were moved


def check_gradients(
    network: Network, loss: Loss, x: np.ndarray, t: np.ndarray, seed: int = 0, of_each: int = 24
) -> GradientCheck:
    """Compare ∂L/∂θ with ĝ = (L(θ + h) − L(θ − h)) / 2h for `of_each` parameters of every W and b, chosen at random.

    Half of them are chosen among those with a gradient that is not 0: if a pixel is dark in all of `x`, its gradients
    are 0, and there is little to compare. An array whose slopes are too small for float64 to measure counts as right.
    Noise is held fixed. Raises ValueError for a network that is not in float64.
    """
    if network.dtype != np.float64:
        raise ValueError(f"a gradient check needs a network in float64, not {network.dtype}")
    rng = np.random.default_rng(seed)
    p = network.forward(x, training=True)
    value = loss.value(p, t)
    network.backward(loss, p, t)
    worst, moved = 0.0, 0
    for place in network.places:
        for name in place.parameters:
            parameters, gradients = (getattr(place.layer, prefix + name).reshape(-1) for prefix in ("", "d"))
            clear = np.flatnonzero(gradients)
            chosen = rng.choice(clear, min(of_each // 2, clear.size), replace=False) if clear.size else clear
            others = rng.choice(parameters.size, min(of_each, parameters.size), replace=False)
            chosen = np.union1d(chosen, others[: of_each - chosen.size])
            g = gradients[chosen]
            found = np.array([_difference(network, loss, x, t, parameters, i, STEP) for i in chosen])
            scale = max(np.linalg.norm(g), np.linalg.norm(found))
            # If the step crosses the corner of a ReLU, a much smaller step hardly does. A wrong gradient stays wrong.
            for i in np.flatnonzero(np.abs(g - found) > DOUBTFUL * scale):
                again = _difference(network, loss, x, t, parameters, chosen[i], STEP / 100)
                if abs(again - g[i]) < abs(found[i] - g[i]):
                    found[i] = again
            measurable = ROUNDING * np.sqrt(len(chosen)) * max(1.0, abs(value)) / STEP
            error = np.linalg.norm(g - found) / scale if not scale <= measurable else 0.0
            worst = float(np.maximum(worst, error))  # a NaN stays one: max() would drop it
            moved += len(chosen)
    return GradientCheck(worst, moved)


def _difference(
    network: Network, loss: Loss, x: np.ndarray, t: np.ndarray, parameters: np.ndarray, i: np.integer, h: float
) -> float:
    """(L(θ + h) − L(θ − h)) / 2h, where h moves parameter i of an array. Its value is restored."""
    start = parameters[i]
    parameters[i] = start + h
    above = loss.value(network.forward(x, training=True), t)
    parameters[i] = start - h
    below = loss.value(network.forward(x, training=True), t)
    parameters[i] = start
    return (above - below) / (2 * h)
