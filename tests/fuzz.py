"""Feeds the readers of files with damaged ones, a great many, and reports what happened: `python -m tests.fuzz`.

Every input is a valid file with something done to it, drawn from a seed. It may be read or be refused as BadInput;
anything else is a bug, and so is taking more than two seconds of the processor's time or 500 MB. Files that are packed
are also damaged before they are packed, as a checksum would keep most damage from the reader behind it. The exit code
is 1 if there was a bug, and the inputs that led to bugs are kept.
"""

import argparse
import gzip
import json
import random
import resource
import signal
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import process_time
from traceback import format_exception_only
from typing import Any

import numpy as np
from PIL import Image

from nn_from_scratch.data import Dataset, load_dataset
from nn_from_scratch.data.idx import read_idx
from nn_from_scratch.errors import BadInput
from nn_from_scratch.handwriting.decoding import FORMATS
from nn_from_scratch.handwriting.picture import read_image
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.runs.ensemble_run import EnsembleRun, ensemble_run_in, save_ensemble_checkpoint
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage import SavedEnsemble, SavedNetwork, json_files, load, save
from nn_from_scratch.training import Diverged
from tests.conftest import SMALL, random_split
from tests.data.samples import csv_bytes, idx_bytes, npz_bytes, pictures, write_idx_files, zip_bytes
from tests.handwriting.strokes import drawn

SECONDS = 2.0
MEGABYTES = 500


# ---- the damage ----

# What parsers stumble over: ends of ranges, marks of other formats, punctuation of their own.
WORDS = [
    *(
        b"\0",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x80\0\0\0",
        b"\0\0\x08\x03",
        b"\x1f\x8b",
        b"PK\x03\x04",
    ),
    *(b"\n", b"\r", b",", b";", b'"', b"'", b" ", b"-", b"+", b".", b"e", b"[", b"]", b"{", b"}", b":", b"\\", b"\\u"),
    *(
        b"-1",
        b"256",
        b"1e999",
        b"9" * 400,
        b"NaN",
        b"nan",
        b"inf",
        b"-Infinity",
        b"1.0",
        b"0x1",
        b"1_0",
        b"true",
        b"null",
    ),
    *(b"\xef\xbb\xbf", b"\xc3\x28", b"\xed\xa0\x80", b"<html>", b"../", b"\x93NUMPY", b"[" * 5000, b'{"a":' * 5000),
]
NUMBERS = [0, 1, -1, 2, 3, 7, 16, 255, 256, 0.5, 1e-45, 1e39, 1e308, 2**31, 2**32, 2**63, 2**64, 10**18, 10**400]
VALUES = [
    None,
    True,
    False,
    "",
    "0",
    "Dense",
    "ReLU",
    "relu",
    "adam",
    "float64",
    "\ud800",
    [],
    {},
    [[]],
    [1, [2]],
    *NUMBERS,
]


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """Overwrite, insert, take out, cut off, repeat or exchange some bytes."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at, length = rng.randrange(len(damaged) + 1), rng.choice([1, 1, 2, 4, 20, 200])
        match rng.randrange(7):
            case 0:
                damaged[at : at + length] = rng.randbytes(length)
            case 1:
                word = rng.choice(WORDS)
                damaged[at : at + rng.choice([0, len(word)])] = word
            case 2:
                del damaged[at : at + length]
            case 3:
                del damaged[at:]
            case 4:
                damaged[at:at] = damaged[at : at + rng.choice([length, 5000])] * rng.choice([1, 2, 9])
            case 5 if damaged:
                damaged[at % len(damaged)] ^= 1 << rng.randrange(8)
            case 6:
                to = rng.randrange(len(damaged) + 1)
                damaged[at : at + length], damaged[to : to + length] = (
                    damaged[to : to + length],
                    damaged[at : at + length],
                )
    return bytes(damaged)


def damage_cells(content: bytes, rng: random.Random) -> bytes:
    """Put something else into cells of a table, or take them out."""
    rows = [line.split(b",") for line in content.split(b"\n")]
    for _ in range(rng.choice([1, 1, 2, 5])):
        row = rng.choice(rows)
        at = rng.randrange(len(row))
        row[at : at + rng.choice([1, 1, 1, 0, 2])] = [rng.choice([*WORDS, str(rng.choice(NUMBERS)).encode()])]
    return b"\n".join(b",".join(row) for row in rows)


def damage_document(content: bytes, rng: random.Random) -> bytes:
    """Exchange values of a JSON document, take them out, double them, or put them elsewhere."""
    document = json.loads(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        containers = list(_containers(document))
        at = rng.choice(containers)
        key: Any = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
        match rng.randrange(5):
            case 0:
                del at[key]
            case 1:
                at[key] = deepcopy(rng.choice(VALUES))
            case 2:
                at[key] = deepcopy(rng.choice(containers))
            case 3:
                if isinstance(at[key], int | float):
                    at[key] *= rng.choice([-1, 2, 0.5, 10**9])
                else:
                    at[key] = [at[key]]
            case 4:
                if isinstance(at, list):
                    at.insert(key, at[key])
                else:
                    at[rng.choice(["", "extra", "W", "state"])] = at[key]
        if not any(_containers(document)):
            break
    return json.dumps(document).encode()


def _containers(value: Any) -> Iterator[dict | list]:
    """Every object and list in a document that has something in it."""
    if isinstance(value, dict | list) and value:
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _containers(item)


def within_gzip(damage: Callable[[bytes, random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    return lambda content, rng: gzip.compress(damage(gzip.decompress(content), rng), 1)


def within_zip(damage: Callable[[bytes, random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    def damage_member(content: bytes, rng: random.Random) -> bytes:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = rng.choice(list(members))
        if name.endswith(".npy") and rng.randrange(2):  # its header, of 128 bytes, is what is parsed
            members[name] = damage(members[name][:128], rng) + members[name][128:]
        else:
            members[name] = damage(members[name], rng)
        return zip_bytes(members)

    return damage_member


# ---- the readers, and valid files for them ----


@dataclass
class Parser:
    """A reader of files, with the valid ones to damage and the ways to do so."""

    name: str
    read: Callable[[Path], object]
    valid: list[bytes]
    damages: list[Callable[[bytes, random.Random], bytes]]
    file: str = "input"  # the name under which it gets its input


def parsers(directory: Path) -> list[Parser]:
    """All of them; `directory` is a place for the files that they need beside their input."""
    x, y = pictures(12)
    arrays = {"x_train": x, "y_train": y, "x_test": x[:5], "y_test": y[:5]}
    tables = [csv_bytes(x, y), csv_bytes(x, y, header=True)]
    images = [idx_bytes(x), gzip.compress(idx_bytes(x), mtime=0)]
    mnist = write_idx_files(directory / "mnist")
    labels = "train-labels-idx1-ubyte.gz"
    network, checkpoint = directory / "network.json", directory / "checkpoint.json"
    ensemble, ensemble_checkpoint = directory / "ensemble.json", directory / "ensemble.checkpoint.json"
    run = _small_run()
    _train_until(run, step=6)  # in the middle of the second epoch: something is in every place
    save(SavedNetwork(run.network, (0, 1, 2), metrics={"accuracy": 0.5}), network)
    save_checkpoint(run, checkpoint)
    member = SavedNetwork(run.network, (0, 1, 2), metrics={"accuracy": 0.5})
    save(SavedEnsemble([member, member]), ensemble)
    members = EnsembleRun(run.recipe, DATA, validation=5)
    members.members[0].checkpoint = json.loads(checkpoint.read_bytes())
    save_ensemble_checkpoint(members, ensemble_checkpoint)
    plain = {
        "hidden_layer": {"weights": [[1, -1], [2, 0.5], [-1, -1]], "biases": [[0.5], [-1], [0]]},
        "output_layer": {"weights": [[1, 0, 1], [-1, 2, 1]], "biases": [[0], [0.25]]},
    }
    gzipped = [gzip.compress(table, mtime=0) for table in tables]
    zipped = [zip_bytes({"train.csv": table}) for table in tables]
    in_gzip = within_gzip(damage_bytes)
    documents = [damage_bytes, damage_document, damage_document]
    return [
        Parser("IDX", lambda path: read_idx(path, 3), images, [damage_bytes]),
        Parser("IDX, within gzip", lambda path: read_idx(path, 3), images[1:], [in_gzip]),
        Parser("IDX, a directory", load_dataset, [(mnist / labels).read_bytes()], [in_gzip], f"mnist/{labels}"),
        Parser("CSV", load_dataset, tables, [damage_bytes, damage_cells]),
        Parser("CSV, gzipped", load_dataset, gzipped, [damage_bytes, within_gzip(damage_cells)]),
        Parser("CSV, zipped", load_dataset, zipped, [damage_bytes, within_zip(damage_cells)]),
        Parser("npz", load_dataset, [npz_bytes(**arrays)], [damage_bytes, within_zip(damage_bytes)]),
        Parser("pictures", read_image, _pictures(), [damage_bytes]),
        Parser("network, JSON", _load_and_save, [network.read_bytes(), json.dumps(plain).encode()], documents),
        Parser("checkpoint, JSON", _resume, [checkpoint.read_bytes()], documents),
        Parser("ensemble, JSON", _load_and_save, [ensemble.read_bytes()], documents),
        Parser("its checkpoint, JSON", _resume_ensemble, [ensemble_checkpoint.read_bytes()], documents),
    ]


def _pictures() -> list[bytes]:
    """A digit in every format that pictures may have."""
    digit = Image.fromarray(255 - drawn(3, (60, 50), 40, 6))
    contents = []
    for format in (*FORMATS, "PPM"):
        content = BytesIO()
        digit.save(content, format)
        contents.append(content.getvalue())
    return contents


DATA = Dataset("tiny", *(random_split(np.random.default_rng(n), n) for n in (30, 10)), "a fuzz run")


def _small_run() -> TrainingRun:
    recipe = SMALL.override(sizes=(16, 4, 3), schedule="one-cycle")
    return TrainingRun(recipe, DATA, validation=5)


def _load_and_save(path: Path) -> None:
    """A network that is accepted must be sound enough to be saved again."""
    save(load(path), path)


class _Enough(Exception):
    """Ends a training."""


def _resume(path: Path) -> None:
    """A checkpoint that is accepted must be sound enough to go on with, and to be saved again."""

    run = load_checkpoint(path, lambda name: DATA)
    try:
        _train_until(run, run.progress.step + 1)
    except Diverged:  # then there is nothing to go on with
        return
    save_checkpoint(run, path)


def _resume_ensemble(path: Path) -> None:
    """Likewise; the members' first steps are left out, as each is the run of a checkpoint."""
    with json_files.document(path) as document:
        run = ensemble_run_in(document, lambda name: DATA)
    save_ensemble_checkpoint(run, path)


def _train_until(run: TrainingRun, step: int) -> None:
    def stop(number: int, loss: float) -> None:
        if number == step:
            raise _Enough

    with suppress(_Enough):
        list(run.epochs(stop))


# ---- the run ----


class TooLong(BaseException):
    """More than SECONDS of the processor's time; not an Exception, so that no reader can catch it."""


@contextmanager
def limits() -> Iterator[None]:
    """An alarm for what takes too long, and, on Linux, an end to memory: MEGABYTES beyond what the process has now."""

    def ring(*_: object) -> None:
        raise TooLong

    handler, (soft, hard) = signal.signal(signal.SIGPROF, ring), resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":
        size_now = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size_now + MEGABYTES * 2**20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, handler)


def peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in kB; on macOS in bytes
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


@dataclass
class Outcome:
    """What became of the inputs of one parser."""

    outcomes: Counter[str] = field(default_factory=Counter)  # "read", "refused", or a bug with its number
    slowest: float = 0.0
    memory: float = 0.0  # MB beyond what the process had before
    bugs: dict[str, bytes] = field(default_factory=dict)  # each kind with the first input that led to it

    def bug(self, kind: str, content: bytes) -> None:
        self.outcomes["bugs"] += 1
        self.bugs.setdefault(kind, content)


def fuzz(parser: Parser, inputs: int, seed: int, directory: Path) -> Outcome:
    """Feed a parser with so many damaged files."""
    rng = random.Random(f"{parser.name} {seed}")
    path, outcome = directory / parser.file, Outcome()
    for valid in parser.valid:  # warm up, and make sure that these are valid
        path.write_bytes(valid)
        parser.read(path)
    before = peak_megabytes()
    with limits(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(inputs):
            content = rng.choice(parser.damages)(rng.choice(parser.valid), rng)
            path.write_bytes(content)
            started = process_time()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                parser.read(path)
                outcome.outcomes["read"] += 1
            except BadInput as refusal:
                outcome.outcomes["refused"] += 1
                if not str(refusal).isprintable():
                    outcome.bug("a message of several lines", content)
            except TooLong:
                outcome.bug(f"more than {SECONDS:g} s", content)
            except Exception as problem:
                outcome.bug(format_exception_only(problem)[-1].strip()[:200], content)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            outcome.slowest = max(outcome.slowest, process_time() - started)
    outcome.memory = peak_megabytes() - before
    if outcome.memory > MEGABYTES:
        outcome.bug(f"{outcome.memory:.0f} MB", b"")
    return outcome


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    options.add_argument("--inputs", type=int, default=9_000, help="in all (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, default=Path("fuzz-bugs"), help="where inputs that led to bugs are kept")
    arguments = options.parse_args()
    found: list[tuple[str, str, bytes]] = []
    total = 0
    print(f"{'parser':<20} {'inputs':>8} {'read':>8} {'refused':>8} {'bugs':>5} {'slowest':>9} {'memory':>8}")
    with tempfile.TemporaryDirectory() as name:
        every = parsers(Path(name))
        for parser in every:
            inputs = -(-arguments.inputs // len(every))
            outcome = fuzz(parser, inputs, arguments.seed, Path(name))
            total += inputs
            read, refused, bugs = (outcome.outcomes[kind] for kind in ("read", "refused", "bugs"))
            line = f"{parser.name:<20} {inputs:>8,} {read:>8,} {refused:>8,} {bugs:>5} {outcome.slowest:>7.3f} s"
            print(f"{line} {outcome.memory:>5.0f} MB", flush=True)
            found += [(parser.name, kind, content) for kind, content in outcome.bugs.items()]
    for number, (parser_name, kind, content) in enumerate(found):
        arguments.keep.mkdir(exist_ok=True)
        (arguments.keep / f"{number}").write_bytes(content)
        print(f"{parser_name}: {kind}: see {arguments.keep / str(number)}")
    print(f"{total:,} inputs, {len(found)} kinds of bugs, {peak_megabytes():.0f} MB at most")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
