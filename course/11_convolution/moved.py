"""The output of a kernel when a digit moves: `python -m course.11_convolution.moved`."""

import numpy as np

import nn_from_scratch as nn

image = nn.load_dataset("digits").test.images[:1].reshape(1, 1, 28, 28) / 255
network = nn.Network([nn.Conv2D(1, 5)], (1, 28, 28), seed=0, dtype=np.float64)
before, after = network.forward(image), network.forward(np.roll(image, 2, axis=3))
print("moved along:", np.allclose(before[..., 2:-4], after[..., 4:-2]))
