"""How much faster a matrix product is than loops: `python -m course.03_dense.faster`."""

from time import perf_counter

import numpy as np
from my_nn.loops import dense_forward

rng = np.random.default_rng(0)
x, W, b = rng.random((64, 784)), rng.random((128, 784)), np.zeros(128)
started = perf_counter()
dense_forward(x[:2], W, b)
loops = (perf_counter() - started) * 32  # two images stand for all 64
started = perf_counter()
for _ in range(20):
    x @ W.T + b
product = (perf_counter() - started) / 20
print(f"loops {loops:.2f} s, product {product:.6f} s: {loops / product:,.0f} times as fast")
