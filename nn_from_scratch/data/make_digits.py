"""Make digits.npz, the embedded data set, from the copy inside scikit-learn: python -m nn_from_scratch.data.make_digits

Run it to check where the file comes from: with the same zlib, the result is the same to the byte. The order is drawn
here and stored, training images first, because a random generator may change between versions, and a test set must not.
"""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np

from nn_from_scratch.data.digits import FILE, TRAINING_IMAGES

SEED = 1998


def training_first(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order in which the first TRAINING_IMAGES, and the rest, have the same proportion of each class."""
    order = rng.permutation(len(labels))
    # Image k of a class gets the rank (k + 1/2) / (size of the class): the lowest 80 % of all ranks are 80 % of each.
    rank = np.empty(len(labels))
    for label in range(10):
        rows = order[labels[order] == label]
        rank[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    by_rank = order[np.argsort(rank[order], kind="stable")]
    train, test = by_rank[:TRAINING_IMAGES], by_rank[TRAINING_IMAGES:]
    return np.concatenate([rng.permutation(train), rng.permutation(test)])


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Like np.savez_compressed, but without the time in the file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # otherwise it depends on the operating system
            archive.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    import sklearn.datasets

    source = Path(sklearn.datasets.__file__).parent / "data" / "digits.csv.gz"
    with gzip.open(source, "rt") as text:
        table = np.loadtxt(text, delimiter=",").astype(np.uint8)  # (1797, 65): the label is last
    images, labels = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    order = training_first(labels, np.random.default_rng(SEED))
    write_npz(FILE, {"images": images[order], "labels": labels[order]})
    print(f"{FILE}: {len(order)} images, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
