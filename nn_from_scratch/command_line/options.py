"""The options that several scripts have, and the types of their values."""

import argparse
import os
import shlex
from collections.abc import Callable
from typing import NoReturn

import numpy as np

from nn_from_scratch.command_line.process import EXIT_CODES, fail, program
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.storage import SavedNetwork, load

DEFAULT_WEIGHTS = "resources/weights_and_biases.json"
SMALL_WEIGHTS = "results/digits.json"  # of a network trained on the embedded digits


class Parser(argparse.ArgumentParser):
    """argparse with every default in the help, examples that keep their line breaks, and one-line errors."""

    class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
        def _get_help_string(self, action: argparse.Action) -> str | None:
            told = action.default is None or "(default: " in (action.help or "")
            return action.help if told else super()._get_help_string(action)

    def __init__(self, description: str | None, examples: str):
        super().__init__(
            prog=program(),
            usage="%(prog)s [OPTION ...]",
            description=description,
            epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
            formatter_class=self.Formatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (--help lists the options)")


# ---- types of option values: each turns text into a value or says what would be right ----


def whole_number(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return number

    return parse


def positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def batch_size(text: str) -> int | None:
    return None if text == "full" else whole_number(1)(text)


# ---- options that several scripts have ----


def add_data_option(parser: argparse.ArgumentParser, default: str = "MNIST, or the embedded digits") -> None:
    parser.add_argument(
        "--data",
        metavar="NAME_OR_PATH",
        help="mnist, digits (embedded), a directory with the four IDX files, a CSV file with the label first, or "
        f"Keras's mnist.npz (default: {default})",
    )


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, metavar="FILE", help="the network, as train.py saved it")


def load_weights(path: str) -> SavedNetwork:
    """The network in a file. Raises BadInput, with advice where nothing has been trained yet."""
    if path == DEFAULT_WEIGHTS and not os.path.exists(path):
        raise BadInput(
            f"{path}: no such file: expected a network that train.py has saved here, or another one with --weights, "
            "such as resources/pretrained/784-128-64-10.json of the repository"
        )
    return load(path)


def data_to_load(given: str | None, recorded: str | None, file: str) -> str | None:
    """The data that were given, or else those that a file names. Raises BadInput where that is a path.

    The file may come from anywhere, and a relative path leads elsewhere from another directory: so the user decides
    what is opened.
    """
    if given is not None or recorded in (None, "mnist", "digits"):
        return recorded if given is None else given
    path = one_line(recorded)
    raise BadInput(f"{file}: was trained on the data {path}: expected --data with their path, as {shlex.quote(path)}")


def learning_rates(arguments: argparse.Namespace, lowest: float, highest: float, num: int) -> list[float]:
    """The rates given one by one, each once, or spread evenly on a log scale from the lowest to the highest."""
    if arguments.learning_rates:
        return list(dict.fromkeys(arguments.learning_rates))
    lowest, highest = arguments.lr_min or lowest, arguments.lr_max or highest
    if lowest >= highest:
        raise BadInput(f"--lr-max {highest:g}: expected a rate above --lr-min {lowest:g}")
    return np.geomspace(lowest, highest, arguments.num or num).tolist()
