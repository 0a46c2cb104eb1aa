from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nn_from_scratch.data import Split, columns, csv, load_dataset
from nn_from_scratch.data.csv import read_csv, read_unlabelled
from tests.data.samples import csv_bytes, damaged, only_bad_input, pictures, refusal, zip_bytes

same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
IMAGES, LABELS = pictures(12)
PLAIN, NAMED = csv_bytes(IMAGES, LABELS), csv_bytes(IMAGES, LABELS, header=True)
ROW = b"7" + b",1" * 64 + b"\n"
LATIN_1 = "".join(map(chr, range(256)))


def write(directory: Path, content: bytes, name: str = "file.csv") -> Path:
    (directory / name).write_bytes(content)
    return directory / name


def read(path: Path) -> Split:
    """All samples of a file."""
    return read_csv(path).train


def assert_refused(read: Callable[[Path], object], path: Path, expected: str) -> None:
    message = refusal(read, path)
    assert message.startswith(f"{path}: ")
    assert expected in message


def cell(row: int, column: int, value: str, content: bytes = PLAIN) -> bytes:
    """The file with another value in one cell, counted from 1."""
    lines = [line.split(",") for line in content.decode().splitlines()]
    lines[row - 1][column - 1] = value
    return "\n".join(map(",".join, lines)).encode()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        NAMED,
        PLAIN.rstrip(),
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        PLAIN.replace(b"\n", b"\n\n"),
        PLAIN.replace(b",", b" , "),
        PLAIN.replace(b",", b".0,"),
        re.sub(rb"\d+", lambda found: f"{int(found[0]):.18e}".encode(), PLAIN),  # as np.savetxt writes
        b"\xef\xbb\xbf" + PLAIN,
        b"\xef\xbb\xbf" + NAMED,
        re.sub(rb"(label|pixel\d+)", rb'"\1"', NAMED),
        ",".join(["étiquette", *map(str, range(64))]).encode() + b"\n" + PLAIN,
        ",".join(["étiquette", *map(str, range(64))]).encode("utf-8-sig") + b"\n" + PLAIN,
        gzip.compress(NAMED, mtime=0),
        zip_bytes({"train.csv": NAMED}),
        zip_bytes({"folder/train.csv": PLAIN}),
    ],
)
def test_every_accepted_form(tmp_path: Path, content: bytes) -> None:
    split = read(write(tmp_path, content))
    np.testing.assert_array_equal(split.images, IMAGES)
    np.testing.assert_array_equal(split.labels, LABELS)
    assert split.images.base is None or split.images.base.nbytes == split.images.nbytes  # no second copy kept alive


@same_file
@given(n=st.integers(1, 30), side=st.integers(8, 12), seed=st.integers(0, 9), header=st.booleans())
def test_what_is_written_is_read(tmp_path: Path, n: int, side: int, seed: int, header: bool) -> None:
    images, labels = pictures(n, side, seed)
    split = read(write(tmp_path, csv_bytes(images, labels, header)))
    np.testing.assert_array_equal(split.images, images)
    np.testing.assert_array_equal(split.labels, labels)


def test_a_table_read_in_several_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "_CHARACTERS_AT_ONCE", len(PLAIN) // 3)
    np.testing.assert_array_equal(read(write(tmp_path, NAMED)).images, IMAGES)
    assert "line 12: column 3: found '999'" in refusal(read_csv, write(tmp_path, cell(12, 3, "999", NAMED)))


def test_the_split_is_seeded_and_stratified(tmp_path: Path) -> None:
    path = write(tmp_path, csv_bytes(*pictures(140)))
    data, again, other = load_dataset(path), load_dataset(str(path), seed=0), load_dataset(path, seed=1)
    assert (len(data.train), len(data.test)) == (120, 20)
    assert np.bincount(data.test.labels).tolist() == [2] * 10
    assert data.fingerprint() == again.fingerprint() != other.fingerprint()
    assert data.name == str(path)
    assert read(path).set_aside(1 / 7, 1)[0].labels.tolist() == other.train.labels.tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty, expected a line for each sample"),
        (b"\n\n  \n", "is empty, expected a line for each sample"),
        (NAMED.splitlines()[0], "has column names but no samples"),
        (cell(3, 5, "abc"), "line 3: column 5: found 'abc', expected a pixel from 0 to 255"),
        (cell(4, 5, "abc", NAMED), "line 4: column 5: found 'abc', expected a pixel from 0 to 255"),
        (cell(2, 5, "300"), "line 2: column 5: found '300', expected a pixel from 0 to 255"),
        (cell(12, 65, "256"), "line 12: column 65: found '256', expected a pixel from 0 to 255"),
        (cell(2, 5, "-1"), "line 2: column 5: found '-1', expected a pixel"),
        (cell(2, 5, "0.5"), "line 2: column 5: found '0.5', expected a pixel"),
        (cell(2, 5, "nan"), "line 2: column 5: found 'nan', expected a pixel"),
        (cell(2, 5, "NA"), "line 2: column 5: found 'NA', expected a pixel"),
        (cell(2, 5, "inf"), "line 2: column 5: found 'inf', expected a pixel"),
        (cell(2, 5, "True"), "line 2: column 5: found 'True', expected a pixel"),
        (cell(2, 5, "9" * 5000), "line 2: column 5: found '9999"),
        (cell(2, 5, '"1'), "line 2: 5 columns, expected 65 as in the first line"),
        (cell(2, 5, "1\0"), "line 2: column 5: found '1\\x00', expected a pixel"),
        (cell(2, 5, "\0001"), "line 2: column 5: found '\\x001', expected a pixel"),
        (cell(2, 5, "\0"), "line 2: column 5: found '\\x00', expected a pixel"),
        (cell(2, 5, "1_0"), "line 2: column 5: found '1_0', expected a pixel"),
        (cell(2, 5, "#1"), "line 2: column 5: found '#1', expected a pixel"),
        (cell(2, 5, ""), "line 2: column 5: found an empty cell, expected a pixel"),
        (cell(2, 1, "256"), "line 2: column 1: found '256', expected a label from 0 to 255"),
        (cell(1, 1, "-1"), "line 1: column 1: found '-1', expected a label from 0 to 255"),
        (cell(2, 1, "1.5"), "line 2: column 1: found '1.5', expected a label from 0 to 255"),
        (cell(2, 1, "two"), "line 2: column 1: found 'two', expected a label from 0 to 255"),
        (cell(2, 1, ""), "line 2: column 1: found an empty cell, expected a label"),
        (cell(1, 1, "seven", ROW + PLAIN), "line 2: column 1: found '0', expected a word as the label"),
        (PLAIN + b"1,2,3\n", "line 13: 3 columns, expected 65 as in the first line"),
        (NAMED + ROW.replace(b"\n", b",5\n"), "line 14: 66 columns, expected 65 as in the first line"),
        (PLAIN.replace(b"\n", b"\n\n") + b"x\n", "line 25: 1 column, expected 65"),
        (NAMED.replace(b"label,", b""), "line 2: 65 columns, expected 64 as in the first line"),
        (
            b"5,0\n",
            "line 1: 2 columns, none of which is clearly the label: expected words, or classes from 0 to 255 be",
        ),
        (b"5\n", "line 1: 1 column, none of which is clearly the label"),
        (b"label\n5\n", "line 1: 1 column, expected a label and at least one number"),
        (b"1" + b",0" * 129**2, "line 1: 16,642 columns, none of which is clearly the label"),
        (PLAIN.replace(b",", b";"), "line 1: columns separated by semicolons, expected commas"),
        (PLAIN.replace(b",", b"\t"), "line 1: columns separated by tabs, expected commas"),
        (PLAIN.replace(b",", b" "), "line 1: columns separated by spaces, expected commas"),
        (PLAIN.decode().encode("utf-16"), "line 1: UTF-16 text, expected CSV in ASCII or UTF-8"),
        (b"\n<html><body>Please log in</body></html>", "line 2: a web page, expected CSV"),
        (b"\x89PNG\x1a\n\0\0\0", "line 1: binary data, expected CSV, IDX (gzipped or not) or .npz"),
        (
            NAMED.replace(b"pixel7,", b"Label,"),
            "line 1: column 1 (label) and column 9 (Label) both have names of labels, expected one such",
        ),
        (b"0" * 600_000, "line 1 is longer than 524,288 characters, expected one sample"),
        (PLAIN + b"0," * 300_000, "line 13 is longer than 524,288 characters, expected one sample"),
        (gzip.compress(PLAIN, mtime=0)[:-9], "the compressed data end too early"),
        (gzip.compress(PLAIN, mtime=0)[:30] + b"\xff" * 30, "the compressed data are damaged"),
    ],
)
def test_unusable_tables(tmp_path: Path, content: bytes, expected: str) -> None:
    assert_refused(load_dataset, write(tmp_path, content), expected)


def test_too_few_to_split(tmp_path: Path) -> None:
    assert "can't set aside a test set from 1 images" in refusal(load_dataset, write(tmp_path, ROW))


def test_bombs_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_bytes({"a.csv": ROW * 400_000})  # 52 MB in 0.2 MB
    assert "declares 52,000,000 bytes, expected at most" in refusal(load_dataset, write(tmp_path, bomb))
    monkeypatch.setattr(csv, "most_expanded", lambda file: 10_000)
    assert "expands to more than 10,000 bytes" in refusal(load_dataset, write(tmp_path, gzip.compress(ROW * 100)))
    monkeypatch.setattr(csv, "_MAX_BLANK_LINES", 1000)
    assert "line 1001: more than 1,000 blank lines" in refusal(load_dataset, write(tmp_path, b"\n" * 1001 + ROW))
    monkeypatch.setattr(csv, "MAX_IMAGE_BYTES", 1000)
    assert "line 16: more than 1,000 pixels so far" in refusal(load_dataset, write(tmp_path, ROW * 16))


def test_what_is_made_of_very_many_parts_is_given_up(tmp_path: Path) -> None:
    """Half a million empty members, or a long list of members: both take seconds to go through."""
    empty = gzip.compress(b"", mtime=0)
    assert len(read(write(tmp_path, empty * 1000 + gzip.compress(PLAIN)))) == 12
    message = refusal(load_dataset, write(tmp_path, empty * 250_000))
    assert message == f"{tmp_path / 'file.csv'}: is made of more than 200,000 parts, expected far fewer"
    names = zip_bytes({f"{number:060}": b"" for number in range(10_000)})
    message = refusal(load_dataset, write(tmp_path, names))
    assert message == f"{tmp_path / 'file.csv'}: lists its content in 1,060,000 bytes, expected at most 1,048,576"


def patched(archive: bytes, central: int, local: int | None, layout: str, value: int) -> bytes:
    """A zip archive with a number overwritten in its central directory and perhaps in its local header."""
    content = bytearray(archive)
    struct.pack_into(layout, content, archive.index(b"PK\x01\x02") + central, value)
    if local is not None:
        struct.pack_into(layout, content, archive.index(b"PK\x03\x04") + local, value)
    return bytes(content)


def huge() -> bytes:
    """A zip archive that declares 100 GB in the ZIP64 form."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("train.csv"), PLAIN)
        archive.filelist[0].file_size = 100 * 10**9
    return content.getvalue()


def nameless() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), PLAIN)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            zip_bytes({"train.csv": PLAIN, "test.csv": PLAIN}),
            "has 2 members (train.csv, test.csv), expected exactly one",
        ),
        (zip_bytes({}), "has 0 members (nothing), expected exactly one"),
        (zip_bytes({"../train.csv": PLAIN}), "member '../train.csv': points outside the archive"),
        (zip_bytes({"a/..\\..\\train.csv": PLAIN}), "points outside the archive"),
        (zip_bytes({"/etc/train.csv": PLAIN}), "member '/etc/train.csv': points outside the archive"),
        (zip_bytes({"C:train.csv": PLAIN}), "member 'C:train.csv': points outside the archive"),
        (zip_bytes({"train/": b""}), "member 'train/': is a directory, expected a file"),
        (nameless(), "member '': has no name, expected a plain file name"),
        (huge(), "member 'train.csv': declares 100,000,000,000 bytes, expected at most"),
        (patched(zip_bytes({"a": PLAIN}), 8, 6, "<H", 1), "member 'a': is encrypted"),
        (patched(zip_bytes({"a": PLAIN}), 10, 8, "<H", 14), "member 'a': has compression method 14, expected"),
        (patched(zip_bytes({"a": PLAIN}), 16, None, "<I", 0), "the compressed data are damaged (Bad CRC-32"),
        (patched(zip_bytes({"a": PLAIN}), 6, None, "<H", 255), "the zip archive is damaged (zip file version"),
        (zip_bytes({"a": PLAIN})[:100], "the compressed data are damaged (File is not a zip file)"),
        (zip_bytes({"a": b""}), "is empty, expected a line for each sample"),
    ],
)
def test_unusable_archives(tmp_path: Path, content: bytes, expected: str) -> None:
    path = write(tmp_path, content, "train.zip")
    message = refusal(load_dataset, path)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert [found.name for found in tmp_path.iterdir()] == ["train.zip"]  # nothing was unpacked


@same_file
@given(
    content=damaged(NAMED)
    | damaged(PLAIN)
    | damaged(gzip.compress(NAMED, mtime=0))
    | damaged(zip_bytes({"train.csv": PLAIN}))
)
def test_damage_is_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    only_bad_input(load_dataset, write(tmp_path, content))


@same_file
@given(content=st.binary(max_size=300) | st.text("0123456789,.;- \n\r\t\"'eE+\0\ufeffx", max_size=300).map(str.encode))
def test_nonsense_is_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    only_bad_input(load_dataset, write(tmp_path, content))


def test_the_unexplained_is_refused_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, PLAIN)

    def unwilling(*_: object, **__: object) -> None:
        raise ValueError("NumPy finds something wrong that the search for it doesn't")

    monkeypatch.setattr("numpy.loadtxt", unwilling)
    assert "line 1: a cell from here to line 12 isn't a number" in refusal(read_csv, path)


@given(st.text("0123456789.eE+-_ \t\0\x1c\x85naift", max_size=12) | st.text(LATIN_1, max_size=6))
def test_the_search_for_what_is_wrong_reads_numbers_as_numpy_does(text: str) -> None:
    """Else a cell could be refused with the words for another one, or without any."""
    assume(not {",", "\n", "\r"} & set(text) and text.strip())
    try:
        found = np.loadtxt([text], delimiter=",", comments=None, ndmin=1)[0]
    except ValueError:
        found = np.nan
    np.testing.assert_equal(columns.value(text), found)


# ---- without labels ----

PIXELS = csv_bytes(IMAGES, LABELS, header=True).replace(b"label,", b"")
PIXELS = b"\n".join([PIXELS.splitlines()[0], *(line.split(b",", 1)[1] for line in PIXELS.splitlines()[1:])])


@pytest.mark.parametrize(
    "content", [PIXELS, PIXELS.partition(b"\n")[2], gzip.compress(PIXELS), zip_bytes({"test.csv": PIXELS})]
)
def test_a_table_without_labels(tmp_path: Path, content: bytes) -> None:
    np.testing.assert_array_equal(read_unlabelled(write(tmp_path, content)), IMAGES)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty, expected a line for each sample: its numbers"),
        (NAMED, "line 1: column 1 is 'label', expected a table without labels"),
        (cell(1, 3, "label", PIXELS), "line 1: column 3 is 'label', expected a table without labels"),
        (cell(2, 1, "256", PIXELS), "line 2: column 1: found '256', expected a pixel from 0 to 255"),
        (PIXELS + b"\n1", "line 14: 1 column, expected 64 as in the first line"),
        (PIXELS.splitlines()[0], "has column names but no samples"),
    ],
)
def test_unusable_tables_without_labels(tmp_path: Path, content: bytes, expected: str) -> None:
    assert_refused(read_unlabelled, write(tmp_path, content), expected)


def test_labels_are_missed_where_they_belong(tmp_path: Path) -> None:
    assert "line 1: no label and 64 pixels, expected a square number" in refusal(read_csv, write(tmp_path, PIXELS))


# ---- tables that are no pictures ----

IRIS = b"""sepal_length,sepal_width,petal_length,petal_width,species
5.1,3.5,1.4,0.2,setosa
7.0,3.2,4.7,1.4,versicolor
4.9,3.0,1.4,0.2,setosa
6.3,3.3,6.0,2.5,virginica
"""


def test_measurements_with_words_as_labels(tmp_path: Path) -> None:
    data = read_csv(write(tmp_path, IRIS))
    assert (data.class_names, data.noun) == (("setosa", "versicolor", "virginica"), "sample")
    assert data.train.labels.tolist() == [0, 1, 0, 2]
    assert data.train.images.dtype == np.float32
    np.testing.assert_array_equal(data.train.images[3], np.array([6.3, 3.3, 6.0, 2.5], np.float32))
    assert data.source.endswith("file.csv, labels in column 5 (species)")


@pytest.mark.parametrize(
    ("content", "labels", "names", "first"),
    [
        (b"b,1.5,2\na,3,4\n", [1, 0], ("a", "b"), [1.5, 2]),  # words, first
        (b"1.5,2,b\n3,4,a\n", [1, 0], ("a", "b"), [1.5, 2]),  # words, last
        (b"1,0.5,2.5\n3,4,5\n", [1, 3], None, [0.5, 2.5]),  # whole numbers beside fractions
        (b"0.5,2,1\n4.5,5,3\n", [1, 3], None, [0.5, 2]),
        (b"u,Target,v\n1,5,2\n3,7,4\n", [5, 7], None, [1, 2]),  # named, in the middle
        (b"class,x\n26,1\n1,2\n", [26, 1], None, [1]),
        (b"x,y,class\n0.5,1,3\n1.5,2,4\n", [3, 4], None, [0.5, 1]),
        (b"x,y\n0.5,1\n1.5,2\n", [1, 2], None, [0.5]),
        (b'"x","species"\n1.5,"Iris, blue"\n2.5,"a ""b"" c"\n', [0, 1], ("Iris, blue", 'a "b" c'), [1.5]),
        ("1.5,größe\n2,Ärger\n".encode(), [0, 1], ("größe", "Ärger"), [1.5]),
        ("1.5,größe\n2,Ärger\n".encode("latin-1"), [0, 1], ("größe", "Ärger"), [1.5]),
        (b"Id,u,Species\n1,0.5,b\n2,1.5,a\n", [1, 0], ("a", "b"), [0.5]),  # a column that only numbers the lines
        (b",u,label\n0,0.5,b\n1,1.5,a\n", [1, 0], ("a", "b"), [0.5]),  # as pandas writes it
        (b"T,2,8,3,5,1,8,13,0,6,6,10,8,0,8,0,8\nI,5,12,3,7,2,10,5,5,4,13,3,9,2,8,4,10\n", [1, 0], ("I", "T"), [2, 8]),
        (b"-1,1e3,yes\n2,3,no\n", [1, 0], ("no", "yes"), [-1, 1000]),
    ],
)
def test_the_label_is_found(
    tmp_path: Path, content: bytes, labels: list[int], names: tuple[str, ...] | None, first: list[float]
) -> None:
    data = read_csv(write(tmp_path, content))
    assert data.train.labels.tolist() == labels
    assert not data.has_words if names is None else data.class_names == names
    assert data.train.images[0, : len(first)].tolist() == first
    assert data.train.images.ndim == 2


def test_a_column_of_line_numbers_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    data = read_csv(write(tmp_path, b"Id,u,Species\n1,0.5,b\n2,1.5,a\n"))
    assert data.source.endswith("labels in column 3 (Species), without column 1 (Id): line numbers")


def test_letters_beside_pixels(tmp_path: Path) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    images, _ = pictures(52)
    rows = [f"{letters[i % 26]},{','.join(map(str, image.ravel()))}" for i, image in enumerate(images)]
    data = read_csv(write(tmp_path, "\n".join(rows).encode()))
    assert (data.class_names, data.noun) == (tuple(letters), "picture")
    np.testing.assert_array_equal(data.train.images, images)
    last = [f"{row.partition(',')[2]},{row.partition(',')[0]}" for row in rows]
    again = read_csv(write(tmp_path, "\n".join(last).encode()))
    assert again.fingerprint() == data.fingerprint()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"1.5,2.5\n", "line 1: 2 columns, none of which is clearly the label"),
        (b"a,b,c\n1,2,3\n4,5,6\n", "line 1: 3 columns, none of which is clearly the label: expected words, or classes"),
        (b"a,b,c\n1,2\n", "line 2: 2 columns, expected 3 as in the first line"),
        (IRIS + b"5.1,3.5,1.4,setosa\n", "line 6: 4 columns, expected 5 as in the first line"),
        (IRIS + b"5.1,,1.4,0.2,setosa\n", "line 6: column 2 (sepal_width): found an empty cell, expected a number"),
        (IRIS + b"5.1,?,1.4,0.2,setosa\n", "line 6: column 2 (sepal_width): found '?', expected a number"),
        (IRIS + b"5.1,nan,1.4,0.2,setosa\n", "line 6: column 2 (sepal_width): found 'nan', expected a number"),
        (IRIS + b"5.1,1e39,1.4,0.2,setosa\n", "line 6: column 2 (sepal_width): found '1e39', expected a number"),
        (IRIS + b"5.1,3.5,1.4,0.2,7\n", "line 6: column 5: found '7', expected a word as the label"),
        (IRIS + b"5.1,3.5,1.4,0.2,\n", "line 6: column 5: found an empty cell, expected a word as the label"),
        (IRIS + b"5,3,1,0," + b"x" * 101 + b"\n", "expected a word as the label of at most 100 characters"),
        (
            b"x,name\n" + b"".join(b"1.5,person %d\n" % i for i in range(300)),
            "line 301: column 2 (name) has 300 different words, expected labels of at most 256 classes",
        ),
        (
            b"label," + b",".join(b"pixel%d" % i for i in range(70)) + b"\n1" + b",0" * 70,
            "line 1: 70 pixels, expected a square number from 8×8 to 128×128, such as 784 = 28×28: for pictures",
        ),
        (b"a" + b",7" * 300 + b"\nb" + b",9" * 300, "line 1: 300 pixels, expected a square number"),
    ],
)
def test_unusable_measurements(tmp_path: Path, content: bytes, expected: str) -> None:
    assert_refused(load_dataset, write(tmp_path, content), expected)


@same_file
@given(
    x=st.lists(
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=1,
        max_size=20,
    ),
    words=st.lists(st.sampled_from(["cat", "dog", "a b", "Ö", "x-1"]), min_size=20, max_size=20),
    column=st.integers(0, 3),
)
def test_any_numbers_come_back_as_they_were_written(
    tmp_path: Path, x: list[list[float]], words: list[str], column: int
) -> None:
    names = ["u", "v", "w"]
    names.insert(column, "label")
    rows = [
        [*map(repr, values[:column]), word, *map(repr, values[column:])] for values, word in zip(x, words, strict=False)
    ]
    data = read_csv(write(tmp_path, "\n".join(map(",".join, [names, *rows])).encode()))
    np.testing.assert_array_equal(data.train.images, np.array(x, np.float32))
    assert [data.class_names[label] for label in data.train.labels] == words[: len(x)]


@same_file
@given(content=damaged(IRIS))
def test_damage_to_measurements_is_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    only_bad_input(load_dataset, write(tmp_path, content))


def test_measurements_without_labels(tmp_path: Path) -> None:
    unlabelled = b"\n".join(line.rpartition(b",")[0] for line in IRIS.splitlines())
    np.testing.assert_array_equal(read_unlabelled(write(tmp_path, unlabelled)), read(write(tmp_path, IRIS)).images)


# ---- the real thing ----


def test_the_real_thing(tmp_path: Path, real_mnist: Path) -> None:
    test = load_dataset(real_mnist).test
    path = write(tmp_path, gzip.compress(csv_bytes(test.images, test.labels, header=True), 1), "mnist_test.csv.gz")
    split = read(path)
    np.testing.assert_array_equal(split.images, test.images)
    np.testing.assert_array_equal(split.labels, test.labels)
