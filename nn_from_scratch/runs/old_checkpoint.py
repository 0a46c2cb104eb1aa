"""Checkpoints of format version 1, converted to version 2.

Their recipes had every setting of an optimizer or a schedule as a separate part, and only Dense layers, each with an
activation after it.
"""

from typing import Any

from nn_from_scratch.errors import BadInput
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.recipe import DenseStack
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.storage.json_files import Wrong, check_kinds, object_in, with_tuples

KINDS: dict[str, Any] = {
    "sizes": tuple[int, ...],
    "activations": tuple[str, ...],
    "loss": str,
    "optimizer": str,
    "learning_rate": float,
    "schedule": str,
    "batch_size": int | None,
    "epochs": int,
    "momentum": float,
    "nesterov": bool,
    "beta1": float,
    "beta2": float,
    "weight_decay": float,
    "warmup": float,
    "decay_factor": float,
    "decay_pieces": int,
    "initializer": str,
    "bias_initializer": str,
    "classes": tuple[int, ...],
}
KEPT = ("loss", "learning_rate", "batch_size", "epochs", "initializer", "bias_initializer", "classes")


def of_version_1(checkpoint: dict) -> dict:
    """The same checkpoint in the present form. Raises Wrong if a part to be converted doesn't have its old form."""
    record = object_in(checkpoint, "run", "the file")
    best = checkpoint.get("best")
    if best is not None:
        best = object_in(checkpoint, "best", "the file")
        best = {("snapshot" if name == "parameters" else name): value for name, value in best.items()}
    recipe = _recipe(object_in(record, "recipe", "run"))
    return checkpoint | {"run": record | {"recipe": recipe}, "best": best, "state": []}


def _recipe(values: dict) -> dict:
    old = with_tuples(values)
    check_kinds(old, KINDS, "run.recipe")
    if not old["sizes"] or len(old["activations"]) != len(old["sizes"]) - 1:
        raise Wrong(f"run.recipe: activations {old['activations']} don't fit the sizes {old['sizes']}")
    try:
        words = {
            part: table.changed(old[part], {name: old[name] for name in table.settings(old[part]) if name in old})
            for part, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES))
        }
    except (BadInput, KeyError) as problem:
        raise Wrong(f"run.recipe: unknown name {problem}") from None
    layers = DenseStack(old["sizes"][1:], old["activations"]).layers
    kept = {name: values[name] for name in KEPT}
    return kept | words | {"layers": list(layers), "input_shape": list(old["sizes"][:1])}
