"""How much faster a matrix product is than loops: `python -m course.03_dense.faster`."""

from timeit import repeat

import numpy as np
from my_nn.loops import dense_forward
from threadpoolctl import threadpool_limits

rng = np.random.default_rng(0)
x, W, b = rng.random((64, 784)), rng.random((128, 784)), np.zeros(128)
with threadpool_limits(1):  # on a busy machine two threads of a product wait for each other
    loops = min(repeat(lambda: dense_forward(x[:2], W, b), number=1, repeat=2)) * 32  # two images stand for all 64
    product = min(repeat(lambda: x @ W.T + b, number=1, repeat=50))
print(f"loops {loops:.2f} s, product {product:.6f} s: {loops / product:,.0f} times as fast")
