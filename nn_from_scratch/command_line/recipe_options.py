"""The options of a recipe and of a training run: from the command line to the run, and from a run to its command.

Every part of a recipe has an option with its name, and so has every setting of an optimizer or a schedule. The settings
are read from the classes, so a new class has its options without a line here. The command that a saved network records
is made from the same names.
"""

import argparse
import os
import shlex
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from nn_from_scratch.command_line import programs
from nn_from_scratch.command_line.options import (
    DEFAULT_WEIGHTS,
    batch_size,
    data_options,
    load_data,
    positive_number,
    whole_number,
)
from nn_from_scratch.command_line.process import notify
from nn_from_scratch.data import Dataset
from nn_from_scratch.data.augmentation import AUGMENTATIONS
from nn_from_scratch.data.dataset import described
from nn_from_scratch.data.digits import SIDE
from nn_from_scratch.data.load import NAMES
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.inspection.evaluation import recorded_data
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.presets import DEFAULT_PRESET, PRESETS, usual_recipe
from nn_from_scratch.recipe import TABLES, Recipe, activations, setting_owners
from nn_from_scratch.runs.checkpoint import run_in
from nn_from_scratch.runs.ensemble_run import EnsembleRun, ensemble_run_in, is_ensemble_checkpoint
from nn_from_scratch.runs.training_run import DEFAULT_THREADS, TrainingRun
from nn_from_scratch.storage import SavedEnsemble, SavedNetwork, json_files, load
from nn_from_scratch.storage.safetensors_file import is_safetensors
from nn_from_scratch.words import Table, explanation


def add_recipe_options(parser: argparse.ArgumentParser, without: Collection[str] = (), **own_defaults: Any) -> None:
    """Add --preset, and an option for every part of a recipe except those in `without`.

    `own_defaults` override the defaults of any preset. The help shows the defaults of the chosen preset.
    """
    parser.add_argument("--preset", choices=PRESETS, help=f"a network and its recipe (default: {DEFAULT_PRESET})")
    shown = _chosen_preset()
    group = parser.add_argument_group(
        "parts of the preset",
        f"each replaces the preset's own value; the defaults shown are those of {shown}. A WORD is a name and its "
        "settings, such as adam:beta1=0.7",
    )
    defaults = asdict(PRESETS[shown]) | own_defaults

    def add(name: str, help: str, **settings: Any) -> None:
        if name in without:
            return
        help = f"{help} (default: {_shown('full' if defaults[name] is None else defaults[name])})"
        group.add_argument(_option(name), dest=name, default=argparse.SUPPRESS, help=help, **settings)

    add("layers", f"from input to output: {LAYERS.usages()}", nargs="+", type=word_in(LAYERS), metavar="WORD")
    for part, help in {
        "loss": "the number that training makes small",
        "optimizer": "how the gradients change the parameters",
        "schedule": "the learning rate over time",
        "initializer": "the first weights",
        "bias_initializer": "the first biases, with the same words",
    }.items():
        known = "" if part == "bias_initializer" else f": {TABLES[part].usages()}"
        add(part, help + known, type=word_in(TABLES[part]), metavar="WORD")
    add("learning_rate", "the schedule's highest rate", type=positive_number, metavar="RATE")
    add("batch_size", "images per step; full means all of them", type=batch_size, metavar="N|full")
    add("epochs", "passes over the training images", type=whole_number(1), metavar="N")
    help = f"how the training images are changed in every epoch, or none: {AUGMENTATIONS.usages(optional=True)}"
    add("augmentation", help, nargs="+", type=_augmentation, metavar="WORD")
    add("input_shape", "the shape of one sample", nargs="+", type=whole_number(1), metavar="N")
    add("classes", "the labels to tell apart", nargs="+", type=whole_number(0), metavar="LABEL")
    _add_dense_options(parser)
    _add_settings(parser)
    parser.set_defaults(**own_defaults)


def _chosen_preset() -> str:
    """The preset on the command line, read before the options are defined, or the default one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", nargs="?")
    preset = parser.parse_known_args()[0].preset
    return preset if preset in PRESETS else DEFAULT_PRESET


def _add_dense_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("short forms of --layers", "Dense layers with an activation after each")
    group.add_argument(
        "--sizes",
        nargs="+",
        type=whole_number(1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="number of inputs, then units of each layer",
    )
    group.add_argument(
        "--activations",
        nargs="+",
        type=word_in(LAYERS),
        metavar="WORD",
        default=argparse.SUPPRESS,
        help=f"one for each layer: {LAYERS.usages(activations())}",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for every setting of every optimizer and schedule."""
    group = parser.add_argument_group(
        "short forms of settings", "the same as in the WORD of the optimizer or the schedule"
    )
    for setting, owners in setting_owners().items():
        table, name = owners[0]
        default = table.settings(name)[setting].default
        kind: dict[str, Any] = {"metavar": "VALUE"}
        if isinstance(default, bool):
            kind = {"action": argparse.BooleanOptionalAction}
        help = f"for {', '.join(name for _, name in owners)}: {explanation(table[name], setting)} (default: {default})"
        with suppress(argparse.ArgumentError):  # the script has its own option of this name; the WORD can still set it
            group.add_argument(_option(setting), default=argparse.SUPPRESS, help=help.replace("%", "%%"), **kind)


def _option(name: str) -> str:
    return "--augment" if name == "augmentation" else f"--{name.replace('_', '-')}"


def word_in(table: Table) -> Callable[[str], str]:
    """The type of an option whose value is a word."""

    def parse(text: str) -> str:
        try:
            return table.canonical(text)
        except BadInput as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return parse


def _augmentation(text: str) -> str:
    """The word of an augmentation, or "none"."""
    return text if text == "none" else word_in(AUGMENTATIONS)(text)


def recipe_overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parts of a recipe given on the command line."""
    names = [*(part.name for part in fields(Recipe)), "sizes", "activations", *setting_owners()]
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    if given.get("augmentation") == ["none"]:
        given["augmentation"] = []
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def recipe_of(arguments: argparse.Namespace, dataset: Dataset) -> Recipe:
    """The preset, or the usual recipe for the data, with the parts from the command line in place of its own."""
    overrides = recipe_overrides(arguments)
    # --sizes and --activations are for Dense layers, which the default preset has.
    if arguments.preset or overrides.keys() & {"sizes", "activations"}:
        recipe = PRESETS[arguments.preset or DEFAULT_PRESET]
    else:
        recipe = usual_recipe(dataset.train)
    if not overrides.keys() & {"layers", "sizes"}:
        try:
            recipe = recipe.fitted(dataset.train.sample_shape, dataset.labels)
        except BadInput as problem:
            what = f"{one_line(dataset.name)} has {described(dataset.train.images)}"
            raise BadInput(f"preset {arguments.preset or DEFAULT_PRESET} doesn't fit: {what}: {problem}") from None
    else:
        recipe = _open(recipe, dataset.labels)
    return recipe.override(**overrides)


def _open(recipe: Recipe, labels: tuple[int, ...]) -> Recipe:
    """A recipe whose layers will be replaced: the new ones need not fit the old ones' input shape and classes."""
    other = recipe.for_all_classes and recipe.classes != labels
    return replace(recipe, classes=labels, input_shape=()) if other else recipe


def start_run(
    arguments: argparse.Namespace, make: Callable[..., TrainingRun] = TrainingRun
) -> TrainingRun | EnsembleRun:
    """A new run, of one network or of the members of an ensemble, or the one in the checkpoint that --resume names.

    `make` makes the run of one network; it takes the arguments of TrainingRun.
    """
    if arguments.resume:
        return _resume_run(arguments, make)
    dataset = load_data(arguments)
    recipe, seed, validation = recipe_of(arguments, dataset), arguments.seed or 0, arguments.validation or 0
    threads = arguments.threads or DEFAULT_THREADS
    if arguments.members:
        return EnsembleRun(recipe, dataset, seed, validation, threads, arguments.members)
    return make(recipe, dataset, seed, validation, threads)


def _resume_run(arguments: argparse.Namespace, make: Callable[..., TrainingRun]) -> TrainingRun | EnsembleRun:
    """Continue a run. --epochs may make it longer than planned; nothing else may differ."""
    overrides = recipe_overrides(arguments)
    epochs = overrides.get("epochs")

    def load_recorded(name: str, **test: Any) -> Dataset:
        return load_data(arguments, {"name": name, **test}, arguments.resume)

    with json_files.document(arguments.resume) as document:
        whole = ensemble_run_in(document, load_recorded, epochs) if is_ensemble_checkpoint(document) else None
        run = whole.like if whole else run_in(document, load_recorded, epochs, make)
    found = {"seed": run.seed, "validation": len(run.validation), "threads": run.threads}
    found["members"] = len(whole.members) if whole else 1
    asked = {name: getattr(arguments, name) for name in found if getattr(arguments, name) is not None}
    recipe = recipe_of(arguments, run.dataset) if arguments.preset else run.recipe.override(**overrides)
    asked |= asdict(replace(recipe.for_data(run.dataset), epochs=run.recipe.epochs))
    found |= asdict(run.recipe)
    differences = [
        f"{name} is {_shown(found[name])} in the checkpoint, not {_shown(value)}"
        for name, value in asked.items()
        if found[name] != value
    ]
    if differences:
        raise BadInput(f"{arguments.resume}: can't be resumed with other settings: {'; '.join(differences)}")
    return whole or run


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def output_of(arguments: argparse.Namespace, dataset: Dataset) -> str:
    """Where to save the network: the path in --output, else beside the checkpoint, else the default.

    By default, a network trained on other data than MNIST doesn't replace one that was trained on different data: it is
    saved in results/, under the name of its data.
    """
    if not arguments.resume:
        like_mnist = dataset.name not in NAMES[1:] and dataset.train.images.shape[1:] == (SIDE, SIDE)
        if arguments.output or like_mnist or not os.path.exists(DEFAULT_WEIGHTS):
            return arguments.output or DEFAULT_WEIGHTS
        recorded, _ = recorded_data(load(DEFAULT_WEIGHTS))
        if recorded == dataset.name:
            return DEFAULT_WEIGHTS
        own = f"results/{Path(dataset.name).resolve().name.partition('.')[0] or 'network'}.json"
        notify(f"{DEFAULT_WEIGHTS} is kept, as it was trained on {recorded}; this network will be saved as {own}")
        notify(
            f"to test it: {programs.command('evaluate')} {programs.typed(['--weights', own, *_data_to_name(dataset)])}"
        )
        return own
    output = arguments.output or _network_of(arguments.resume)
    if os.path.realpath(output) == os.path.realpath(arguments.resume):
        raise BadInput(f"{output}: would overwrite the checkpoint: expected another --output")
    return output


def _data_to_name(data: Dataset) -> list[str]:
    """The options of the data if they are paths: a saved file must not decide which paths are opened."""
    return data_options(data.name, data.test_set_asked_for()) if data.name not in NAMES or data.test_data else []


def _network_of(checkpoint: str) -> str:
    """The name of the network that a checkpoint belongs to."""
    ending = ".checkpoint.json"
    name = checkpoint.removesuffix(ending)
    return name if name == checkpoint or is_safetensors(name) else f"{name}.json"


def resume_command(arguments: argparse.Namespace, output: str, checkpoint: str, data: Dataset, ranks: int = 1) -> str:
    """The command that continues this training from its checkpoint, which has the recipe and the state of the run."""
    command = ["--resume", checkpoint]
    if _network_of(checkpoint) != output:
        command += ["--output", output]
    command += _data_to_name(data)
    for name in ("history", "checkpoint_every", "patience", "jobs", "scheduler"):
        if getattr(arguments, name):
            command += [_option(name), str(getattr(arguments, name))]
    return f"{_on_ranks(programs.command('train'), ranks)} {programs.typed(command)}"


def _on_ranks(program: str, ranks: int) -> str:
    """How to start a training program on this number of ranks."""
    return f"mpiexec -n {ranks} {program} --data-parallel" if ranks > 1 else program


def command_of(run: TrainingRun, patience: int | None = None, members: int | None = None) -> str:
    """The shortest command that starts this run, or an ensemble of `members` whose first member is this run.

    It names the preset nearest to the recipe, and the parts that differ from it.
    """

    def differences(preset: Recipe) -> dict[str, Any]:
        """The parts to give so that `override` makes this recipe, including those that another part would change."""
        parts: dict[str, Any] = {}
        while (made := preset.override(**parts)) != run.recipe:
            parts |= {name: value for name, value in asdict(run.recipe).items() if value != asdict(made)[name]}
        return parts

    usual = usual_recipe(run.dataset.train)
    starts = PRESETS if usual in PRESETS.values() else {"": usual, **PRESETS}  # "": no preset is named
    found: dict[str, dict[str, Any]] = {}
    for name, preset in starts.items():
        try:
            start = preset.fitted(run.dataset.train.sample_shape, run.labels)
        except BadInput:  # then this run has other layers
            start = _open(preset, run.labels)
        found[name] = differences(start)
    nearest = min(found, key=lambda name: len(found[name]))
    command = ["--preset", nearest] if nearest else []
    for name, value in found[nearest].items():
        command += [_option(name), *_shown("full" if value is None else value).split()]
    command += data_options(run.dataset.name, run.dataset.test_set_asked_for())
    if run.validation:
        command += ["--validation", str(len(run.validation))]
    if patience:
        command += ["--patience", str(patience)]
    if run.threads != DEFAULT_THREADS:
        command += ["--threads", str(run.threads)]
    if members:
        command += ["--members", str(members)]
    return f"{_on_ranks('python train.py', run.ranks)} {shlex.join([*command, '--seed', str(run.seed)])}"


def saved_network(run: TrainingRun, patience: int | None = None, **metrics: float) -> SavedNetwork:
    """The run's network as it is now, with the training record for its file."""
    record = {"command": command_of(run, patience), **run.record()}
    return SavedNetwork(run.network, run.recipe.classes, record, metrics, *run.called)


def saved_ensemble(
    run: EnsembleRun, members: list[SavedNetwork], patience: int | None = None, **metrics: float
) -> SavedEnsemble:
    """The members as an ensemble, with the training record for its file."""
    record = {"command": command_of(run.like, patience, len(run.members)), **run.record()}
    return SavedEnsemble(members, record, metrics)
