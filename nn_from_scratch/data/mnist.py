"""MNIST and the sets published in its form, and the places to find them: a directory, the user's cache, a download.

Each has 60,000 + 10,000 pictures of 28×28 grey pixels in four files. They are not part of this package; they are
downloaded once, checked against their MD5 sums, and kept in the user's cache. To add a set of this form, add an entry
below.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nn_from_scratch.data import download
from nn_from_scratch.data.dataset import Dataset
from nn_from_scratch.data.idx import load_idx_directory
from nn_from_scratch.errors import BadInput, one_line

DIRECTORY_VARIABLE = "NN_FROM_SCRATCH_DATA"  # of MNIST
OFFLINE_VARIABLE = "NN_FROM_SCRATCH_OFFLINE"
Notify = Callable[[str], object]


@dataclass(frozen=True)
class Published:
    """A data set in four IDX files, and where to get it."""

    name: str
    title: str
    variable: str  # the environment variable that names the directory with the files
    folder: str  # its folder in the cache
    mirrors: tuple[str, ...]
    files: Mapping[str, tuple[int, str]]  # name → (bytes, MD5)
    class_names: tuple[str, ...]
    noun: str

    @property
    def cache(self) -> Path:
        return cache_directory() / self.folder

    @property
    def megabytes(self) -> str:
        return f"{sum(size for size, _ in self.files.values()) / 1e6:.0f} MB"

    def found(self, directory: Path, source: str) -> Dataset:
        """The set in a directory. Only the content of its files is checked: they may have been compressed again."""
        train, test = load_idx_directory(directory, len(self.class_names))
        return Dataset(self.name, train, test, source, class_names=self.class_names, noun=self.noun)


Sum = tuple[int, str]


def _files(train_images: Sum, train_labels: Sum, test_images: Sum, test_labels: Sum) -> dict[str, Sum]:
    """The files by name, the labels first: they are small, so a mirror that fails does so soon."""
    return {
        "train-labels-idx1-ubyte.gz": train_labels,
        "t10k-labels-idx1-ubyte.gz": test_labels,
        "t10k-images-idx3-ubyte.gz": test_images,
        "train-images-idx3-ubyte.gz": train_images,
    }


# Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998.
MNIST = Published(
    name="mnist",
    title="MNIST",
    variable=DIRECTORY_VARIABLE,
    folder="",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files=_files(
        (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
    class_names=tuple("0123456789"),
    noun="digit",
)

# H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset", 2017, arXiv:1708.07747. MIT licence.
FASHION = Published(
    name="fashion",
    title="Fashion-MNIST",
    variable="NN_FROM_SCRATCH_FASHION",
    folder="fashion",
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    files=_files(
        (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    class_names=(
        *("T-shirt", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    noun="fashion item",
)

# T. Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018, arXiv:1812.01718. CC BY-SA 4.0.
# Its names are in Latin letters: few fonts have the hiragana themselves (お き す つ な は ま や れ を).
KMNIST = Published(
    name="kmnist",
    title="KMNIST",
    variable="NN_FROM_SCRATCH_KMNIST",
    folder="kmnist",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    files=_files(
        (18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
        (29_497, "e144d726b3acfaa3e44228e80efcd344"),
        (3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
        (5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
    ),
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    noun="character",
)

PUBLISHED = {published.name: published for published in (MNIST, FASHION, KMNIST)}


class Unavailable(BadInput):
    """The set is in none of the places; `tried` has a phrase for each place."""

    def __init__(self, published: Published, tried: list[str]) -> None:
        self.published = published
        self.tried = tried
        super().__init__(
            f"{published.title} is neither on this machine nor reachable; tried {'; tried '.join(tried)}. "
            f"Give the directory with its four files as --data or in {published.variable}, "
            "or use the small set that is part of the package: --data digits"
        )


def load_published(name: str, notify: Notify | None = None) -> Dataset:
    """A set from the first place that has it. `notify` is called before a download starts, which can take a while.

    If the set's environment variable names a directory, the set must be there: no other place is tried.
    """
    published = PUBLISHED[name]
    if given := os.environ.get(published.variable):
        return _load_from_variable(published, given)
    tried = [f"{published.variable}: it isn't set"]
    cache = published.cache
    source = f"the cache {one_line(cache)}"
    if problem := _problem_in_cache(published):
        tried.append(f"{source}: {problem}")
        source = _download(published, tried, notify)
    return published.found(cache, source)


def cache_directory() -> Path:
    import pooch  # only here: a program with its own arrays doesn't need it

    return Path(pooch.os_cache("nn_from_scratch"))


def _load_from_variable(published: Published, given: str) -> Dataset:
    variable = published.variable
    if not os.path.isdir(given):
        raise BadInput(f"{variable} is {one_line(given)!r}, expected a directory with the files of {published.title}")
    try:
        return published.found(Path(given), f"the directory {one_line(given)} ({variable})")
    except BadInput as error:
        raise BadInput(f"{variable}: {error}") from None


def md5_of(path: Path) -> str:
    """The MD5 sum of a file, as data sets are published with it."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _problem_in_cache(published: Published) -> str | None:
    """The reason why the cache can't be used, or None. The sums are compared each time, which takes 20 milliseconds."""
    for name, (_, md5) in published.files.items():
        try:
            found = md5_of(published.cache / name)
        except FileNotFoundError:
            return f"{name} isn't there"
        except OSError as error:
            return f"{name} can't be read ({one_line(error.strerror or error)})"
        if found != md5:
            return f"{name} is damaged (its MD5 sum is {found}, expected {md5})"
    return None


def _download(published: Published, tried: list[str], notify: Notify | None) -> str:
    """Complete the cache from the first mirror that works. Returns the mirror as a phrase."""
    if os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        raise Unavailable(published, [*tried, f"no download: {OFFLINE_VARIABLE} is set"])
    what, where = f"{published.title} ({published.megabytes})", one_line(published.cache)
    for mirror in published.mirrors:
        if notify:
            notify(f"downloading {what} from {mirror} to {where}; {OFFLINE_VARIABLE}=1 skips this")
        try:
            _fetch_all(published, mirror)
        except (OSError, ValueError) as error:  # ValueError: from pooch, if the MD5 sum differs
            tried.append(f"{mirror}: {_reason(error)}")
        else:
            return f"a download from {mirror}"
    raise Unavailable(published, tried)


def _fetch_all(published: Published, mirror: str) -> None:
    """Download all files that aren't complete in the cache.

    pooch writes to a temporary file in the cache, checks it and renames it. So a file with its final name is complete,
    even if two processes do this at once.
    """
    import pooch
    from tqdm import tqdm

    files, title = published.files, published.title
    total = sum(size for size, _ in files.values())
    with _quiet(pooch.get_logger()), tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar:
        for name, (size, md5) in files.items():
            pooch.retrieve(
                mirror + name,
                known_hash=f"md5:{md5}",
                fname=name,
                path=published.cache,
                downloader=download.PatientDownload(size, bar.update, download.PATIENCE, download.STALL),
            )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Without pooch's messages on each file, which would interrupt the progress bar."""
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: BaseException) -> str:
    """What went wrong, in one line: the first error in the chain; the later ones only add addresses."""
    if "does not match the known hash" in str(error):
        return "the downloaded file is not the right one (wrong MD5 sum)"
    while deeper := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = deeper
    return one_line(getattr(error, "strerror", None) or error or type(error).__name__, 200)
