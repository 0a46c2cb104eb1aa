"""What a network has learnt: its weights as pictures, and how their values are spread."""

from collections.abc import Sequence
from math import ceil, isqrt, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from nn_from_scratch.classes import labels_of_outputs
from nn_from_scratch.figures.style import DIVERGING, PALETTE, new_figure
from nn_from_scratch.inspection.parameters import Parameter, named_parameters, short, statistics
from nn_from_scratch.network import Network

MOST_TILES = 256  # more would be too small to see


def weight_figures(network: Network, classes: Sequence[int] = ()) -> dict[str, Figure]:
    """All pictures of a network's parameters, by the name that suits each as a file's.

    A layer is drawn where it has weights W with a row for each unit, and its biases b beside them where it has some;
    what other parameters there are is in the histograms.
    """
    parameters = named_parameters(network)
    # float64: matplotlib takes differences, and that of two float32 of 3·10³⁸ would overflow.
    biases = {number: values.astype(np.float64) for number, _, name, values in parameters if name == "b"}
    figures = {}
    for number, kind, name, W in parameters:
        b = biases.get(number)
        if name != "W" or W.ndim < 2 or (b is not None and b.shape != W.shape[:1]):
            continue
        rows = W.reshape(len(W), -1).astype(np.float64)  # (units, inputs)
        if number == 1:
            shape = W.shape[1:] if W.ndim > 2 else network.input_shape
            figures["first_layer_weights"] = first_layer_weights(rows, b, shape)
        else:
            output = number == parameters[-1].layer
            labels = [str(label) for label in labels_of_outputs(len(W), classes)] if output else []
            figures[f"layer_{number}_weights"] = layer_weights(rows, b, f"layer {number} ({kind})", labels)
    figures["weight_histograms"] = weight_histograms(parameters)
    return figures


def first_layer_weights(W: np.ndarray, b: np.ndarray | None, input_shape: tuple[int, ...]) -> Figure:
    """Each unit's weights laid out as the image they look at, all on one scale. Shapes: W (units, inputs), b (units,)

    Where the input is not an image, a heat-map.
    """
    shape = image_shape(input_shape)
    if shape is None:
        return layer_weights(W, b, "layer 1")
    rows, columns = shape
    shown = min(len(W), MOST_TILES)
    across = min(shown, max(5, ceil(sqrt(shown * rows / columns))))
    down = ceil(shown / across)
    pitch = min(8 / across, 2.4)  # inches from tile to tile
    caption = max(0.16, 0.14 / pitch) * columns  # its height, in pixels of the tiles
    width, height = columns * 1.06, rows + caption

    figure = new_figure(max(across * pitch + 1, 4), down * pitch * height / width + 0.5)
    axes = figure.subplots()
    norm = symmetric(W)
    for unit in range(shown):
        left, top = unit % across * width, unit // across * height
        extent = (left, left + columns, top + rows, top)
        axes.imshow(W[unit].reshape(rows, columns), cmap=DIVERGING, norm=norm, extent=extent, interpolation="nearest")
        size = min(max(9.5 * pitch, 5.2), 9)
        axes.text(left, top, f"{unit}", fontsize=size, fontweight="bold", va="bottom")
        if b is not None:
            axes.text(left + columns, top, _signed(b[unit]), fontsize=size, va="bottom", ha="right")
    axes.set_xlim(0, across * width)
    axes.set_ylim(down * height - caption, -caption)
    axes.set_axis_off()
    units = f"first {shown} of {len(W):,} units" if shown < len(W) else _count(shown, "unit")
    axes.set_title(f"layer 1: {units}, each with its number{'' if b is None else ' and bias'}")
    _colour_bar(figure, [axes], norm, W, "weight", shrink=min(1, 5 / down))
    return figure


def layer_weights(W: np.ndarray, b: np.ndarray | None, title: str, labels: Sequence[str] = ()) -> Figure:
    """A row for each unit, a column for each input, and the biases beside them. Shapes: W (units, inputs), b (units,)

    `labels` are the classes that the units of an output layer stand for; other units are numbered from 0.
    """
    units, inputs = W.shape
    values = W if b is None else np.column_stack([W, b])
    figure = new_figure(9, min(max(0.3 * units, 0.7), 6) + 1.3)
    weights, biases = figure.subplots(1, 2, width_ratios=[30, 1], sharey=True)
    norm = symmetric(values)  # one scale for both: a bias counts as much as a weight whose input is 1
    weights.imshow(W, cmap=DIVERGING, norm=norm, aspect="auto")
    weights.set_title(f"{title}: {_count(units, 'unit')} × {_count(inputs, 'input')}")
    weights.set_xlabel("input")
    weights.set_ylabel("class" if labels else "unit")
    for axis, length in ((weights.xaxis, inputs), (weights.yaxis, units)):
        axis.set_major_locator(FixedLocator(range(length)) if length <= 20 else MaxNLocator(steps=[1, 2, 5, 10]))
    if labels:
        weights.set_yticks(range(units), labels)
    if b is None:
        biases.set_axis_off()
    else:
        biases.imshow(b[:, np.newaxis], cmap=DIVERGING, norm=norm, aspect="auto")
        biases.set_xticks([0], ["bias"])
        biases.tick_params(left=False, labelleft=False, bottom=False)
    _colour_bar(figure, [weights, biases], norm, values, "value")
    return figure


def weight_histograms(parameters: Sequence[Parameter]) -> Figure:
    """How the values of each parameter are spread: a row of panels for each layer."""
    layers = sorted({parameter.layer for parameter in parameters})
    names = list(dict.fromkeys(parameter.name for parameter in parameters))
    figure = new_figure(9, 2.4 * len(layers) + 0.3)
    panels = figure.subplots(len(layers), len(names), squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()  # a layer need not have every parameter
    for parameter in parameters:
        column = names.index(parameter.name)
        _histogram(panels[layers.index(parameter.layer), column], parameter, PALETTE[column % len(PALETTE)])
    return figure


def _histogram(axes: Axes, parameter: Parameter, colour: str) -> None:
    """One panel: bars, a line at the mean, and the numbers."""
    found = statistics(parameter.values)
    axes.set_axis_on()
    axes.stairs(found.counts, found.edges, fill=True, color=colour)
    axes.axvline(found.mean, color="black", linewidth=1, linestyle="--")
    axes.set_title(
        f"layer {parameter.layer} ({parameter.kind}): {_count(parameter.values.size, 'value')} of {parameter.name}"
    )
    axes.set_xlabel(f"mean {_signed(found.mean, 3)}, sd {short(found.sd, 3)}, near 0: {found.near_zero:.1%}")
    axes.set_ylabel("how many")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.spines[["top", "right"]].set_visible(False)


def symmetric(values: np.ndarray) -> Normalize:
    """A scale from −m to m, so that zero gets the neutral colour.

    Beyond m lies at most one value in 200: a few extremes would otherwise leave all others pale.
    """
    magnitudes = np.abs(values)
    most = float(np.quantile(magnitudes, 0.995, method="higher")) or float(magnitudes.max())
    return Normalize(-most, most) if most else Normalize(-1, 1)  # all zero: any scale will do


def _colour_bar(
    figure: Figure, axes: list[Axes], norm: Normalize, values: np.ndarray, label: str, shrink: float = 1
) -> None:
    """The legend of a scale, with pointed ends where values lie beyond it."""
    extend = "both" if not np.array_equal(values, np.clip(values, norm.vmin, norm.vmax)) else "neither"
    figure.colorbar(ScalarMappable(norm, DIVERGING), ax=axes, label=label, shrink=shrink, aspect=25, extend=extend)


def image_shape(input_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The (rows, columns) of the image that an input is, or None.

    An image is (r, c), (1, r, c) or flat with r = c, and no strip more than four times as long as it is wide.
    """
    if len(input_shape) == 3 and input_shape[0] == 1:
        input_shape = input_shape[1:]
    if len(input_shape) == 1:
        side = isqrt(input_shape[0])
        return (side, side) if side**2 == input_shape[0] else None
    if len(input_shape) == 2 and max(input_shape) <= 4 * min(input_shape):
        return input_shape[0], input_shape[1]
    return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _signed(value: float, digits: int = 2) -> str:
    """With its sign, as typeset: a hyphen is hard to see in front of small digits."""
    value = round(float(value), digits)
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + short(abs(value), digits)
