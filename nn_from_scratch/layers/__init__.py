"""The building blocks of a network. Read layer.py (the contract), then dense.py, then activations.py."""

from nn_from_scratch.layers.activations import Activation, ReLU, Sigmoid, Softmax
from nn_from_scratch.layers.dense import Dense
from nn_from_scratch.layers.layer import Layer
from nn_from_scratch.words import Table

# The layers that a recipe and a file can name. A new layer is a class and its name here.
LAYERS: Table[Layer] = Table("layer", Dense, ReLU, Sigmoid, Softmax)

__all__ = ["LAYERS", "Activation", "Dense", "Layer", "ReLU", "Sigmoid", "Softmax"]
