"""Files that are whole or absent."""

import csv

import pytest

from nn_from_scratch.errors import BadInput
from nn_from_scratch.storage.files import check_writable, save_rows, whole_file


def test_whole_file_hands_out_a_path_in_the_same_directory(tmp_path):
    """Only within one file system can a file take another's place in a single operation."""
    with whole_file(tmp_path / "file.txt") as temporary:
        assert temporary.parent.parent == tmp_path
        temporary.write_text("new")
        assert not (tmp_path / "file.txt").exists()
    assert (tmp_path / "file.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_rows_are_saved_as_csv_with_empty_cells_for_none(tmp_path):
    save_rows([("a", "b"), (1, None), (0.5, "x, y")], tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == b'a,b\n1,\n0.5,"x, y"\n'
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[2] == ["0.5", "x, y"]


def test_a_path_that_can_be_written_is_left_as_it_was(tmp_path):
    check_writable(tmp_path / "new" / "network.json")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "old.json").write_text("content")
    check_writable(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "content"


def test_a_path_that_can_not_be_written_is_refused_beforehand(tmp_path):
    with pytest.raises(BadInput, match="is a directory"):
        check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="can't be written"):
        check_writable(tmp_path / "file" / "network.json")
