"""What the four scripts share: their options, and how they say that something went wrong.

Every script ends with `run(main)`: bad input becomes one line on stderr and exit code 2. Anything else that goes
wrong is a bug and keeps its traceback.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, NoReturn

import numpy as np

from nn_from_scratch.data import Dataset, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.initializers import FIXED_SCALE, GIVEN_SCALE
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.network import Network
from nn_from_scratch.presets import ACTIVATIONS, DEFAULT_PRESET, OPTIMIZERS, PRESETS, Recipe
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.training import Diverged, EpochResult

DEFAULT_WEIGHTS = "resources/weights_and_biases.json"


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; end with one line and exit code 2 on bad input, 3 where training diverged."""
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
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def fail(message: str, exit_code: int = 2) -> NoReturn:
    """One line on stderr, and the end."""
    print(f"{os.path.basename(sys.argv[0])}: error: {' '.join(message.split())}", file=sys.stderr)
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
            description=description, epilog=f"examples:\n{examples}", formatter_class=self.Formatter, allow_abbrev=False
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


def add_recipe_options(parser: argparse.ArgumentParser, **own_defaults: Any) -> None:
    """--preset, and an option for every part of a recipe; `own_defaults` stand before those of any preset."""
    parser.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="a network with its recipe")
    group = parser.add_argument_group(
        "parts of the preset", f"each keeps the preset's value unless it is given; shown are those of {DEFAULT_PRESET}"
    )
    defaults = asdict(PRESETS[DEFAULT_PRESET]) | own_defaults
    many: dict[str, Any] = {"nargs": "+"}
    scales = ", ".join([*FIXED_SCALE, *(f"{name}:SCALE" for name in GIVEN_SCALE)])
    for option, settings in {
        "--sizes": {
            **many,
            "type": whole_number(1),
            "metavar": "N",
            "help": "number of inputs, then units of each layer",
        },
        "--activations": {**many, "choices": ACTIVATIONS, "help": "one for each layer"},
        "--loss": {"choices": LOSSES, "help": "what is made small"},
        "--optimizer": {"choices": OPTIMIZERS, "help": "how parameters follow their gradients"},
        "--learning-rate": {"type": positive_number, "metavar": "RATE", "help": "the schedule's highest rate"},
        "--schedule": {"choices": SCHEDULES, "help": "the learning rate over time"},
        "--batch-size": {"type": batch_size, "metavar": "N|full", "help": "images per step; full is all of them"},
        "--epochs": {"type": whole_number(1), "metavar": "N", "help": "passes over the training images"},
        "--momentum": {"type": number, "metavar": "M", "help": "of sgd, from 0 to below 1"},
        "--nesterov": {"action": argparse.BooleanOptionalAction, "help": "of sgd: Nesterov's momentum"},
        "--weight-decay": {"type": number, "metavar": "D", "help": "decoupled weight decay"},
        "--warmup": {"type": number, "metavar": "SHARE", "help": "of one-cycle: the share of the steps that rises"},
        "--decay-factor": {"type": positive_number, "metavar": "F", "help": "of step-decay: rate from piece to piece"},
        "--decay-pieces": {"type": whole_number(1), "metavar": "N", "help": "of step-decay: number of pieces"},
        "--initializer": {"metavar": "NAME", "help": f"first weights: {scales}"},
        "--bias-initializer": {"metavar": "NAME", "help": "first biases, likewise"},
        "--classes": {**many, "type": whole_number(0), "metavar": "DIGIT", "help": "the digits to tell apart"},
    }.items():
        value = defaults[option.strip("-").replace("-", "_")]
        settings["help"] += f" (default: {' '.join(map(str, value)) if isinstance(value, tuple) else value})"
        group.add_argument(option, default=argparse.SUPPRESS, **settings)
    parser.set_defaults(**own_defaults)


def recipe_overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parts of a recipe given on the command line."""
    given = {part.name: getattr(arguments, part.name) for part in fields(Recipe) if hasattr(arguments, part.name)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The preset with what was given on the command line in place of its own parts."""
    return PRESETS[arguments.preset].override(**recipe_overrides(arguments))


def learning_rates(arguments: argparse.Namespace, lowest: float, highest: float, num: int) -> list[float]:
    """The rates given one by one, or spread evenly on a log scale from the lowest to the highest."""
    if arguments.learning_rates:
        return arguments.learning_rates
    lowest, highest = arguments.lr_min or lowest, arguments.lr_max or highest
    if lowest >= highest:
        raise BadInput(f"--lr-max {highest:g}: expected a rate above --lr-min {lowest:g}")
    return np.geomspace(lowest, highest, arguments.num or num).tolist()


def training_record(
    arguments: argparse.Namespace, recipe: Recipe, dataset: Dataset, training_images: int
) -> dict[str, Any]:
    """What the saved file tells of its making: enough to make it again, nothing that differs between two such runs."""
    command = ["python", "train.py", "--preset", arguments.preset]
    for name, value in recipe_overrides(arguments).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            command.append(option if value else option.replace("--", "--no-"))
        else:
            values = value if isinstance(value, tuple) else ["full" if value is None else value]
            command += [option, *map(str, values)]
    if arguments.data:
        command += ["--data", arguments.data]
    if arguments.validation:
        command += ["--validation", str(arguments.validation)]
    command += ["--seed", str(arguments.seed)]
    data = {"name": dataset.name, "fingerprint": dataset.fingerprint(), "training_images": training_images}
    return {
        "command": shlex.join(command),
        "preset": arguments.preset,
        "recipe": asdict(recipe),
        "seed": arguments.seed,
        "data": data,
    }


# ---- output ----


def data_summary(dataset: Dataset, learning: Split, validation: Split) -> str:
    """What is learnt from and what is tested on, in one line."""
    held_out = f", {len(validation):,} held out for validation" if validation else ""
    images = f"{len(learning):,} training images{held_out}, {len(dataset.test):,} test images"
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
