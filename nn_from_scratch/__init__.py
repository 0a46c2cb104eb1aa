"""A neural network from scratch: NumPy, classes that fit on a screen, and every equation beside the code.

Read the files in this order:

1. layers/layer.py         what a layer is: forward, and two derivatives
2. layers/dense.py         the layer that learns
3. layers/activations.py   ReLU, Sigmoid, Softmax
4. losses.py               what is made small
5. network.py              layers in a row: back-propagation
6. initializers.py         the first weights
7. optimizers.py           SGD and Adam
8. schedules.py            the learning rate over time
9. training.py             the loop
10. recipe.py              what a training is asked to do
11. presets.py             named recipes
12. ensemble.py            several networks that answer together
"""

from nn_from_scratch import startup  # first: before anything can fail or take time

# isort: split
from nn_from_scratch.data import Dataset, Split, load_dataset
from nn_from_scratch.data.batches import Batches
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import Activation, Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import SGD, Adam, Optimizer
from nn_from_scratch.presets import PRESETS
from nn_from_scratch.randomness import random_streams
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.schedules import Constant, Cosine, OneCycle, Schedule, StepDecay
from nn_from_scratch.storage import SavedEnsemble, SavedNetwork, load, save
from nn_from_scratch.training import Diverged, EpochResult, evaluate, fit, predict, train_step

startup.over()

__version__ = "1.0.0"  # pyproject.toml reads it here

__all__ = [
    "PRESETS",
    "SGD",
    "Activation",
    "Adam",
    "BadInput",
    "Batches",
    "BinaryCrossEntropy",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "Dataset",
    "Dense",
    "Diverged",
    "Ensemble",
    "EpochResult",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "Network",
    "OneCycle",
    "Optimizer",
    "ReLU",
    "Recipe",
    "SavedEnsemble",
    "SavedNetwork",
    "Schedule",
    "Sigmoid",
    "Softmax",
    "Split",
    "StepDecay",
    "evaluate",
    "fit",
    "load",
    "load_dataset",
    "predict",
    "random_streams",
    "save",
    "train_step",
]
