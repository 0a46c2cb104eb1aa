"""Parts that somebody might add, one of every kind, each with a setting of its own."""

import numpy as np

from nn_from_scratch.data.augmentation import Augmentation
from nn_from_scratch.initializers import Initializer
from nn_from_scratch.layers import Activation, Layer
from nn_from_scratch.losses import Loss
from nn_from_scratch.optimizers import Optimizer
from nn_from_scratch.schedules import Schedule


class LeakyReLU(Activation):
    """y = x where x > 0, else slope · x.

    slope: how much passes of what is negative
    """

    def __init__(self, slope: float = 0.1):
        self.slope = slope

    def forward(self, x, training=False):
        y = np.where(x > 0, x, self.slope * x)
        if training:
            self.y = y
        return y

    def backward_input(self, dy):
        return np.where(self.y > 0, dy, self.slope * dy)


class Threshold(Activation):
    """y = x − height: its setting has no default, so its name alone is no word."""

    def __init__(self, height: float):
        self.height = height

    def forward(self, x, training=False):
        return x - self.height

    def backward_input(self, dy):
        return dy.copy()


class Restless(Layer):
    """y = g · (x · m − mean): a gain g that is learnt, noise m, and a running mean that is kept. All in one layer.

    strength: of the noise
    """

    def __init__(self, strength: float):
        self.strength = strength
        self.key = 0

    def parameter_shapes(self, input_shape):
        return {"g": input_shape}

    def state_shapes(self, input_shape):
        return {"mean": input_shape}

    def initialize(self, rng):
        self.g[...] = 1
        self.mean[...] = 0

    def draw(self, rng):
        self.key = rng.integers(2**63)

    def forward(self, x, training=False):
        if not training:
            return self.g * (x - self.mean)
        self.m = 1 + self.strength * (np.random.default_rng(self.key).random(x.shape, dtype=x.dtype) - 0.5)
        self.batch_mean = (x * self.m).mean(axis=0)
        self.centred = x * self.m - self.batch_mean
        return self.g * self.centred

    def backward_parameters(self, dy):
        np.sum(dy * self.centred, axis=0, out=self.dg)

    def backward_input(self, dy):
        centred = self.g * dy
        return self.m * (centred - centred.mean(axis=0))

    def settle(self):
        self.mean += 0.1 * (self.batch_mean - self.mean)


class SignDescent(Optimizer):
    """θ ← θ − η · sign of a running mean of g.

    memory: how much of the mean is kept
    """

    remembers = ("mean",)

    def __init__(self, memory: float = 0.5, weight_decay: float = 0.0):
        super().__init__(weight_decay)
        self.memory = memory

    def find_step(self, gradients, learning_rate):
        mean = self.state["mean"]
        mean *= self.memory
        mean += gradients
        np.sign(mean, out=self.scratch)
        self.scratch *= learning_rate


class PowerError(Loss):
    """L = 1/(N·K) · Σ |p − t|^power.

    power: 2 is the squared error
    """

    def __init__(self, power: float = 2.0):
        self.power = power

    def value(self, p, t):
        return float((np.abs(p - t) ** self.power).sum()) / p.size

    def gradient(self, p, t):
        return self.power * np.sign(p - t) * np.abs(p - t) ** (self.power - 1) / p.size


class Halved(Schedule):
    """η(s) = peak · share.

    share: of the peak
    """

    def __init__(self, peak: float, total_steps: int, share: float = 0.5):
        super().__init__(peak, total_steps)
        self.share = share

    def __call__(self, step):
        return self.peak * self.share


class TwoValues(Initializer):
    """Either +size or −size.

    size: of every number
    """

    def __init__(self, size: float):
        self.size = size

    def __call__(self, shape, rng):
        return rng.choice([-self.size, self.size], shape)


class Drift(Augmentation):
    """d = (distance · u, 0): up or down, and not to a side.

    distance: at most so many pixels
    """

    def __init__(self, distance: float):
        self.distance = distance

    def draws(self, rows, columns):
        return 1

    def displacement(self, u, rows, columns):
        down = u.dtype.type(self.distance) * u[:, :, None]
        return down, np.zeros_like(down)
