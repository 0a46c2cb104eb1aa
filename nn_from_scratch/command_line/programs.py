"""The programs by name, as `python -m nn_from_scratch NAME` starts them: scripts, modules, and the course.

In a clone, the scripts and the course are in the root, where people can read them. The wheel has the same files in
nn_from_scratch/programs/.
"""

import importlib
import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import nn_from_scratch

PACKAGE = Path(nn_from_scratch.__file__).parent
INSTALLED = (PACKAGE / "programs").is_dir()  # from a wheel
HOME = PACKAGE / "programs" if INSTALLED else PACKAGE.parent
REPOSITORY = "https://github.com/nn-from-scratch/nn_from_scratch"

SCRIPTS = {"train": "train.py", "evaluate": "evaluate.py", "tune": "hyper-tune.py", "weights": "plot_weights.py"}
MODULES = {
    "dashboard": "nn_from_scratch.dashboard.__main__",
    "web": "nn_from_scratch.web.__main__",
    "data": "nn_from_scratch.data.__main__",
    "export": "nn_from_scratch.export.__main__",
    "convert": "nn_from_scratch.convert.__main__",
    "course": "course.__main__",
}
NAMES = (*SCRIPTS, *MODULES)


def main_of(name: str) -> Callable[[], None]:
    """The function that starts a program. Raises KeyError if there is no such program."""
    if name in MODULES:
        if name == "course":  # its own files import it by this name
            sys.path.insert(0, str(HOME))
        return importlib.import_module(MODULES[name]).main
    return module_in(HOME / SCRIPTS[name], name).main


def module_in(path: Path, name: str) -> ModuleType:
    """The module in a file that can't be imported by its name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def called() -> str:
    """The command that the user typed: train.py, python -m nn_from_scratch.web, or python -m nn_from_scratch train."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    name = module.name.removesuffix(".__main__") if module else ""
    return f"python -m {name}" if name.startswith("nn_from_scratch.") else os.path.basename(sys.argv[0])


def typed(words: Sequence[str]) -> str:
    """Options, quoted for the shell of this platform."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def command(name: str) -> str:
    """The command that starts a program, for a message: a script's file name only if the user has started a script."""
    if name in SCRIPTS and called() in SCRIPTS.values():
        return f"python {SCRIPTS[name]}"
    return f"python -m nn_from_scratch {name}"
