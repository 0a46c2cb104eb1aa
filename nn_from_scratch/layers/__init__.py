"""The building blocks of a network. Read layer.py (the contract), then dense.py, then activations.py.

Then come the layers of convolutional networks: images.py (the memory order of images), conv2d.py, pooling.py,
flatten.py. Two more can help any network to learn: dropout.py, batch_norm.py.
"""

from nn_from_scratch.layers.activations import Activation, ReLU, Sigmoid, Softmax
from nn_from_scratch.layers.batch_norm import BatchNorm
from nn_from_scratch.layers.conv2d import Conv2D
from nn_from_scratch.layers.dense import Dense
from nn_from_scratch.layers.dropout import Dropout
from nn_from_scratch.layers.flatten import Flatten
from nn_from_scratch.layers.layer import Layer
from nn_from_scratch.layers.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from nn_from_scratch.words import Table

# The layers that a recipe and a file can name. A new layer is a class and its name here.
LAYERS: Table[Layer] = Table(
    "layer",
    *(Dense, ReLU, Sigmoid, Softmax),
    *(Conv2D, MaxPool2D, AveragePool2D, GlobalAveragePool2D, Flatten, Dropout, BatchNorm),
)

__all__ = [
    "LAYERS",
    "Activation",
    "AveragePool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "MaxPool2D",
    "ReLU",
    "Sigmoid",
    "Softmax",
]
