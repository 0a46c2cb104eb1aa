"""How a training went: loss and accuracy after each epoch."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from nn_from_scratch.figures.style import NEGATIVE, POSITIVE, new_figure, styled
from nn_from_scratch.training import EpochResult


@styled()
def learning_curves(history: Sequence[EpochResult], *others: Sequence[EpochResult]) -> Figure:
    """Left the loss, right the accuracy: on the training images and, if there are any, on the held-out images.

    If there are several trainings, such as those of an ensemble, each has its own lines.
    """
    figure = new_figure(9, 3.8)
    marker = "o" if len(history) <= 40 and not others else ""
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for kind, colour in (("", POSITIVE), ("validation_", NEGATIVE)):
            label = "held-out images" if kind else "training images"
            for each in (history, *others):
                values = [getattr(result, kind + name) for result in each]
                if None in values:
                    continue
                epochs = [result.epoch for result in each]
                axes.plot(epochs, values, color=colour, marker=marker, markersize=3.5, label=label)
                label = ""  # one entry in the legend for all of them
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
        axes.legend()
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.axes[0].set_ylim(bottom=0)
    return figure
