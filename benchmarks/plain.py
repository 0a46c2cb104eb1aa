"""A recipe in plain values, for software that doesn't know the words of ours."""

from types import SimpleNamespace
from typing import Any

from nn_from_scratch import Recipe
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.recipe import dense_stack
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.words import Table


def plain(recipe: Recipe) -> SimpleNamespace:
    """Its layers as sizes and activations; its optimizer and schedule as a name each, their settings beside them."""
    stack = dense_stack(recipe.layers)
    assert stack, "Dense layers with an activation after each"
    optimizer, optimizer_settings = _name_and_settings(OPTIMIZERS, recipe.optimizer)
    schedule, schedule_settings = _name_and_settings(SCHEDULES, recipe.schedule)
    return SimpleNamespace(
        sizes=recipe.sizes,
        activations=stack.activations,
        loss=recipe.loss,
        optimizer=optimizer,
        learning_rate=recipe.learning_rate,
        schedule=schedule,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        initializer=recipe.initializer,
        bias_initializer=recipe.bias_initializer,
        classes=recipe.classes,
        **optimizer_settings,
        **schedule_settings,
    )


def _name_and_settings(table: Table, word: str) -> tuple[str, dict[str, Any]]:
    """What a word says, and the defaults of what it leaves open."""
    name, settings = table.parse(word)
    return name, {key: setting.default for key, setting in table.settings(name).items()} | settings
