"""The lines that scripts print about data, layers and epochs."""

from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.errors import one_line
from nn_from_scratch.network import Network
from nn_from_scratch.training import EpochResult


def data_summary(dataset: Dataset, held_out: int) -> str:
    """What is learnt from and what is tested on, in one line."""
    validation = f", {held_out:,} held out for validation" if held_out else ""
    images = f"{len(dataset.train) - held_out:,} training images{validation}, {len(dataset.test):,} test images"
    return f"data: {one_line(dataset.name)} ({dataset.source}): {images}"


def epoch_line(result: EpochResult, epochs: int) -> str:
    """The result of one epoch as a plain line."""
    line = f"epoch {result.epoch:>{len(str(epochs))}}/{epochs}  loss {result.loss:.4f}  accuracy {result.accuracy:.2%}"
    if result.validation_accuracy is not None:
        line += f"  validation loss {result.validation_loss:.4f}  accuracy {result.validation_accuracy:.2%}"
    return f"{line}  {result.seconds:.2f} s"


def layer_table(network: Network) -> str:
    """The layers with their output shapes and numbers of parameters."""
    rows = [("input", network.input_shape, 0)]
    rows += [(place.name, place.output_shape, place.size) for place in network.places]
    lines = [f"{'layer':<10}{'output shape':>14}{'parameters':>14}"]
    lines += [f"{name:<10}{shape!s:>14}{parameters:>14,}" for name, shape, parameters in rows]
    return "\n".join([*lines, f"{'total':<10}{network.parameters.size:>28,}"])
