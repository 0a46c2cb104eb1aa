"""A neural network from scratch: NumPy, classes that fit on a screen, and every equation beside the code.

Read the files in this order:

1. layers/layer.py         what a layer is: forward, and two derivatives
2. layers/dense.py         the layer that learns
3. layers/activations.py   ReLU, Sigmoid, Softmax
4. layers/images.py        how images lie in memory
5. layers/conv2d.py        the layer that finds patterns everywhere in an image
6. layers/pooling.py       fewer pixels
7. layers/flatten.py       images as rows of numbers
8. layers/dropout.py       noise that helps to learn
9. layers/batch_norm.py    numbers of the same size in every layer
10. losses.py              how wrong the predictions are
11. network.py             layers in a row: back-propagation
12. initializers.py        the first weights
13. optimizers.py          SGD and Adam
14. schedules.py           the learning rate over time
15. training.py            the loop
16. recipe.py              all settings of a training
17. presets.py             named recipes
18. ensemble.py            several networks that answer together

Dense networks need none of 4 to 9: leave these out on a first reading.
"""

from nn_from_scratch import startup  # first: before anything can fail or take time

# isort: split
from nn_from_scratch.data import Dataset, Split, load_dataset
from nn_from_scratch.data.augmentation import Affine, Augment, Augmentation, Elastic
from nn_from_scratch.data.batches import Batches
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import (
    Activation,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Softmax,
)
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
    "Affine",
    "Augment",
    "Augmentation",
    "AveragePool2D",
    "BadInput",
    "BatchNorm",
    "Batches",
    "BinaryCrossEntropy",
    "Constant",
    "Conv2D",
    "Cosine",
    "CrossEntropy",
    "Dataset",
    "Dense",
    "Diverged",
    "Dropout",
    "Elastic",
    "Ensemble",
    "EpochResult",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "Loss",
    "MaxPool2D",
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
