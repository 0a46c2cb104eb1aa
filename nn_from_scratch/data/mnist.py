"""MNIST, 60,000 + 10,000 handwritten digits, and the places it may be: a directory, the user's cache, the network.

The four files are never part of this package; they are fetched once, checked against their MD5 sums, and kept in the
user's cache. Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nn_from_scratch.data import download
from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.data.idx import load_idx_directory
from nn_from_scratch.errors import BadInput, one_line

DIRECTORY_VARIABLE = "NN_FROM_SCRATCH_DATA"
OFFLINE_VARIABLE = "NN_FROM_SCRATCH_OFFLINE"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = {  # name → (bytes, MD5)
    "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
    "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
}


class MnistUnavailable(BadInput):
    """MNIST is in none of the places; `tried` has a phrase for each."""

    def __init__(self, tried: list[str]) -> None:
        self.tried = tried
        super().__init__(
            f"MNIST is neither on this machine nor reachable; tried {'; tried '.join(tried)}. "
            f"Give the directory with its four files as --data or in {DIRECTORY_VARIABLE}, "
            "or use the small set that is in the package: --data digits"
        )


def load_mnist(notify: Callable[[str], object] | None = None) -> Dataset:
    """MNIST from the first place that has it. `notify` is told before a download starts; it can take a while.

    A directory named by NN_FROM_SCRATCH_DATA must have it: who sets the variable means that directory and no other.
    """
    if given := os.environ.get(DIRECTORY_VARIABLE):
        return _load_from_variable(given)
    tried = [f"{DIRECTORY_VARIABLE}: it isn't set"]
    cache = cache_directory()
    source = f"the cache {one_line(cache)}"
    if problem := _problem_in_cache(cache):
        tried.append(f"{source}: {problem}")
        source = _download(cache, tried, notify)
    return Dataset("mnist", *load_idx_directory(cache), source, noun="digit")


def cache_directory() -> Path:
    import pooch  # only when it is needed: it is of no use to a program that brings its own arrays

    return Path(pooch.os_cache("nn_from_scratch"))


def _load_from_variable(given: str) -> Dataset:
    if not os.path.isdir(given):
        raise BadInput(f"{DIRECTORY_VARIABLE} is {one_line(given)!r}, expected a directory with the files of MNIST")
    try:
        train, test = load_idx_directory(Path(given))
    except BadInput as error:
        raise BadInput(f"{DIRECTORY_VARIABLE}: {error}") from None
    return Dataset("mnist", train, test, f"the directory {one_line(given)} ({DIRECTORY_VARIABLE})", noun="digit")


def _problem_in_cache(cache: Path) -> str | None:
    """Why the cache can't be used, None if it can. The sums are compared each time; it takes 20 milliseconds."""
    for name, (_, md5) in FILES.items():
        try:
            found = hashlib.md5((cache / name).read_bytes(), usedforsecurity=False).hexdigest()
        except FileNotFoundError:
            return f"{name} isn't there"
        except OSError as error:
            return f"{name} can't be read ({one_line(error.strerror or error)})"
        if found != md5:
            return f"{name} is damaged (its MD5 sum is {found}, expected {md5})"
    return None


def _download(cache: Path, tried: list[str], notify: Callable[[str], object] | None) -> str:
    """Complete the cache from the first mirror that can; the mirror's name as source."""
    if os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        raise MnistUnavailable([*tried, f"no download: {OFFLINE_VARIABLE} is set"])
    for mirror in MIRRORS:
        if notify:
            notify(f"downloading MNIST (12 MB) from {mirror} to {one_line(cache)}; {OFFLINE_VARIABLE}=1 skips this")
        try:
            _fetch_all(mirror, cache)
        except (OSError, ValueError) as error:  # ValueError: pooch, when the MD5 sum differs
            tried.append(f"{mirror}: {_reason(error)}")
        else:
            return f"a download from {mirror}"
    raise MnistUnavailable(tried)


def _fetch_all(mirror: str, cache: Path) -> None:
    """Have all files in the cache, fetching those that aren't there whole.

    pooch writes to a temporary file in the cache, checks it and renames it: a file under its proper name is complete,
    also when two processes do this at once.
    """
    import pooch
    from tqdm import tqdm

    total = sum(size for size, _ in FILES.values())
    with _quiet(pooch.get_logger()), tqdm(total=total, desc="MNIST", unit="B", unit_scale=True, disable=None) as bar:
        for name, (size, md5) in FILES.items():
            pooch.retrieve(
                mirror + name,
                known_hash=f"md5:{md5}",
                fname=name,
                path=cache,
                downloader=download.PatientDownload(size, bar.update, download.PATIENCE, download.STALL),
            )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """pooch's remarks on each file would break up the progress bar."""
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: BaseException) -> str:
    """What went wrong, in one line: the first error in the chain, as the later ones only wrap it in addresses."""
    if "does not match the known hash" in str(error):
        return "the file that came is not the right one (wrong MD5 sum)"
    while deeper := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = deeper
    return one_line(getattr(error, "strerror", None) or error or type(error).__name__, 200)
