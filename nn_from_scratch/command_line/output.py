"""The lines that scripts print about data, layers and epochs."""

from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.errors import one_line
from nn_from_scratch.network import Network, Place
from nn_from_scratch.training import EpochResult

# Settings that the layer table leaves out: the output shape shows the first two, and training overwrites the others.
TOLD = ("units", "filters", "initializer", "bias_initializer")


def data_summary(dataset: Dataset, held_out: int) -> str:
    """The training set and the test set in one line."""
    validation = f", {held_out:,} held out for validation" if held_out else ""
    what = dataset.plural
    samples = f"{len(dataset.train) - held_out:,} training {what}{validation}, {len(dataset.test):,} test {what}"
    return f"data: {one_line(dataset.name)} ({dataset.source}): {samples}"


def epoch_line(result: EpochResult, epochs: int) -> str:
    """The result of one epoch as a plain line."""
    line = f"epoch {result.epoch:>{len(str(epochs))}}/{epochs}  loss {result.loss:.4f}  accuracy {result.accuracy:.2%}"
    if result.validation_accuracy is not None:
        line += f"  validation loss {result.validation_loss:.4f}  accuracy {result.validation_accuracy:.2%}"
    return f"{line}  {result.seconds:.2f} s"


def layer_table(network: Network) -> str:
    """The layers with their output shapes and numbers of parameters."""
    rows = [("input", network.input_shape, 0)]
    rows += [(_described(place), place.output_shape, place.size) for place in network.places]
    width = max(10, *(len(name) for name, _, _ in rows))
    lines = [f"{'layer':<{width}}{'output shape':>14}{'parameters':>14}"]
    lines += [f"{name:<{width}}{shape!s:>14}{parameters:>14,}" for name, shape, parameters in rows]
    return "\n".join([*lines, f"{'total':<{width}}{network.parameters.size:>28,}"])


def _described(place: Place) -> str:
    """A layer's name, and the settings that its shapes don't show: Conv2D 5 × 5, padding same."""
    untold = {key: value for key, value in place.layer.config().items() if key not in TOLD}
    size = untold.pop("size", None)
    name = f"{place.name} {size} × {size}" if size else place.name
    return ", ".join([name, *(f"{key} {value}".lower() for key, value in untold.items())])
