"""The same work as ours.py with scikit-learn's MLPClassifier, as far as it can do this work.

It takes only floating-point images, so they are converted before the clock starts. Its smallest unit of work is a pass
over the data: `partial_fit` is one epoch. Its check for NaN at every call is switched off. Recipes are in plain values
(plain.py).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.neural_network import MLPClassifier

from nn_from_scratch import Split
from nn_from_scratch.data.batches import inputs

ACTIVATIONS = {"relu": "relu", "sigmoid": "logistic"}


def why_not(recipe: Any) -> str | None:
    """Why MLPClassifier can't train this recipe: it has only Dense layers, and its loss follows from the classes."""
    if any(layer["name"] not in ("dense", *ACTIVATIONS, "softmax") for layer in recipe.layers):
        return "scikit-learn's MLPClassifier has Dense layers only"
    if recipe.loss == "mean-squared-error":
        return "scikit-learn's MLPClassifier has no squared error"
    return None


def make(recipe: Any, images: int) -> MLPClassifier:
    units = [layer["units"] for layer in recipe.layers if layer["name"] == "dense"]
    return MLPClassifier(
        hidden_layer_sizes=units[:-1],
        activation=ACTIVATIONS[recipe.layers[1]["name"]],
        solver=recipe.optimizer,
        learning_rate_init=recipe.learning_rate,
        batch_size=recipe.batch_size or images,
        shuffle=recipe.batch_size is not None,
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        random_state=0,
    )


def step(recipe: Any, split: Split) -> Callable[[], object] | str:
    """A step, if it is an epoch."""
    reason = why_not(recipe) or (recipe.batch_size and "scikit-learn does whole epochs only: see there")
    return reason or epoch(recipe, split)


def epoch(recipe: Any, split: Split) -> Callable[[], object] | str:
    """A pass over all images."""
    if reason := why_not(recipe):
        return reason
    classifier, x = make(recipe, len(split)), inputs(split.images, recipe.input_shape)
    classes = np.arange(len(recipe.classes))

    def run() -> None:
        with config_context(assume_finite=True):
            classifier.partial_fit(x, split.labels, classes=classes)

    return run


def predictions(recipe: Any, split: Split, batch_size: int) -> Callable[[], np.ndarray] | str:
    """The outputs for all images, from bytes to probabilities. It can't convert bytes itself, so we do."""
    if reason := why_not(recipe):
        return reason
    classifier, any_images, classes = make(recipe, 1000), split.images[:1000], len(recipe.classes)
    any_labels = np.arange(len(any_images)) % classes  # it has no weights before its first training
    classifier.partial_fit(inputs(any_images, recipe.input_shape), any_labels, classes=np.arange(classes))

    def predictions() -> np.ndarray:
        parts = [split.images[start : start + batch_size] for start in range(0, len(split), batch_size)]
        with config_context(assume_finite=True):
            return np.concatenate([classifier.predict_proba(inputs(part, recipe.input_shape)) for part in parts])

    return predictions
