"""The building blocks of a network. Read layer.py (the contract), then dense.py, then activations.py."""

from nn_from_scratch.layers.activations import Activation, ReLU, Sigmoid, Softmax
from nn_from_scratch.layers.dense import Dense
from nn_from_scratch.layers.layer import Layer

# The layers a saved network can be made of, by the name the file uses. A new layer is a class and a line here.
LAYERS: dict[str, type[Layer]] = {layer.__name__: layer for layer in (Dense, ReLU, Sigmoid, Softmax)}

__all__ = ["LAYERS", "Activation", "Dense", "Layer", "ReLU", "Sigmoid", "Softmax"]
