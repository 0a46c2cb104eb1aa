"""The few neurons and weights that are worth drawing: the most active units, and the edges that contribute most."""

from collections.abc import Sequence

import numpy as np


def most_active(values: np.ndarray, most: int, before: Sequence[int] = ()) -> np.ndarray:
    """The places of the units with the largest |value|, ascending. (units,) → (≤ most,)

    Units in `before` stay as long as they are among the 2·most most active, so that an animation doesn't flicker.
    """
    order = np.argsort(-np.abs(values), kind="stable")[: 2 * most]
    staying = order[np.isin(order, before)][:most]
    arriving = order[~np.isin(order, staying)][: most - len(staying)]
    return np.sort(np.concatenate([staying, arriving]))


def contributions(W: np.ndarray, values: np.ndarray, units: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """w · activation, the part of each chosen input in the sum of each chosen unit. (len(units), len(inputs))"""
    return W[np.ix_(units, inputs)] * values[inputs]


def strongest_edges(parts: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The places (unit, input) of the largest |w · activation| that are not 0. The largest, drawn on top, is last."""
    order = np.argsort(np.abs(parts), axis=None, kind="stable")[-most:]
    return [(int(unit), int(source)) for unit, source in np.argwhere(np.ones_like(parts))[order] if parts[unit, source]]


def strongest_into_each(parts: np.ndarray, most: int) -> np.ndarray:
    """For each unit the places of its inputs with the largest |w · activation|. (units, inputs) → (units, ≤ most)"""
    most = min(most, parts.shape[1])
    return np.argpartition(-np.abs(parts), most - 1, axis=1)[:, :most]


def strongest_inputs(W: np.ndarray, values: np.ndarray, most: int) -> np.ndarray:
    """The inputs that contribute most to all units together, Σ |w · activation|, ascending. W (units, inputs)"""
    totals = np.abs(W).sum(axis=0) * np.abs(values)
    return np.sort(np.argsort(-totals, kind="stable")[:most])
