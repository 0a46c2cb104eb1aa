"""The parameters of a network: each array by name, and the distribution of its values."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn_from_scratch.inspection.tables import aligned
from nn_from_scratch.network import Network


class Parameter(NamedTuple):
    """One of a network's trained arrays."""

    layer: int  # counted from 1 among the layers with parameters
    kind: str  # the layer's class
    name: str
    values: np.ndarray


def named_parameters(network: Network) -> list[Parameter]:
    """All trained arrays, in order."""
    learning = [place for place in network.places if place.parameters]
    return [
        Parameter(number, place.name, name, getattr(place.layer, name))
        for number, place in enumerate(learning, 1)
        for name in place.parameters
    ]


class Statistics(NamedTuple):
    """The distribution of an array's values."""

    mean: float
    sd: float
    least: float
    greatest: float
    near_zero: float  # the share within a tenth of a standard deviation of zero; 8 % for normally distributed values
    counts: np.ndarray  # (bins,) the histogram
    edges: np.ndarray  # (bins + 1,)


def statistics(values: np.ndarray, bins: int = 30) -> Statistics:
    """Mean, standard deviation, range and histogram of an array of any shape."""
    values = values.astype(np.float64).ravel()  # in float32, large sums would lose digits
    sd = values.std()
    near_zero = np.count_nonzero(np.abs(values) <= sd / 10) / values.size
    least, greatest = float(values.min()), float(values.max())
    far = max(abs(least), abs(greatest))
    margin = (
        max(0.5, far / 1000) if greatest - least <= bins * np.spacing(far) else 0.0
    )  # the range is too narrow for this many bins
    counts, edges = np.histogram(values, bins, (least - margin, greatest + margin))
    return Statistics(float(values.mean()), float(sd), least, greatest, near_zero, counts, edges)


def short(number: float, digits: int = 4) -> str:
    """With a fixed number of decimals, unless the number is so large that nobody could read it."""
    return f"{number:.{digits}f}" if abs(number) < 1e6 else f"{number:.{digits}g}"


def statistics_table(parameters: Sequence[Parameter]) -> str:
    """A line for each parameter."""
    head = ["layer", "type", "parameter", "shape", "mean", "sd", "min", "max", "near zero"]
    rows = []
    for layer, kind, name, values in parameters:
        mean, sd, least, greatest, near_zero, *_ = statistics(values)
        shape = " × ".join(map(str, values.shape))
        spread = map(short, (mean, sd, least, greatest))
        rows.append([layer, kind, name, shape, *spread, f"{near_zero:.1%}"])
    return aligned([head, *rows])


def statistics_csv(parameters: Sequence[Parameter]) -> str:
    """The same with full precision, and each histogram: its range, and the counts in bins of equal width."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["layer", "type", "parameter", "values", "mean", "sd", "min", "max", "near_zero", "bins_from", "bins_to"]
    for i, (layer, kind, name, values) in enumerate(parameters):
        *spread, counts, edges = statistics(values)
        if i == 0:
            writer.writerow([*head, *(f"bin_{n}" for n in range(1, len(counts) + 1))])
        writer.writerow([layer, kind, name, values.size, *spread, edges[0], edges[-1], *counts])
    return text.getvalue()
