"""The weights of a network as pictures, and the distribution of their values."""

from collections.abc import Sequence
from math import ceil, isqrt, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.ticker import FixedLocator, MaxNLocator

from nn_from_scratch.classes import labels_of_outputs
from nn_from_scratch.errors import count, one_line, plural
from nn_from_scratch.figures.style import DIVERGING, INK, LONGEST_NAME, NEGATIVE, POSITIVE, new_figure, styled
from nn_from_scratch.inspection.first_layer import FirstLayer, first_layer
from nn_from_scratch.inspection.parameters import Parameter, named_parameters, short, statistics
from nn_from_scratch.layers.layer import Shape
from nn_from_scratch.network import Network

MOST_TILES = 256  # more would be too small to see
MOST_ACROSS = 32  # filters and channels in a grid of kernels


@styled()
def weight_figures(
    network: Network, classes: Sequence[int | str] = (), images: np.ndarray | None = None
) -> dict[str, Figure]:
    """All pictures of a network's parameters, by file name without its ending.

    `classes` are their labels or their names. With images (N, rows, columns), the first layer's units are sorted by
    their outputs for these, and dead units are marked.

    A layer is drawn if it has weights W with a row for each unit, or kernels W, together with its biases b, if it has
    any. The histograms show all parameters.
    """
    parameters = named_parameters(network)
    # float64: matplotlib computes differences, and that of two float32 of 3·10³⁸ would overflow.
    biases = {number: values.astype(np.float64) for number, _, name, values in parameters if name == "b"}
    figures = {}
    found = first_layer(network, images)
    for number, kind, name, W in parameters:
        b = biases.get(number)
        if name != "W" or W.ndim < 2 or (b is not None and b.shape != W.shape[:1]):
            continue
        W, title = W.astype(np.float64), f"layer {number} ({kind})"
        rows = W.reshape(len(W), -1)  # (units, inputs)
        figure_name = f"layer_{number}_weights" if number > 1 else "first_layer_weights"
        if W.ndim == 4:
            figures[figure_name] = kernels(W, b, title, found if number == 1 else None)
        elif number == 1:
            figures[figure_name] = first_layer_weights(rows, b, _seen_by_first(network, images), found)
        else:
            output = number == parameters[-1].layer
            names = [one_line(name, LONGEST_NAME) for name in labels_of_outputs(len(W), classes)] if output else []
            figures[figure_name] = layer_weights(rows, b, title, names)
    figures["weight_histograms"] = weight_histograms(parameters)
    return figures


def _seen_by_first(network: Network, images: np.ndarray | None = None) -> Shape:
    """The shape of the inputs of the first layer with parameters; for flattened images, the shape before flattening."""
    if images is not None and len(network.input_shape) == 1:
        return images.shape[1:]
    before = network.places[: network.first_learning + 1]
    return next((place.input_shape for place in reversed(before) if len(place.input_shape) > 1), before[-1].input_shape)


@styled()
def first_layer_weights(
    W: np.ndarray, b: np.ndarray | None, input_shape: tuple[int, ...], found: FirstLayer | None = None
) -> Figure:
    """Each unit's weights in the form of the image it sees, all on one scale. Shapes: W (units, inputs), b (units,)

    With `found`, the units that matter most come first. If the input is not an image, the result is a heat-map.
    """
    shape = image_shape(input_shape)
    if shape is None:
        return layer_weights(W, b, "layer 1")
    return _tiles(W.reshape(len(W), *shape), b, "layer 1: {}", "unit", 5, found)


@styled()
def kernels(W: np.ndarray, b: np.ndarray | None, title: str, found: FirstLayer | None = None) -> Figure:
    """The kernels of a convolution, all on one scale. Shapes: W (filters, channels, k, k), b (filters,)

    With one channel, a tile for each filter; with `found`, those that matter most come first. With several channels, a
    row for each filter and a column for each channel.
    """
    filters, channels, rows, columns = W.shape
    if channels == 1:
        return _tiles(W[:, 0], b, f"{title}: {{}} of {rows} × {columns}", "kernel", 8, found)
    shown = W[:MOST_ACROSS, :MOST_ACROSS]
    down, across = shown.shape[:2]
    grid = np.full((down, rows + 1, across, columns + 1), np.nan)  # a pixel of paper between kernels
    grid[:, :rows, :, :columns] = shown.transpose(0, 2, 1, 3)
    side = min(8 / across, 9 / down, 0.6)  # inches from kernel to kernel
    figure = new_figure(max(across * side + 2.9, 6.4), down * side + 1.1)
    axes = figure.subplots()
    norm = symmetric(W)
    axes.imshow(grid.reshape(down * (rows + 1), -1)[:-1, :-1], cmap=DIVERGING, norm=norm, interpolation="nearest")
    for axis, tiles, size in ((axes.xaxis, across, columns), (axes.yaxis, down, rows)):
        numbers = np.arange(0, tiles, 1 if tiles <= 16 else 4)
        axis.set_ticks(numbers * (size + 1) + (size - 1) / 2, [str(number) for number in numbers])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="channel", ylabel="filter")
    if b is not None:
        edge = across * (columns + 1)
        axes.text(edge, -0.7, "bias", fontsize=8, va="bottom")
        for row in range(down):
            middle = row * (rows + 1) + (rows - 1) / 2
            axes.text(edge, middle, _signed(b[row]), fontsize=min(8, 60 * side), va="center_baseline")
    cut = f"\nthe first {down} of {filters} filters, the first {across} of {channels} channels"
    limited = cut if shown.size < W.size else ""
    size = f"{count(filters, 'filter')}, a kernel of {rows} × {columns} for each of {channels} channels"
    figure.suptitle(f"{title}: {size}{limited}")  # the figure's title, because a few kernels may be narrower than it
    _colour_bar(figure, [axes], norm, W, "weight", shrink=min(1, 5 / (down * side + 0.5)))
    return figure


def _tiles(
    W: np.ndarray, b: np.ndarray | None, title: str, noun: str, least_across: int, found: FirstLayer | None
) -> Figure:
    """A tile for each of W (units, rows, columns), with its number and its bias; {} in the title is their number."""
    _, rows, columns = W.shape
    order = range(len(W)) if found is None else np.argsort(-found.matters, kind="stable")
    shown = order[:MOST_TILES]
    across = min(len(shown), max(least_across, ceil(sqrt(len(shown) * rows / columns))))
    down = ceil(len(shown) / across)
    pitch = min(8 / across, 2.4)  # inches from tile to tile
    caption = max(0.2, 0.165 / pitch) * columns  # its height, in pixels of the tiles
    width, height = columns * 1.06, rows + caption

    figure = new_figure(max(across * pitch + 1, 6.4), down * pitch * height / width + 0.75)
    axes = figure.subplots()
    norm = symmetric(W)
    for place, unit in enumerate(shown):
        left, top = place % across * width, place // across * height
        extent = (left, left + columns, top + rows, top)
        axes.imshow(W[unit], cmap=DIVERGING, norm=norm, extent=extent, interpolation="nearest")
        size = min(max(10.5 * pitch, 5.2), 9)
        axes.text(left, top, f"{unit}", fontsize=size, fontweight="bold", va="bottom")
        if b is not None:
            axes.text(left + columns, top, _signed(b[unit]), fontsize=size, va="bottom", ha="right")
        if found and found.dead[unit]:
            axes.add_patch(Rectangle((left, top), columns, rows, fill=False, edgecolor=INK, linestyle=":"))
            axes.text(left + columns / 2, top + rows / 2, "dead", fontsize=size + 1, va="center", ha="center")
    axes.set_xlim(0, across * width)
    axes.set_ylim(down * height - caption, -caption)
    axes.set_axis_off()
    units = f"first {len(shown)} of {len(W):,} {plural(noun)}" if len(shown) < len(W) else count(len(shown), noun)
    heading = f"{title.format(units)}, each with its number{'' if b is None else ' and bias'}"
    axes.set_title(heading + (f"\n{_told(found)}" if found else ""))
    _colour_bar(figure, [axes], norm, W, "weight", shrink=min(1, 5 / down))
    return figure


def _told(found: FirstLayer) -> str:
    """How the tiles are sorted, and how many units are dead."""
    if not found.images:
        return "sorted by importance: norm of the weights × norm of the outgoing weights"
    measure = "sorted by importance: standard deviation of the output × norm of the outgoing weights"
    return f"{measure}\n{found.dead.sum() or 'none'} dead: the same output for each of {found.images:,} images"


@styled()
def layer_weights(W: np.ndarray, b: np.ndarray | None, title: str, labels: Sequence[str] = ()) -> Figure:
    """A row for each unit, a column for each input, and the biases beside them. Shapes: W (units, inputs), b (units,)

    `labels` are the classes of an output layer's units; other units are numbered from 0.
    """
    units, inputs = W.shape
    values = W if b is None else np.column_stack([W, b])
    figure = new_figure(9, min(max(0.3 * units, 0.7), 6) + 1.3)
    weights, biases = figure.subplots(1, 2, width_ratios=[30, 1], sharey=True)
    norm = symmetric(values)  # one scale for both: a bias has the same effect as a weight whose input is 1
    weights.imshow(W, cmap=DIVERGING, norm=norm, aspect="auto")
    weights.set_title(f"{title}: {count(units, 'unit')} × {count(inputs, 'input')}")
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
    for axes in (weights, biases):
        axes.spines[:].set_visible(False)
    _colour_bar(figure, [weights, biases], norm, values, "value")
    return figure


@styled()
def weight_histograms(parameters: Sequence[Parameter]) -> Figure:
    """The distribution of each parameter's values: a row of panels for each layer."""
    layers = [
        [parameter for parameter in parameters if parameter.layer == n] for n in sorted({p.layer for p in parameters})
    ]
    figure = new_figure(9, 2.4 * len(layers) + 0.3)
    panels = figure.subplots(len(layers), max(map(len, layers)), squeeze=False)
    for row, layer in zip(panels, layers, strict=True):
        for axes in row[len(layer) :]:
            axes.set_axis_off()  # a layer may have fewer parameters
        for axes, parameter in zip(row, layer, strict=False):
            _histogram(axes, parameter)
    return figure


def _histogram(axes: Axes, parameter: Parameter) -> None:
    """One panel: bars, a line at the mean, and the numbers."""
    found = statistics(parameter.values)
    signed_stairs(axes, found.counts, found.edges)
    axes.axvline(found.mean, color=INK, linewidth=1, linestyle="--")
    axes.set_title(
        f"layer {parameter.layer} ({parameter.kind}): {count(parameter.values.size, 'value')} of {parameter.name}"
    )
    axes.set_xlabel(f"mean {_signed(found.mean, 3)}, sd {short(found.sd, 3)}, near 0: {found.near_zero:.1%}")
    axes.set_ylabel("count")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")


def signed_stairs(axes: Axes, counts: np.ndarray, edges: np.ndarray) -> tuple[StepPatch, StepPatch]:
    """The bars of a histogram, orange below zero and blue above; a bar that contains zero is cut in two there."""
    below = axes.stairs(
        counts, np.minimum(edges, 0), fill=True, color=NEGATIVE
    )  # bars that are not below have no width
    above = axes.stairs(counts, np.maximum(edges, 0), fill=True, color=POSITIVE)
    margin = 0.02 * (edges[-1] - edges[0])
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    return below, above


def symmetric(values: np.ndarray) -> Normalize:
    """A scale from −m to m, so that zero gets the neutral colour.

    At most one value in 200 is beyond m. Otherwise a few extreme values would make all others pale.
    """
    magnitudes = np.abs(values)
    most = float(np.quantile(magnitudes, 0.995, method="higher")) or float(magnitudes.max())
    return Normalize(-most, most) if most else Normalize(-1, 1)  # all zero: any scale will do


def _colour_bar(
    figure: Figure, axes: list[Axes], norm: Normalize, values: np.ndarray, label: str, shrink: float = 1
) -> None:
    """The legend of a scale, with pointed ends if values are beyond it."""
    extend = "both" if not np.array_equal(values, np.clip(values, norm.vmin, norm.vmax)) else "neither"
    figure.colorbar(ScalarMappable(norm, DIVERGING), ax=axes, label=label, shrink=shrink, aspect=25, extend=extend)


def image_shape(input_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The (rows, columns) of the image that an input is, or None.

    An image is (r, c), (1, r, c) or flat with r = c. Its longer side is at most four times the shorter one.
    """
    if len(input_shape) == 3 and input_shape[0] == 1:
        input_shape = input_shape[1:]
    if len(input_shape) == 1:
        side = isqrt(input_shape[0])
        return (side, side) if side**2 == input_shape[0] else None
    if len(input_shape) == 2 and max(input_shape) <= 4 * min(input_shape):
        return input_shape[0], input_shape[1]
    return None


def _signed(value: float, digits: int = 2) -> str:
    """With a typographic minus sign, because a hyphen is hard to see in front of small digits."""
    value = round(float(value), digits)
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + short(abs(value), digits)
