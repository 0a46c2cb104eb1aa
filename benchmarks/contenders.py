"""Who competes: nn_from_scratch, its floor, PyTorch three ways, scikit-learn. Who can't is named, with the reason.

Each function returns the contenders for one kind of work on the same recipe and data; a text stands in for a contender
that is not installed or does no such thing.
"""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec

from benchmarks import floor, ours
from benchmarks.plain import plain
from benchmarks.timing import Contender
from nn_from_scratch import Recipe, Split

OURS, FLOOR, SKLEARN = "nn_from_scratch", "floor", "scikit-learn"
EAGER, FUSED, COMPILED = "PyTorch", "PyTorch fused", "torch.compile"
BEYOND = "beyond the floor"  # ours without it, in the profile
INSTEAD = "with the other choice"  # in the reasons
WATCHED = "in a browser"  # the live page, with somebody watching
PREDICTED_AT_ONCE = 1000  # images; what nn_from_scratch.predict does by default

NO_TORCH = None if find_spec("torch") else "PyTorch is not installed (pip install torch)"
NO_SKLEARN = None if find_spec("sklearn") else "scikit-learn is not installed (pip install scikit-learn)"
_COMPILERS = [os.environ.get("CXX", ""), "g++", "clang++", "cl"]
NO_COMPILE = NO_TORCH or (
    None if any(map(shutil.which, _COMPILERS)) else "torch.compile needs a C++ compiler, and there is none"
)

if not NO_TORCH:
    from benchmarks import pytorch
if not NO_SKLEARN:
    from benchmarks import scikit_learn


def steps(recipe: Recipe, split: Split) -> dict[str, Contender]:
    """A training step each. scikit-learn does no single step, unless the whole set is one batch."""
    full_batch = recipe.batch_size is None
    images = len(split) - len(split) % (recipe.batch_size or 1)
    split = split.select(slice(0, images))  # every batch of the same size
    whole_epochs = "scikit-learn does whole epochs only: see there"
    return {
        OURS: ours.step(recipe, split),
        FLOOR: floor.step(recipe.sizes, recipe.batch_size or images),
        **_pytorch(lambda kind: pytorch.step(plain(recipe), split, kind)),
        SKLEARN: NO_SKLEARN or (scikit_learn.epoch(plain(recipe), split) if full_batch else whole_epochs),
    }


def epochs(recipe: Recipe, split: Split) -> dict[str, Contender]:
    """A pass over the data each."""
    return {
        OURS: ours.epoch(recipe, split),
        FLOOR: floor.epoch(recipe.sizes, recipe.batch_size or len(split), len(split)),
        **_pytorch(lambda kind: pytorch.epoch(plain(recipe), split, kind)),
        SKLEARN: NO_SKLEARN or scikit_learn.epoch(plain(recipe), split),
    }


def predictions(recipe: Recipe, split: Split) -> dict[str, Contender]:
    """The outputs for all images each, a thousand at a time. An optimizer has no part in it, fused or not."""
    return {
        OURS: ours.predictions(recipe, split),
        FLOOR: floor.predictions(recipe.sizes, PREDICTED_AT_ONCE, len(split)),
        **_pytorch(lambda kind: pytorch.predictions(plain(recipe), split, kind, PREDICTED_AT_ONCE)),
        FUSED: "no optimizer takes part in predictions",
        SKLEARN: NO_SKLEARN or scikit_learn.predictions(plain(recipe), split, PREDICTED_AT_ONCE),
    }


def _pytorch(make: Callable[[str], Callable[[], object]]) -> dict[str, Contender]:
    contenders: dict[str, Contender] = {EAGER: NO_TORCH or make("eager"), FUSED: NO_TORCH or make("fused")}
    if NO_COMPILE:
        return contenders | {COMPILED: NO_COMPILE}
    compiled = make("compiled")
    try:
        compiled()  # the compiler works at the first call
    except Exception as problem:
        return contenders | {COMPILED: f"torch.compile failed: {(str(problem).splitlines() or [repr(problem)])[0]}"}
    return contenders | {COMPILED: compiled}
