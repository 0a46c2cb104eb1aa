import math

import numpy as np


class Batches:
    def __init__(self, split, batch_size, input_shape, outputs, seed):
        self.split = split
        self.batch_size = batch_size
        self.input_shape = input_shape
        self.outputs = outputs
        self.seed = seed

    def __len__(self):
        return math.ceil(len(self.split.labels) / self.batch_size)

    def epoch(self, number):
        N = len(self.split.labels)
        order = np.random.default_rng([self.seed, number]).permutation(N)
        for start in range(0, N, self.batch_size):
            chosen = order[start : start + self.batch_size]
            x = self.split.images[chosen].reshape(-1, *self.input_shape) / 255
            t = np.eye(self.outputs)[self.split.labels[chosen]]
            yield x.astype(np.float32), t.astype(np.float32)
