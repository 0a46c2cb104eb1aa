"""Work before and after training: imports, reading MNIST, networks to and from JSON, the memory of a whole run.

Here the floor is the work of every reader: unpacking the bytes, or turning the text into numbers.
"""

import io
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.contenders import EAGER, FLOOR, JAX, NO_JAX, NO_SKLEARN, NO_TORCH, OURS, SKLEARN
from benchmarks.timing import ROOT, Measured, Row, interleaved, mean_memory, mean_of, median_of, run_process
from nn_from_scratch import PRESETS, Dataset, SavedNetwork, load, load_dataset, save
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, MNIST

Command = list[str | Path]


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """All of it, in files of a temporary directory."""
    directory = Path(os.environ[DIRECTORY_VARIABLE])
    with tempfile.TemporaryDirectory() as temporary:
        yield Row("loading", "MNIST from IDX", None, "s", _idx(directory, repeats))
        yield _csv(data, Path(temporary) / "mnist.csv", 5_000 if quick else len(data.train) + len(data.test), repeats)
        yield from _json(Path(temporary) / "network.json", repeats)
        yield from _processes(repeats)
        yield from _train_script(Path(temporary) / "trained.json", ["--epochs", "1"] if quick else [])
        # Its peak comes in the first epoch, and in the tests after it.
        yield from _train_script(Path(temporary) / "lenet.json", ["--preset", "lenet", "--epochs", "1"])


def _idx(directory: Path, repeats: int) -> dict[str, Measured | str]:
    files = [directory / name for name in MNIST.files]
    missing = next((f"{file} isn't there" for file in files if not file.is_file()), None)

    def unpack() -> list[bytes]:
        return [zlib.decompress(file.read_bytes(), wbits=31) for file in files]  # 31: of gzip

    return interleaved({OURS: lambda: load_dataset(directory), FLOOR: missing or unpack}, repeats)


def _csv(data: Dataset, path: Path, most: int, repeats: int) -> Row:
    """The same images as 128 MB of text. The floor is NumPy alone, which we use, too, with additional checks."""
    images, labels = (
        np.concatenate([getattr(data.train, kind), getattr(data.test, kind)])[:most] for kind in ("images", "labels")
    )
    case = f"{len(labels):,} images from CSV"
    try:
        with open(path, "w", encoding="utf-8") as file:
            for label, image in zip(labels.tolist(), images.reshape(len(images), -1), strict=True):
                file.write(f"{label},{','.join(map(str, image.tolist()))}\n")
    except OSError as problem:
        reason = f"no CSV could be written: {problem.strerror}"
        return Row("loading", case, None, "s", {OURS: reason, FLOOR: reason})
    contenders = {OURS: lambda: load_dataset(path), FLOOR: lambda: np.loadtxt(path, delimiter=",", comments=None)}
    return Row("loading", case, None, "s", interleaved(contenders, min(3, repeats)))


def _json(path: Path, repeats: int) -> Iterator[Row]:
    """A network of the default architecture; the floor is the json module on the same numbers."""
    saved = SavedNetwork(PRESETS["784-128-64-10"].make_network(0))
    save(saved, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    save_contenders = {OURS: lambda: save(saved, path), FLOOR: lambda: json.dump(document, io.StringIO())}
    load_contenders = {OURS: lambda: load(path), FLOOR: lambda: json.loads(path.read_text(encoding="utf-8"))}
    yield Row("loading", "784-128-64-10 to JSON", None, "s", interleaved(save_contenders, repeats))
    yield Row("loading", "784-128-64-10 from JSON", None, "s", interleaved(load_contenders, repeats))


def _processes(repeats: int) -> Iterator[Row]:
    """Python from start to end. The floor is a Python that imports NumPy, and for the script also argparse."""
    code = "-c"
    cases: dict[str, dict[str, Command | str]] = {
        "python train.py --help": {OURS: [ROOT / "train.py", "--help"], FLOOR: [code, "import argparse, numpy"]},
        "import": {
            OURS: [code, "import nn_from_scratch"],
            FLOOR: [code, "import numpy"],
            EAGER: NO_TORCH or [code, "import torch"],
            JAX: NO_JAX or [code, "import jax"],
            SKLEARN: NO_SKLEARN or [code, "import sklearn.neural_network"],
        },
    }
    for case, contenders in cases.items():
        commands: dict[str, Command] = {name: c for name, c in contenders.items() if not isinstance(c, str)}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(repeats + 1):
            for name, command in commands.items():
                process = run_process(sys.executable, *command)
                if turn:  # the first turn only brings the files into memory
                    seconds[name].append(process.seconds)
        results = {
            name: command if isinstance(command, str) else median_of(seconds[name])
            for name, command in contenders.items()
        }
        yield Row("loading", case, None, "s", results)


def _train_script(output: Path, options: list[str]) -> Iterator[Row]:
    """`python train.py`, run once, as a user runs it."""
    command: Command = [ROOT / "train.py", "--output", output, *options]
    process = run_process(sys.executable, *command)
    case = " ".join(["python train.py", *options])
    yield Row("loading", f"{case}, the whole process", None, "s", {OURS: mean_of([process.seconds])})
    yield Row("loading", f"{case}, peak memory", None, "MB", {OURS: mean_memory([process.megabytes])})
