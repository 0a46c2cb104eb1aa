"""A network as a scikit-learn classifier, for pipelines, searches and cross-validation.

A recipe has everything that `fit` needs, so the classifier's parameters are the parts of a recipe. scikit-learn does
everything else, from checking the data to searching over parameters.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nn_from_scratch import training
from nn_from_scratch.classes import are_probabilities, class_scores
from nn_from_scratch.data.dataset import MOST_CLASSES, Split
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import Sigmoid, Softmax
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.network import Network
from nn_from_scratch.randomness import random_streams
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.runs.training_run import DEFAULT_THREADS
from nn_from_scratch.storage import SavedNetwork
from nn_from_scratch.words import name_of, word

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    text = f'{missing.name} is not installed: pip install "nn-from-scratch-numpy[sklearn]"'
    raise ModuleNotFoundError(text, name=missing.name) from None


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network that `fit` makes and trains, for classes with any labels.

    Shapes: X (N, features), y (N,).

    layers: the layers before the output layer, as words; after them, a Dense layer with an output for each class is
        added, and the activation that matches the loss: softmax for cross-entropy, otherwise sigmoid, with one output
        for two classes
    loss, optimizer, learning_rate, schedule, batch_size, epochs, initializer, bias_initializer: as in a recipe
    input_shape: the shape of one sample, such as (1, 28, 28) for convolutions; None: (features,)
    random_state: for the first weights, the order of the samples and all noise

    After fit: `network_`, `recipe_`, `history_` (the result of each epoch), `classes_`, `n_features_in_`.

    The numbers in X are used as they are, rounded to float32, so a StandardScaler before the classifier usually helps.
    `fit` raises BadInput, a ValueError, for parameters that don't fit each other or the data, and Diverged.
    """

    def __init__(
        self,
        layers: Sequence[str] = ("dense:100", "relu"),
        *,
        loss: str = "cross-entropy",
        optimizer: str = "adam",
        learning_rate: float = 0.01,
        schedule: str = "one-cycle",
        batch_size: int | None = 32,
        epochs: int = 100,
        initializer: str = "he",
        bias_initializer: str = "zeros",
        input_shape: tuple[int, ...] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.layers = layers
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.epochs = epochs
        self.initializer = initializer
        self.bias_initializer = bias_initializer
        self.input_shape = input_shape
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "NetworkClassifier":
        """Train a new network."""
        X, y = self._checked(X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.recipe_ = recipe = self._recipe()
        streams = random_streams(int(check_random_state(self.random_state).randint(2**31)))
        network = recipe.make_network(streams.initialization)
        batches = recipe.make_batches(Split(X, labels.astype(np.uint8)), streams.shuffling)
        schedule = recipe.make_schedule(recipe.epochs * len(batches))
        parts = (network, recipe.make_loss(), recipe.make_optimizer(), schedule, batches, recipe.epochs)
        with threadpool_limits(DEFAULT_THREADS):  # as in train.py; scikit-learn's n_jobs uses processes
            self.history_ = list(training.fit(*parts, noise=streams.noise))
        self.network_ = network
        return self

    def _recipe(self) -> Recipe:
        """The parameters as a recipe, with the input shape and the output layer that the data need."""
        classes, features = len(self.classes_), self.n_features_in_
        if not 2 <= classes <= MOST_CLASSES:
            found = f"one class only, {self.classes_[0]}" if classes == 1 else f"{classes} classes"
            raise BadInput(f"y has {found}: expected from 2 to {MOST_CLASSES}")
        input_shape = self.input_shape or (features,)
        if prod(input_shape) != features:
            raise BadInput(f"input_shape {input_shape}: expected one of {features} numbers, the features of X")
        activation = LOSSES.make(self.loss).matching_activation or Sigmoid
        outputs = 1 if classes == 2 and activation is Sigmoid else classes
        return Recipe(
            layers=(*self.layers, f"dense:{outputs}", name_of(activation)),
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            batch_size=self.batch_size,
            epochs=self.epochs,
            initializer=self.initializer,
            bias_initializer=self.bias_initializer,
            input_shape=tuple(input_shape),
        )

    def _checked(self, *given: Any, reset: bool = True) -> Any:
        """X, or X and y, as arrays. Raises ValueError for anything else, and for numbers that float32 can't hold."""
        with np.errstate(over="ignore"):  # numbers that are too large become infinite, and are refused
            return validate_data(self, *given, dtype=np.float32, reset=reset)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`. (N, features) → (N, classes)

        If there are several outputs with sigmoids, they are divided by their sum.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        p = training.predict(self.network_, X)
        scores = class_scores(p)
        if are_probabilities(self.network_.output_layer, p.shape[1]):
            return scores
        scores = np.maximum(scores, np.finfo(scores.dtype).tiny)  # if all of them were 0, so would be their sum
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample. (N, features) → (N,)"""
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    @classmethod
    def from_saved(cls, saved: SavedNetwork) -> "NetworkClassifier":
        """A trained network as a fitted classifier.

        Its parameters are those recorded with the network, so `fit` would train such a network again. Raises BadInput
        for an ensemble, and for a network whose outputs are not probabilities of classes.
        """
        network = saved.network
        if not isinstance(network, Network):
            raise BadInput("an ensemble: expected a single network, such as one of its members")
        words = tuple(map(word, network.layers))
        if not saved.classes or not isinstance(network.output_layer, Softmax | Sigmoid) or len(words) < 2:
            raise BadInput("expected a network with classes, with a softmax or a sigmoid at the end")
        recipe = saved.training.get("recipe", {})
        known = {name: recipe[name] for name in cls._get_param_names() if name in recipe}
        classifier = cls(**known | {"layers": words[:-2], "input_shape": network.input_shape})
        classifier.network_, classifier.classes_ = network, np.array(saved.classes)
        classifier.n_features_in_ = prod(network.input_shape)
        return classifier

    # ---- copies, for example for scikit-learn's processes ----

    def __getstate__(self) -> dict[str, Any]:
        """A network's arrays are views, which a copy would separate. So a copy has the parts that make the network."""
        state = dict(super().__getstate__())
        if network := state.pop("network_", None):
            made_from = [(type(layer), layer.config()) for layer in network.layers]
            state["_network"] = made_from, network.input_shape, network.dtype, network.snapshot()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_network" in state:
            made_from, input_shape, dtype, snapshot = state.pop("_network")
            layers = [layer(**config) for layer, config in made_from]
            self.network_ = Network(layers, input_shape, seed=0, dtype=dtype)
            self.network_.restore(snapshot)
        super().__setstate__(state)
