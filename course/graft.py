"""The learner's classes take the places of the package's, everywhere: on the live page and in train.py.

This works because they keep the same contracts. Modules find a class by its names; each of these names is bound to the
learner's class.
"""

import importlib
import inspect
import sys
from typing import Any, get_type_hints

from course.chapters import CHAPTERS, WORK, Progress
from nn_from_scratch import PRESETS, BadInput
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.losses import LOSSES

# Layers, losses and initializers. A network, optimizers and a loop have to do more in train.py than in the course.
GRAFTED = (3, 4, 5, 8, 11)


def graft() -> list[str]:
    """Put in all classes whose chapters are passed, and return their names. Raises BadInput if there are none."""
    progress = Progress()
    passed = [CHAPTERS[number] for number in GRAFTED if progress.state(CHAPTERS[number]) == "done"]
    if not passed:
        raise BadInput(
            f"no layer, loss or initializer in {WORK}/ has passed its check: run python -m course check 3 first"
        )
    names = []
    for file, source in (item for chapter in passed for item in chapter.package_files.items()):
        package = importlib.import_module(source.removesuffix(".py").replace("/", "."))
        own = importlib.import_module(f"my_nn.{file.removesuffix('.py')}")
        for name, new in list(vars(own).items()):
            if inspect.isclass(new) and new.__module__ == own.__name__ and hasattr(package, name):
                old = getattr(package, name)
                take_over_types(old, new)
                replace_everywhere(old, new)
                names.append(name)
    return names


def leave_out_presets() -> list[str]:
    """Remove the presets that need more than the learner's classes can do, and return their names."""
    left_out = []
    for name, recipe in list(PRESETS.items()):
        try:
            for word in recipe.layers:
                LAYERS.parse(word)
            LOSSES.parse(recipe.loss)
        except BadInput:
            del PRESETS[name]
            left_out.append(name)
    return left_out


def take_over_types(old: type, new: Any) -> None:
    """Give the arguments of the new constructor the types of the old one's.

    The types are needed to read a word such as "dense:128", and the course doesn't ask the learner for types.
    """
    if "__init__" in vars(new):
        types = get_type_hints(old.__init__)  # type: ignore[misc]
        arguments = inspect.signature(new).parameters
        shared = {name: hint for name, hint in types.items() if name in arguments}
        new.__init__.__annotations__ = shared | new.__init__.__annotations__


def replace_everywhere(old: type, new: type) -> None:
    """Bind every name that modules, tables and classes have for `old` to `new`."""
    for module in [
        module for name, module in sys.modules.items() if name.partition(".")[0] in ("nn_from_scratch", "my_nn")
    ]:
        _replace_in(module, old, new)
        for table in [value for value in vars(module).values() if isinstance(value, dict)]:
            table.update({key: new for key, value in table.items() if value is old})
        for part in [value for value in vars(module).values() if inspect.isclass(value)]:
            _replace_in(part, old, new)


def _replace_in(home: Any, old: type, new: type) -> None:
    for name in [name for name, value in vars(home).items() if value is old]:
        setattr(home, name, new)
