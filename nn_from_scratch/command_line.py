"""What the four scripts share: their options, and how they say that something went wrong.

Every script ends with `run(main)`: bad input becomes one line on stderr and exit code 2. What nobody foresaw is a bug
and keeps its traceback.
"""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import numpy as np

from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.network import Network
from nn_from_scratch.training import Diverged, EpochResult

EXIT_CODES = "exit codes: 0 done, 2 bad input, 3 diverged, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM)"
DEFAULT_WEIGHTS = "resources/weights_and_biases.json"


def run(main: Callable[[], None]) -> None:
    """Run a script's `main` and end with one of EXIT_CODES; what is foreseen gets one line, not a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe, too, each line is to be seen when it is printed
    try:
        main()
        sys.stdout.flush()
    except BadInput as problem:
        fail(str(problem))
    except Diverged as problem:
        fail(f"{problem}. A lower --learning-rate usually helps", exit_code=3)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as problem:
        fail(f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem))
    except Interrupted as interruption:
        sys.exit(interruption.exit_code)
    except KeyboardInterrupt:
        notify("interrupted")
        sys.exit(130)


def _terminate(number: int, _frame: object) -> NoReturn:
    """End in order: without this, SIGTERM would leave temporary files and the processes of a sweep behind."""
    sys.exit(128 + number)


def fail(message: str, exit_code: int = 2) -> NoReturn:
    """One line on stderr, and the end."""
    directory, program = os.path.split(sys.argv[0])
    if program == "__main__.py":  # of `python -m nn_from_scratch.…`
        program = os.path.basename(directory)
    print(f"{program}: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(exit_code)


def notify(message: str) -> None:
    """Something the user should know, apart from the results on stdout."""
    print(message, file=sys.stderr)


class Parser(argparse.ArgumentParser):
    """argparse with every default in the help, examples that keep their line breaks, and one-line errors."""

    class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
        def _get_help_string(self, action: argparse.Action) -> str | None:
            return action.help if action.default is None else super()._get_help_string(action)

    def __init__(self, description: str | None, examples: str):
        super().__init__(
            description=description,
            epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
            formatter_class=self.Formatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        fail(f"{message} (--help lists the options)")


class Interrupted(Exception):
    """The user, or the system, wants the program to end; `signal` says which."""

    def __init__(self, signal_number: int):
        super().__init__()
        self.exit_code = 128 + signal_number


class Interruption:
    """Within its context the first Ctrl-C or SIGTERM only asks for an end, so that work can be saved; a second ends.

    `check` raises Interrupted once an end was asked for.
    """

    def __enter__(self) -> "Interruption":
        self.signal: int | None = None
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self.signal is not None:
            _terminate(number, frame)
        self.signal = number

    def check(self, *_: object) -> None:
        if self.signal is not None:
            raise Interrupted(self.signal)


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


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


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


def learning_rates(arguments: argparse.Namespace, lowest: float, highest: float, num: int) -> list[float]:
    """The rates given one by one, or spread evenly on a log scale from the lowest to the highest."""
    if arguments.learning_rates:
        return arguments.learning_rates
    lowest, highest = arguments.lr_min or lowest, arguments.lr_max or highest
    if lowest >= highest:
        raise BadInput(f"--lr-max {highest:g}: expected a rate above --lr-min {lowest:g}")
    return np.geomspace(lowest, highest, arguments.num or num).tolist()


# ---- output ----


def data_summary(dataset: Dataset, held_out: int) -> str:
    """What is learnt from and what is tested on, in one line."""
    validation = f", {held_out:,} held out for validation" if held_out else ""
    images = f"{len(dataset.train) - held_out:,} training images{validation}, {len(dataset.test):,} test images"
    return f"data: {dataset.name} ({dataset.source}): {images}"


def epoch_line(result: EpochResult, epochs: int) -> str:
    """The result of one epoch as a plain line."""
    line = f"epoch {result.epoch:>{len(str(epochs))}}/{epochs}  loss {result.loss:.4f}  accuracy {result.accuracy:.2%}"
    if result.validation_accuracy is not None:
        line += f"  validation loss {result.validation_loss:.4f}  accuracy {result.validation_accuracy:.2%}"
    return f"{line}  {result.seconds:.2f} s"


def layer_table(network: Network) -> str:
    """The layers with their output shapes and numbers of parameters."""
    rows = [("input", network.input_shape, 0), *network.table()]
    lines = [f"{'layer':<10}{'output shape':>14}{'parameters':>14}"]
    lines += [f"{name:<10}{shape!s:>14}{parameters:>14,}" for name, shape, parameters in rows]
    return "\n".join([*lines, f"{'total':<10}{network.parameters.size:>28,}"])
