"""The options that several scripts have, and the types of their values."""

import argparse
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from nn_from_scratch.command_line import programs
from nn_from_scratch.command_line.process import EXIT_CODES, fail, notify
from nn_from_scratch.data import Dataset, load_dataset, load_test_set
from nn_from_scratch.data.batches import named_alike
from nn_from_scratch.data.dataset import ASKED
from nn_from_scratch.data.load import NAMES
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.inspection.evaluation import recorded_data, recorded_test_set
from nn_from_scratch.storage import Saved, SavedEnsemble, SavedNetwork, load

DEFAULT_WEIGHTS = "resources/weights_and_biases.json"


class Parser(argparse.ArgumentParser):
    """argparse with every default in the help, examples that keep their line breaks, and one-line errors.

    `files`: the names of the positional arguments, for the usage line.
    """

    class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
        def _get_help_string(self, action: argparse.Action) -> str | None:
            told = action.default is None or "(default: " in (action.help or "")
            return action.help if told else super()._get_help_string(action)

    def __init__(self, description: str | None, examples: str, files: str = ""):
        program = programs.called()
        start = program if program.startswith("python ") else f"python {program}"
        examples = re.sub(r"^  python (-m )?\S+", f"  {start}", examples, flags=re.MULTILINE)
        super().__init__(
            prog=program,
            usage=" ".join(filter(None, ["%(prog)s [OPTION ...]", files])),
            description=description,
            epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
            formatter_class=self.Formatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (--help lists the options)")


# ---- types of option values: each turns text into a value, or says what is expected ----


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


def fraction(text: str) -> float:
    number = positive_number(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return number


def batch_size(text: str) -> int | None:
    return None if text == "full" else whole_number(1)(text)


# ---- options that several scripts have ----


def add_data_option(
    parser: argparse.ArgumentParser, default: str = "MNIST, or the digits if it is not available"
) -> None:
    parser.add_argument(
        "--data",
        metavar="NAME_OR_PATH",
        help=f"{', '.join(NAMES)} (digits is part of the package, the last four are points in a plane), a CSV file, a "
        "folder with a sub-folder of pictures for each class, a directory with the four IDX files or with two CSV "
        f"files, or an .npz file like Keras's mnist.npz (default: {default})",
    )
    parser.add_argument(
        "--picture-size", metavar="ROWSxCOLUMNS", help="the size of the pictures of a folder (default: 32x32)"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--test-data", metavar="FILE", help="test on all samples of this CSV file, not on the data's own test set"
    )
    group.add_argument(
        "--test-fraction",
        type=fraction,
        metavar="SHARE",
        help="shuffle all samples and test on this share of each class, such as 0.15",
    )


def data_asked_for(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the data, except their name."""
    return {name: value for name in ASKED if (value := getattr(arguments, name)) is not None}


def data_files(arguments: argparse.Namespace) -> dict[str, str | None]:
    """The files that the data options name, by option."""
    return {"--data": arguments.data, "--test-data": arguments.test_data}


def load_data(arguments: argparse.Namespace, record: Mapping[str, Any] | None = None, file: str = "") -> Dataset:
    """The data that the options name or, if they name none, those that a file records.

    Raises BadInput if the record names a path. The file may come from anyone, and a relative path means another file in
    another directory, so the user must name the files to open.
    """
    name, asked = arguments.data, data_asked_for(arguments)
    if record and name is None:
        name = record["name"]
        asked = asked or {key: value for key, value in record.items() if key in ASKED}
        if (name is not None and name not in NAMES) or asked.get("test_data") != arguments.test_data:
            options = one_line(programs.typed(data_options(name, asked)))
            raise BadInput(
                f"{file}: was trained on the data of {options}: expected these options, with paths that are valid here"
            )
    return load_dataset(name, **asked, notify=notify)


def load_data_of(saved: Saved, arguments: argparse.Namespace) -> Dataset:
    """The data to test a saved network on: those that the options name, or those it was trained on."""
    if arguments.data is None and arguments.test_data is not None:
        found = load_test_set(arguments.test_data)  # a trained network needs no training set
    else:
        found = load_data(arguments, {"name": recorded_data(saved)[0], **recorded_test_set(saved)}, arguments.weights)
    return named_alike(found, saved.classes, saved.names)


def data_options(name: str, asked: Mapping[str, Any]) -> list[str]:
    """The options that name a data set, and its other options."""
    options = [] if name == NAMES[0] else ["--data", name]
    for key, value in asked.items():
        if value is not None:
            options += [f"--{key.replace('_', '-')}", str(value)]
    return options


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, metavar="FILE", help="the network, as train.py saved it")


def load_weights(path: str) -> Saved:
    """The network in a file. Raises BadInput, with advice if no network has been trained yet."""
    if path == DEFAULT_WEIGHTS and not os.path.exists(path):
        raise BadInput(
            f"{path}: no such file: {programs.command('train')} trains a network and saves it here; or name another "
            f"with --weights, such as one in resources/pretrained of {programs.REPOSITORY}"
        )
    return load(path)


def add_member_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--member", type=whole_number(1), metavar="K", help="the member of an ensemble to look into (default: 1)"
    )


def one_member(saved: Saved, arguments: argparse.Namespace) -> SavedNetwork:
    """The network itself or, for an ensemble, the member to look into: a line says which."""
    file, number = arguments.weights, arguments.member or 1
    if not isinstance(saved, SavedEnsemble):
        if arguments.member:
            raise BadInput(f"--member {number}: {file} is a single network: expected an ensemble")
        return saved
    members = len(saved.members)
    if number > members:
        raise BadInput(f"--member {number}: {file} is an ensemble of {members}: expected 1 to {members}")
    notify(f"{file}: an ensemble of {members} networks; this shows the inside of member {number} (--member K: another)")
    return saved.members[number - 1]


def learning_rates(arguments: argparse.Namespace, lowest: float, highest: float, num: int) -> list[float]:
    """The rates given one by one, each once, or spread evenly on a log scale from the lowest to the highest."""
    if arguments.learning_rates:
        return list(dict.fromkeys(arguments.learning_rates))
    lowest, highest = arguments.lr_min or lowest, arguments.lr_max or highest
    if lowest >= highest:
        raise BadInput(f"--lr-max {highest:g}: expected a rate above --lr-min {lowest:g}")
    return np.geomspace(lowest, highest, arguments.num or num).tolist()
