"""The options of a recipe and of a training run: from the command line to the run, and from a run to its command.

Every part of a recipe is an option of its name, so there is a single list of them here, and the command that a saved
network records is made from the same names.
"""

import argparse
import os
import shlex
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from nn_from_scratch.command_line import DEFAULT_WEIGHTS, batch_size, notify, number, positive_number, whole_number
from nn_from_scratch.data import load_dataset
from nn_from_scratch.errors import BadInput
from nn_from_scratch.initializers import FIXED_SCALE, GIVEN_SCALE
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.presets import ACTIVATIONS, DEFAULT_PRESET, OPTIMIZERS, PRESETS, Recipe
from nn_from_scratch.runs.checkpoint import load_checkpoint
from nn_from_scratch.runs.training_run import DEFAULT_THREADS, TrainingRun
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.storage import SavedNetwork


def add_recipe_options(parser: argparse.ArgumentParser, **own_defaults: Any) -> None:
    """--preset, and an option for every part of a recipe; `own_defaults` stand before those of any preset."""
    parser.add_argument("--preset", choices=PRESETS, help=f"a network with its recipe (default: {DEFAULT_PRESET})")
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
        "--beta1": {"type": number, "metavar": "B", "help": "of adam, from 0 to below 1: memory of the gradients"},
        "--beta2": {"type": number, "metavar": "B", "help": "of adam, likewise: memory of their squares"},
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
    return PRESETS[arguments.preset or DEFAULT_PRESET].override(**recipe_overrides(arguments))


def start_run(arguments: argparse.Namespace) -> TrainingRun:
    """A new run, or the one in the checkpoint named by --resume."""
    if arguments.resume:
        return _resume_run(arguments)
    dataset = load_dataset(arguments.data, notify=notify)
    recipe, seed, validation = recipe_of(arguments), arguments.seed or 0, arguments.validation or 0
    return TrainingRun(recipe, dataset, seed, validation, arguments.threads or DEFAULT_THREADS)


def _resume_run(arguments: argparse.Namespace) -> TrainingRun:
    """Go on with a run: only for longer than was planned, if --epochs says so, but in no other way differently."""
    overrides = recipe_overrides(arguments)
    run = load_checkpoint(arguments.resume, partial(load_dataset, notify=notify), overrides.get("epochs"))
    others = {
        "seed": run.seed,
        "validation": len(run.validation),
        "data": run.dataset.name,
        "threads": run.threads,
    }
    found: dict[str, Any] = asdict(run.recipe) | others
    asked: dict[str, Any] = {name: getattr(arguments, name) for name in others if getattr(arguments, name) is not None}
    if arguments.preset:
        asked |= asdict(PRESETS[arguments.preset]) | {"epochs": run.recipe.epochs}
    asked |= overrides
    differences = [
        f"{name} is {found[name]} there, not {value}" for name, value in asked.items() if found[name] != value
    ]
    if differences:
        raise BadInput(f"{arguments.resume}: can't be resumed differently: {'; '.join(differences)}")
    return run


def output_of(arguments: argparse.Namespace) -> str:
    """Where to save the network: as told, else beside the checkpoint, else the default."""
    if not arguments.resume:
        return arguments.output or DEFAULT_WEIGHTS
    output = arguments.output or _network_of(arguments.resume)
    if os.path.realpath(output) == os.path.realpath(arguments.resume):
        raise BadInput(f"{output}: would be written over the checkpoint: expected another --output")
    return output


def _network_of(checkpoint: str) -> str:
    """The name of the network that a checkpoint belongs to."""
    ending = ".checkpoint.json"
    return checkpoint.removesuffix(ending) + ".json" if checkpoint.endswith(ending) else checkpoint


def resume_command(arguments: argparse.Namespace, output: str, checkpoint: str) -> str:
    """The command that goes on from a checkpoint as this one would have gone on; the run itself is in the file."""
    command = ["python", "train.py", "--resume", checkpoint]
    if _network_of(checkpoint) != output:
        command += ["--output", output]
    for name in ("history", "checkpoint_every", "patience"):
        if getattr(arguments, name):
            command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    return shlex.join(command)


def command_of(run: TrainingRun) -> str:
    """The shortest command that starts this run: the preset nearest to its recipe, and what differs from it."""

    def differences(preset: Recipe) -> dict[str, Any]:
        return {name: value for name, value in asdict(run.recipe).items() if value != asdict(preset)[name]}

    nearest = min(PRESETS, key=lambda name: len(differences(PRESETS[name])))
    command = ["python", "train.py", "--preset", nearest]
    for name, value in differences(PRESETS[nearest]).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            command.append(option if value else option.replace("--", "--no-"))
        else:
            values = value if isinstance(value, tuple) else ["full" if value is None else value]
            command += [option, *map(str, values)]
    if run.dataset.name != "mnist":
        command += ["--data", run.dataset.name]
    if run.validation:
        command += ["--validation", str(len(run.validation))]
    if run.threads != DEFAULT_THREADS:
        command += ["--threads", str(run.threads)]
    return shlex.join([*command, "--seed", str(run.seed)])


def saved_network(run: TrainingRun, **metrics: float) -> SavedNetwork:
    """The run's network as it is now, with what the file is to tell of its making."""
    return SavedNetwork(run.network, run.recipe.classes, {"command": command_of(run), **run.record()}, metrics)
