import math

import numpy as np

from nn_from_scratch.initializers import Initializer


class He(Initializer):
    def __call__(self, shape, rng):
        fan_in = math.prod(shape[1:])
        return rng.normal(0, np.sqrt(2 / fan_in), shape)


class Glorot(Initializer):
    def __call__(self, shape, rng):
        fan_in = math.prod(shape[1:])
        fan_out = shape[0] * math.prod(shape[2:])
        a = np.sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-a, a, shape)
