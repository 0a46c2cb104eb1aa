import numpy as np

from nn_from_scratch.layers import Activation


class ReLU(Activation):
    def forward(self, x, training=False):
        y = np.maximum(0, x)
        if training:
            self.y = y
        return y

    def backward_input(self, dy):
        return dy * (self.y > 0)


class Sigmoid(Activation):
    def forward(self, x, training=False):
        y = 1 / (1 + np.exp(-x))
        if training:
            self.y = y
        return y

    def backward_input(self, dy):
        return dy * self.y * (1 - self.y)


class Softmax(Activation):
    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        if training:
            self.y = y
        return y

    def backward_input(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))
