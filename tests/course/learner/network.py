import math

import numpy as np


class Network:
    """Layers in a row, over one vector of parameters and one of gradients."""

    def __init__(self, layers, input_shape, seed, dtype=np.float32):
        self.layers = layers
        arrays = []
        shape = input_shape
        for layer in layers:
            for name, s in layer.parameter_shapes(shape).items():
                arrays.append((layer, name, s))
            shape = layer.output_shape(shape)
        total = sum(math.prod(s) for _, _, s in arrays)
        self.parameters = np.zeros(total, dtype)
        self.gradients = np.zeros(total, dtype)
        start = 0
        for layer, name, s in arrays:
            end = start + math.prod(s)
            setattr(layer, name, self.parameters[start:end].reshape(s))
            setattr(layer, "d" + name, self.gradients[start:end].reshape(s))
            start = end
        rng = np.random.default_rng(seed)
        for layer in layers:
            layer.initialize(rng)

    def forward(self, x, training=False):
        """The predictions p."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, loss, p, t):
        """Write the slopes of the loss into `gradients`, after p = forward(x, training=True)."""
        number = len(self.layers) - 1
        if loss.matching_activation is type(self.layers[-1]):
            dy = loss.logit_gradient(p, t)
            number -= 1
        else:
            dy = loss.gradient(p, t)
        while number >= 0:
            layer = self.layers[number]
            layer.backward_parameters(dy)
            if number > 0:
                dy = layer.backward_input(dy)
            number -= 1
