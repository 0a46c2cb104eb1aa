"""The checks: they run the learner's code, and name a mistake in one sentence.

A check is a function `test_…` in a chapter's test_chapter.py. Its docstring says what holds if it passes. If something
is wrong, it raises `Wrong`. It gets the learner's code from `my_nn`, through `mine`.
"""

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from course.chapters import WORK, Chapter
from nn_from_scratch import Layer
from nn_from_scratch.command_line.programs import module_in


class Wrong(AssertionError):
    """A mistake, in a sentence for the learner."""


# ---- what the learner wrote ----


def mine(name: str) -> Any:
    """`mine("dense.Dense")` is the class Dense in my_nn/dense.py.

    Raises Wrong if it isn't there, or if the learner didn't write it.
    """
    module_name, _, attribute = name.partition(".")
    module = _module(module_name)
    if not hasattr(module, attribute):
        raise Wrong(f"my_nn/{module_name}.py has no {attribute} yet.")
    found = getattr(module, attribute)
    if (home := getattr(found, "__module__", "")).partition(".")[0] != "my_nn":
        raise Wrong(f"{attribute} in my_nn/{module_name}.py is imported from {home}: write your own.")
    return found


def _module(name: str) -> ModuleType:
    path = WORK / f"{name}.py"
    if not path.is_file():
        raise Wrong(f"There is no {path.as_posix()} yet: make it.")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(f"my_nn.{name}")
    except SyntaxError as problem:
        raise Wrong(
            f"{_shown(problem.filename)}, line {problem.lineno}: Python can't read this: {problem.msg}."
        ) from None
    except Exception as problem:
        raise Wrong(told(problem)) from None


def told(problem: BaseException) -> str:
    """An exception that the learner's code raised: its place, and Python's message."""
    if missing := _missing_method(problem):
        return missing
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if _is_theirs(frame.filename)]
    what = f"{type(problem).__name__}: {problem}".rstrip(": ")
    if not frames:
        return f"Python says {what}."
    place = f"{_shown(frames[-1].filename)}, line {frames[-1].lineno}"
    return f"{place}: Python stops here and says {what}."


def _missing_method(problem: BaseException) -> str | None:
    """A sentence, if the learner's class doesn't have a method yet: the package's Layer then raises the error."""
    if not isinstance(problem, NotImplementedError):
        return None
    *_, (frame, _) = traceback.walk_tb(problem.__traceback__)
    kind = type(frame.f_locals.get("self"))
    home, _, file = kind.__module__.partition(".")
    if home != "my_nn":
        return None
    return f"{kind.__name__} in my_nn/{file}.py has no method {frame.f_code.co_name} yet."


def _is_theirs(file: str) -> bool:
    return Path(file).parent.resolve() == WORK.resolve()


def _shown(file: str | None) -> str:
    return f"my_nn/{Path(file or '?').name}"


# ---- layers, before there is a network ----


def placed(layer: Any, input_shape: tuple[int, ...], seed: int = 0) -> Any:
    """The layer with arrays for its parameters, their gradients and its state, in float64, and its first values.

    The gradients begin as nan, to show if one of them is never written.
    """
    for shapes, prefix, value in (
        (layer.parameter_shapes(input_shape), "", 0.0),
        (layer.parameter_shapes(input_shape), "d", np.nan),
        (layer.state_shapes(input_shape), "", 0.0),
    ):
        expect(isinstance(shapes, dict), 'parameter_shapes should return a dict, such as {"W": (5, 3), "b": (5,)}.')
        for name, shape in shapes.items():
            setattr(layer, prefix + name, np.full(shape, value))
    layer.initialize(np.random.default_rng(seed))
    return layer


def attempt(work: Callable[[], Any], sentence: str) -> Any:
    """The result of the work. If its arrays don't fit each other, raises Wrong: Python's message, and the sentence."""
    try:
        return work()
    except ValueError as problem:
        raise Wrong(f"{told(problem)} {sentence}") from None


# ---- comparing ----


def expect(condition: object, sentence: str) -> None:
    """Raise Wrong with the sentence unless the condition holds."""
    if not condition:
        raise Wrong(sentence)


def same(
    found: Any, expected: Any, what: str, mistakes: Mapping[str, Any] | None = None, tolerance: float = 1e-9
) -> None:
    """Raise Wrong unless both are numbers, or arrays of one shape, that agree to `tolerance`, relative to the largest.

    `mistakes` maps sentences about usual mistakes to the values that these mistakes lead to. If one of these values was
    found, Wrong has its sentence.
    """
    expected = np.asarray(expected, float)
    if found is None:
        raise Wrong(f"{what} is None. Did you forget `return`?")
    try:
        values = np.asarray(found, float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be {_text(expected)}, but is a {type(found).__name__}.") from None
    if _close(values, expected, tolerance):  # first: a mistake can give the right values, as dx = dy does for y = 1 · x
        return
    for sentence, wrong in (mistakes or {}).items():
        if _close(values, np.asarray(wrong, float), tolerance):
            raise Wrong(sentence)
    if values.shape != expected.shape:
        raise Wrong(f"{what} should have the shape {expected.shape}, but has {values.shape}.")
    if np.isnan(values).any() and not np.isnan(expected).any():
        raise Wrong(f"{what} is nan, not a number: 0 was divided by 0, or infinity by infinity.")
    raise Wrong(f"{what} should be {_text(expected)}, but is {_text(values)}.")


def _close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    if found.shape != expected.shape:
        return False
    scale = max(1e-300, float(np.abs(expected).max(initial=0)))
    return bool(np.all(np.abs(found - expected) <= tolerance * max(scale, 1e-3)))


def _text(array: np.ndarray) -> str:
    """A number, or the first few of an array."""
    if array.ndim == 0:
        return f"{float(array):.6g}"
    numbers = ", ".join(f"{value:.4g}" for value in array.ravel()[:6])
    return f"[{numbers}{', …' if array.size > 6 else ''}]" + (f" in the shape {array.shape}" if array.ndim > 1 else "")


# ---- running ----


def checks(chapter: Chapter) -> list[Callable[[], None]]:
    """The checks of a chapter, in the order in which they stand in its file."""
    path = chapter.directory / "test_chapter.py"
    if not path.is_file():
        return []
    module = module_in(path, f"course_chapter_{chapter.number}")
    return [value for name, value in vars(module).items() if name.startswith("test_") and inspect.isfunction(value)]


def run(chapter: Chapter) -> Iterator[tuple[str, str | None]]:
    """For each check its subject, and the mistake that it finds, or None. Ends at the first mistake."""
    for check in checks(chapter):
        about = inspect.getdoc(check) or check.__name__
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                check()
        except Wrong as problem:
            yield about, str(problem)
            return
        except Exception as problem:
            yield about, told(problem)
            return
        yield about, None


def own_layers() -> list[type]:
    """The layers that the learner invented: every Layer that my_nn/own_layer.py defines."""
    module = _module("own_layer")
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Layer) and value.__module__ == module.__name__
    ]
    expect(found, "my_nn/own_layer.py has no layer yet: class …(Layer).")
    return found
