"""Small valid files in every format, to be read as they are or damaged first."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from nn_from_scratch.errors import BadInput

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no FIFOs")


def pictures(n: int = 20, side: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random images, and labels in which each of the ten classes comes in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)
    return images, (np.arange(n) % 10).astype(np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def csv_bytes(images: np.ndarray, labels: np.ndarray, header: bool = False) -> bytes:
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    lines = [",".join(map(str, row)) for row in rows.tolist()]
    if header:
        lines.insert(0, ",".join(["label", *(f"pixel{i}" for i in range(images[0].size))]))
    return ("\n".join(lines) + "\n").encode()


def npz_bytes(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # without the time: always the same
    return content.getvalue()


def idx_files(n_train: int = 30, n_test: int = 10) -> dict[str, bytes]:
    """The four files of a tiny MNIST under their names, gzipped."""
    files = {}
    for prefix, n, seed in (("train", n_train, 1), ("t10k", n_test, 2)):
        images, labels = pictures(n, 28, seed)
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(images), mtime=0)
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(labels), mtime=0)
    return files


def write_idx_files(directory: Path, **changed: bytes) -> Path:
    """A directory with a tiny MNIST; `changed` replaces a file, by its name with _ for -, without the ending."""
    directory.mkdir(exist_ok=True)
    for name, content in idx_files().items():
        (directory / name).write_bytes(changed.get(name.rpartition("-idx")[0].replace("-", "_"), content))
    return directory


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The message with which `call` refuses its arguments: one line, as it goes to the user."""
    with pytest.raises(BadInput) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.isprintable(), repr(message)
    return message


def only_bad_input(call: Callable[..., object], *arguments: object) -> None:
    """`call` may work or refuse; any other exception is a bug."""
    message = ""
    try:
        call(*arguments)
    except BadInput as error:
        message = str(error)
    assert message.isprintable(), repr(message)


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """`valid` with some bytes overwritten, put in, left out, or cut off."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        few = draw(st.binary(max_size=6) | st.sampled_from([b"\xff\xff\xff\xff", b"-1", b"999", b",", b"\n", b"\0"]))
        match draw(st.sampled_from(["overwrite", "insert", "delete", "cut", "repeat"])):
            case "overwrite":
                content[at : at + len(few)] = few
            case "insert":
                content[at:at] = few
            case "delete":
                del content[at : at + draw(st.integers(1, 20))]
            case "cut":
                del content[at:]
            case "repeat":
                content += content[at : at + 2000]
    return bytes(content)
