from my_nn.initializers import He

from nn_from_scratch import Layer


class Dense(Layer):
    """y = x Wᵀ + b"""

    def __init__(self, units):
        self.units = units

    def output_shape(self, input_shape):
        return (self.units,)

    def parameter_shapes(self, input_shape):
        return {"W": (self.units, input_shape[0]), "b": (self.units,)}

    def initialize(self, rng):
        self.W[...] = He()(self.W.shape, rng)
        self.b[...] = 0

    def forward(self, x, training=False):
        if training:
            self.x = x
        return x @ self.W.T + self.b

    def backward_parameters(self, dy):
        self.dW[...] = dy.T @ self.x
        self.db[...] = dy.sum(axis=0)

    def backward_input(self, dy):
        return dy @ self.W
