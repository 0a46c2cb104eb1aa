"""A recipe in plain values, for software that doesn't know the words of ours."""

from types import SimpleNamespace

from nn_from_scratch import Recipe
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.recipe import dense_stack
from nn_from_scratch.schedules import SCHEDULES
from nn_from_scratch.words import name_of, settings_in


def plain(recipe: Recipe) -> SimpleNamespace:
    """Its layers as sizes and activations, and the settings of its optimizer and schedule as values of their own.

    A setting that the recipe leaves at its default has that default here.
    """
    stack, optimizer = dense_stack(recipe.layers), recipe.make_optimizer()
    assert stack, "Dense layers with an activation after each"
    schedule, own = SCHEDULES.parse(recipe.schedule)
    defaults = {setting: values.default for setting, values in OPTIMIZERS.settings(name_of(type(optimizer))).items()}
    return SimpleNamespace(
        sizes=recipe.sizes,
        activations=stack.activations,
        loss=recipe.loss,
        optimizer=name_of(type(optimizer)),
        learning_rate=recipe.learning_rate,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        initializer=recipe.initializer,
        bias_initializer=recipe.bias_initializer,
        classes=recipe.classes,
        **(defaults | settings_in(optimizer)),
        **({name: setting.default for name, setting in SCHEDULES.settings(schedule).items()} | own),
    )
