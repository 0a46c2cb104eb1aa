"""A recipe in plain values, for libraries that don't know our words."""

from types import SimpleNamespace
from typing import Any

from nn_from_scratch import Recipe
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.words import Table


def plain(recipe: Recipe) -> SimpleNamespace:
    """Its layers as dictionaries: a name, `inputs` (units, features or channels) and the settings.

    Its optimizer and schedule are a name each, with their settings beside them.
    """
    optimizer, optimizer_settings = _name_and_settings(OPTIMIZERS, recipe.optimizer)
    schedule, schedule_settings = _name_and_settings(SCHEDULES, recipe.schedule)
    layers = []
    for word, place in zip(recipe.layers, recipe.places(), strict=True):
        name, settings = _name_and_settings(LAYERS, word)
        for part in ("initializer", "bias_initializer"):
            if part in settings and part not in LAYERS.parse(word)[1]:
                settings[part] = getattr(recipe, part)
        layers.append({"name": name, "inputs": place.input_shape[0], **settings})
    return SimpleNamespace(
        layers=layers,
        input_shape=recipe.input_shape,
        outputs=recipe.outputs,
        loss=recipe.loss,
        optimizer=optimizer,
        learning_rate=recipe.learning_rate,
        schedule=schedule,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        classes=recipe.classes,
        **optimizer_settings,
        **schedule_settings,
    )


def _name_and_settings(table: Table, word: str) -> tuple[str, dict[str, Any]]:
    """The settings of a word, with defaults for those that it leaves open."""
    name, settings = table.parse(word)
    return name, {key: setting.default for key, setting in table.settings(name).items()} | settings
