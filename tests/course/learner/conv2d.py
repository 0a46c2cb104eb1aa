import numpy as np
from my_nn.initializers import He

from nn_from_scratch import Layer


class Conv2D(Layer):
    def __init__(self, filters, size):
        self.filters = filters
        self.size = size

    def output_shape(self, input_shape):
        _, rows, columns = input_shape
        return (self.filters, rows - self.size + 1, columns - self.size + 1)

    def parameter_shapes(self, input_shape):
        return {"W": (self.filters, input_shape[0], self.size, self.size), "b": (self.filters,)}

    def initialize(self, rng):
        self.W[...] = He()(self.W.shape, rng)
        self.b[...] = 0

    def forward(self, x, training=False):
        k = self.size
        N, channels = x.shape[:2]
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
        new_rows, new_columns = windows.shape[2:4]
        seen = windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, channels * k * k, new_rows * new_columns)
        if training:
            self.seen = seen
            self.x_shape = x.shape
        y = self.W.reshape(self.filters, -1) @ seen + self.b.reshape(-1, 1)
        return y.reshape(N, self.filters, new_rows, new_columns)

    def backward_parameters(self, dy):
        N, filters, rows, columns = dy.shape
        flat = dy.reshape(N, filters, rows * columns)
        self.dW[...] = (flat @ self.seen.transpose(0, 2, 1)).sum(axis=0).reshape(self.W.shape)
        self.db[...] = flat.sum(axis=(0, 2))

    def backward_input(self, dy):
        k = self.size
        N, filters, rows, columns = dy.shape
        channels = self.x_shape[1]
        back = self.W.reshape(filters, -1).T @ dy.reshape(N, filters, -1)
        back = back.reshape(N, channels, k, k, rows, columns)
        dx = np.zeros(self.x_shape, dtype=dy.dtype)
        for i in range(k):
            for j in range(k):
                dx[:, :, i : i + rows, j : j + columns] += back[:, :, i, j]
        return dx
