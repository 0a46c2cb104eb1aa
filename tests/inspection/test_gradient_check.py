"""The check finds right gradients right, in every preset, and a wrong one wrong wherever it is."""

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.classes import target_table
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.inspection.gradient_check import check_gradients
from nn_from_scratch.layers import Dense, Layer, ReLU, Sigmoid
from nn_from_scratch.losses import MeanSquaredError
from nn_from_scratch.network import Network
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.recipe import dense_stack


def batch(recipe, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images = rng.integers(0, 256, (16, 28, 28), dtype=np.uint8)
    images[rng.random(images.shape) < 0.8] = 0
    labels = rng.integers(0, len(recipe.classes), 16)
    return inputs(images, (784,), np.float64), target_table(recipe.outputs, np.float64)[labels]


# Of a convolutional network's 100,000 outputs of ReLU and MaxPool2D, some pass a kink whatever parameter is moved.
@pytest.mark.parametrize("preset", [name for name, recipe in PRESETS.items() if dense_stack(recipe.layers)])
def test_right_gradients_pass_and_enough_parameters_were_moved(preset, rng):
    recipe = PRESETS[preset]
    network = recipe.make_network(3, np.float64)
    before = network.parameters.copy()
    check = check_gradients(network, recipe.make_loss(), *batch(recipe, rng))
    assert 0 < check.relative_error < 1e-6
    assert check.parameters >= 50
    assert network.parameters.tobytes() == before.tobytes()


class TwiceTheBias(Dense):
    def backward_parameters(self, dy):
        super().backward_parameters(dy)
        self.db *= 2


class Stuck(Sigmoid):
    def backward_input(self, dy):
        return dy


class Backwards(Dense):
    def backward_input(self, dy):
        return -super().backward_input(dy)


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(9), ReLU(), TwiceTheBias(3), Sigmoid()],
        [TwiceTheBias(9), ReLU(), Dense(3), Sigmoid()],
        [Dense(9), Stuck(), Dense(3), Sigmoid()],
        [Dense(9), Sigmoid(), Backwards(3), Sigmoid()],
    ],
)
def test_a_wrong_gradient_is_caught(layers, rng):
    network = Network(layers, (16,), seed=1, dtype=np.float64)
    x, t = rng.random((16, 16)), np.eye(3)[rng.integers(0, 3, 16)]
    assert check_gradients(network, MeanSquaredError(), x, t).relative_error > 0.1


class Noise(Layer):
    """Multiplies by numbers drawn for the step, but only in training, as Dropout does."""

    draws = 0

    def draw(self, rng):
        self.factors = rng.uniform(0.5, 2, 9)
        self.draws += 1

    def forward(self, x, training=False):
        return x * self.factors if training else x

    def backward_input(self, dy):
        return dy * self.factors


class ForgetsTheNoise(Noise):
    def backward_input(self, dy):
        return dy


@pytest.mark.parametrize(("noise", "right"), [(Noise(), True), (ForgetsTheNoise(), False)])
def test_noise_is_held_as_it_was_drawn_for_the_step(noise, right, rng):
    network = Network([Dense(9), noise, Sigmoid(), Dense(3), Sigmoid()], (16,), seed=1, dtype=np.float64)
    network.draw(rng)
    before = noise.factors.copy()
    x, t = rng.random((16, 16)), np.eye(3)[rng.integers(0, 3, 16)]
    error = check_gradients(network, MeanSquaredError(), x, t).relative_error
    assert error < 1e-6 if right else error > 0.1
    assert noise.draws == 1
    assert noise.factors.tobytes() == before.tobytes()


def test_float32_is_refused():
    network = Network([Dense(2)], (3,), seed=1)
    with pytest.raises(ValueError, match="float64, not float32"):
        check_gradients(network, MeanSquaredError(), np.ones((1, 3)), np.ones((1, 2)))


def test_a_corner_within_the_step_is_no_mistake_and_a_mistake_beside_a_corner_is_one(rng):
    """The sum of a ReLU unit is 1e-6 for one sample: a step of 3e-6 goes over the corner."""

    class Twice(nn.ReLU):
        def backward_input(self, dy):
            return 2 * super().backward_input(dy)

    for relu, right in ((nn.ReLU, True), (Twice, False)):
        network = nn.Network([nn.Dense(3), relu(), nn.Dense(2), nn.Softmax()], (4,), seed=1, dtype=np.float64)
        x, t = rng.normal(size=(1, 4)), np.array([[1.0, 0.0]])
        dense = network.layers[0]
        dense.b[...] += 1e-6 - (x @ dense.W.T + dense.b)[0]
        error = check_gradients(network, nn.CrossEntropy(), x, t).relative_error
        assert (error < 1e-4) == right, error


def test_slopes_too_small_to_be_measured_are_no_mistake(rng):
    """With equal weights into all outputs, what comes back to the hidden layer is 0 but for rounding."""
    network = nn.Network([nn.Dense(6), nn.ReLU(), nn.Dense(5), nn.Softmax()], (4,), seed=1, dtype=np.float64)
    for dense in (network.layers[0], network.layers[2]):
        dense.W[...] = 0.05
    x, t = rng.random((8, 4)), np.eye(5)[rng.integers(0, 5, 8)]
    assert check_gradients(network, nn.CrossEntropy(), x, t).relative_error < 1e-6
