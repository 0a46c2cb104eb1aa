import math


class Cosine:
    def __init__(self, peak, total_steps):
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step):
        if step >= self.total_steps:
            return 0
        return self.peak * (1 + math.cos(math.pi * step / self.total_steps)) / 2
