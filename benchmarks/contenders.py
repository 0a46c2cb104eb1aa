"""The contenders: nn_from_scratch, its floor, PyTorch, JAX, scikit-learn.

Each function returns the contenders for one kind of work on the same recipe and data. If a contender is not installed,
or can't do this work, a text with the reason takes its place.
"""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec

from benchmarks import elsewhere, floor, ours
from benchmarks.plain import plain
from benchmarks.timing import Contender
from nn_from_scratch import Recipe, Split

OURS, FLOOR, SKLEARN, JAX = "nn_from_scratch", "floor", "scikit-learn", "JAX jit"
EAGER, FUSED, COMPILED = "PyTorch", "PyTorch fused", "torch.compile"
LAST, COMPILED_LAST = "PyTorch channels_last", "torch.compile channels_last"
BEYOND = "beyond the floor"  # our time minus the floor, in the profile
INSTEAD = "with the other choice"  # in the reasons
WATCHED = "in a browser"  # the live page, with somebody watching
PREDICTED_AT_ONCE = 1000  # images; the most that nn_from_scratch.predict takes at once by default

KINDS = {  # their names in pytorch.py
    EAGER: "eager",
    FUSED: "fused",
    LAST: "fused channels-last",
    COMPILED: "compiled",
    COMPILED_LAST: "compiled channels-last",
}
PEERS = {"fastest PyTorch": tuple(KINDS), "fastest JAX": (JAX,), "fastest scikit-learn": (SKLEARN,)}

NO_TORCH = None if find_spec("torch") else "PyTorch is not installed (pip install torch)"
NO_SKLEARN = None if find_spec("sklearn") else "scikit-learn is not installed (pip install scikit-learn)"
NO_JAX = None if find_spec("jax") else "JAX is not installed (pip install jax)"
_COMPILERS = [os.environ.get("CXX", ""), "g++", "clang++", "cl"]
NO_COMPILE = NO_TORCH or (
    None if any(map(shutil.which, _COMPILERS)) else "torch.compile needs a C++ compiler, and there is none"
)

if not NO_TORCH:
    import torch

    from benchmarks import pytorch
if not NO_SKLEARN:
    from benchmarks import scikit_learn


def steps(recipe: Recipe, split: Split, threads: int) -> dict[str, Contender]:
    """A training step of each. scikit-learn can't do a single step, unless the whole set is one batch."""
    images = len(split) - len(split) % (recipe.batch_size or 1)
    split = split.select(slice(0, images))  # every batch of the same size
    return {
        OURS: ours.step(recipe, split, threads),
        FLOOR: floor.step(recipe, recipe.batch_size or images),
        **_pytorch(recipe, lambda kind: pytorch.step(plain(recipe), split, kind)),
        JAX: _jax(threads, "step", recipe, split),
        SKLEARN: NO_SKLEARN or scikit_learn.step(plain(recipe), split),
    }


def epochs(recipe: Recipe, split: Split, threads: int) -> dict[str, Contender]:
    """A pass over the data by each."""
    return {
        OURS: ours.epoch(recipe, split, threads),
        FLOOR: floor.epoch(recipe, recipe.batch_size or len(split), len(split)),
        **_pytorch(recipe, lambda kind: pytorch.epoch(plain(recipe), split, kind)),
        JAX: _jax(threads, "epoch", recipe, split),
        SKLEARN: NO_SKLEARN or scikit_learn.epoch(plain(recipe), split),
    }


def predictions(recipe: Recipe, split: Split, threads: int) -> dict[str, Contender]:
    """The outputs for all images by each, a thousand images at a time. Optimizers, fused or not, take no part."""
    without = _pytorch(recipe, lambda kind: pytorch.predictions(plain(recipe), split, kind, PREDICTED_AT_ONCE))
    if EAGER in without:
        without[FUSED] = "no optimizer takes part in predictions"
    return {
        OURS: ours.predictions(recipe, split, threads),
        FLOOR: floor.predictions(recipe, PREDICTED_AT_ONCE, len(split)),
        **without,
        JAX: _jax(threads, "predictions", recipe, split, PREDICTED_AT_ONCE),
        SKLEARN: NO_SKLEARN or scikit_learn.predictions(plain(recipe), split, PREDICTED_AT_ONCE),
    }


def has_images(recipe: Recipe) -> bool:
    """Whether its layers take images, which have a memory order."""
    return len(recipe.input_shape) == 3


def _pytorch(recipe: Recipe, make: Callable[[str], Callable[[], object]]) -> dict[str, Contender]:
    """PyTorch in all its ways; with images in both memory orders, and then without the default optimizer."""
    names = (FUSED, LAST, COMPILED, COMPILED_LAST) if has_images(recipe) else (EAGER, FUSED, COMPILED)
    if NO_TORCH:
        return dict.fromkeys(names, NO_TORCH)
    torch.compiler.reset()  # otherwise the compiler gives up after a few networks
    return {name: _compiled(make, KINDS[name]) if "compiled" in KINDS[name] else make(KINDS[name]) for name in names}


def _compiled(make: Callable[[str], Callable[[], object]], kind: str) -> Contender:
    if NO_COMPILE:
        return NO_COMPILE
    compiled = make(kind)
    try:
        compiled()  # the compiler works at the first call
    except Exception as problem:
        return f"torch.compile failed: {(str(problem).splitlines() or [repr(problem)])[0]}"
    return compiled


def _jax(threads: int, make: str, recipe: Recipe, *arguments: object) -> Contender:
    """JAX with the work that a function of jax_jit.py makes."""
    if NO_JAX:
        return NO_JAX
    module, simple = "benchmarks.jax_jit", plain(recipe)
    return elsewhere.call(threads, module, "why_not", simple) or elsewhere.Elsewhere(
        threads, module, make, simple, *arguments
    )
