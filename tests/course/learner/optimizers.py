import numpy as np


class SGD:
    def __init__(self, momentum=0.0, weight_decay=0.0):
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.v = 0

    def step(self, parameters, gradients, learning_rate):
        """Change `parameters` in place."""
        self.v = self.momentum * self.v + gradients
        decay = learning_rate * self.weight_decay * parameters
        parameters -= learning_rate * self.v
        parameters -= decay


class Adam:
    def __init__(self, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
        self.beta1, self.beta2, self.epsilon, self.weight_decay = beta1, beta2, epsilon, weight_decay
        self.steps = 0

    def step(self, parameters, gradients, learning_rate):
        if self.steps == 0:
            self.m = np.zeros_like(parameters)
            self.v = np.zeros_like(parameters)
        self.steps += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * gradients
        self.v = self.beta2 * self.v + (1 - self.beta2) * gradients**2
        m = self.m / (1 - self.beta1**self.steps)
        v = self.v / (1 - self.beta2**self.steps)
        decay = learning_rate * self.weight_decay * parameters
        parameters -= learning_rate * m / (np.sqrt(v) + self.epsilon) + decay
