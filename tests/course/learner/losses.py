import numpy as np
from my_nn.activations import Sigmoid, Softmax

from nn_from_scratch import Loss


class MeanSquaredError(Loss):
    def value(self, p, t):
        return float(((p - t) ** 2).sum() / p.size)

    def gradient(self, p, t):
        return 2 * (p - t) / p.size


class BinaryCrossEntropy(Loss):
    matching_activation = Sigmoid

    def value(self, p, t):
        tiny = np.finfo(p.dtype).tiny
        p = np.maximum(p, tiny)
        return float(-(t * np.log(p) + (1 - t) * np.log(np.maximum(1 - p, tiny))).sum() / p.size)

    def gradient(self, p, t):
        p = np.maximum(p, np.finfo(p.dtype).tiny)
        return (p - t) / (p * np.maximum(1 - p, np.finfo(p.dtype).tiny)) / p.size

    def logit_gradient(self, p, t):
        return (p - t) / p.size


class CrossEntropy(Loss):
    matching_activation = Softmax

    def value(self, p, t):
        p = np.maximum(p, np.finfo(p.dtype).tiny)
        return float(-(t * np.log(p)).sum() / len(p))

    def gradient(self, p, t):
        p = np.maximum(p, np.finfo(p.dtype).tiny)
        return -t / p / len(p)

    def logit_gradient(self, p, t):
        return (p - t) / len(p)
