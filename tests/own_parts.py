"""Puts the parts of new_parts.py into their tables: a line each, and nothing else.

Not a test itself: test_own_parts.py runs the scripts in processes that import this first.
"""

from nn_from_scratch.data.augmentation import AUGMENTATIONS
from nn_from_scratch.initializers import INITIALIZERS
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.losses import LOSSES
from nn_from_scratch.optimizers import OPTIMIZERS
from nn_from_scratch.schedules import SCHEDULES
from tests.new_parts import Drift, Halved, LeakyReLU, PowerError, Restless, SignDescent, TwoValues

LAYERS["leaky-relu"] = LeakyReLU
LAYERS["restless"] = Restless
LOSSES["power-error"] = PowerError
OPTIMIZERS["sign-descent"] = SignDescent
SCHEDULES["halved"] = Halved
INITIALIZERS["two-values"] = TwoValues
AUGMENTATIONS["drift"] = Drift
