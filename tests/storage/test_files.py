"""Files that are whole or absent, whatever stands at the path and whatever fails on the way there."""

import builtins
import csv
import errno
import io
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nn_from_scratch import figures
from nn_from_scratch.errors import BadInput
from nn_from_scratch.figures.style import new_figure
from nn_from_scratch.runs.checkpoint import load_checkpoint, save_checkpoint
from nn_from_scratch.storage import files, load, save
from nn_from_scratch.storage.files import beside, check_writable, save_rows, whole_file
from tests.runs.test_training_run import DATA, start
from tests.storage.test_network_file import saved

needs_links = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no FIFOs")


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_whole_file_hands_out_a_path_in_the_same_directory(tmp_path):
    """Only within one file system can a file take another's place in a single operation."""
    with whole_file(tmp_path / "file.txt") as temporary:
        assert temporary.parent.parent == tmp_path
        temporary.write_text("new")
        assert not (tmp_path / "file.txt").exists()
    assert (tmp_path / "file.txt").read_text() == "new"
    assert names_in(tmp_path) == ["file.txt"]


def test_rows_are_saved_as_csv_with_empty_cells_for_none(tmp_path):
    save_rows([("a", "b"), (1, None), (0.5, "x, y")], tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes() == b'a,b\n1,\n0.5,"x, y"\n'
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[2] == ["0.5", "x, y"]


# ---- whether a path can be written, beforehand ----


def test_a_path_that_can_be_written_is_left_as_it_was(tmp_path):
    (tmp_path / "there").mkdir()
    for path in (tmp_path / "new" / "deeper" / "network.json", tmp_path / "there" / "new" / "network.json"):
        check_writable(path)
        assert names_in(tmp_path) == ["there"]
        assert names_in(tmp_path / "there") == []
    (tmp_path / "old.json").write_text("content")
    check_writable(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "content"


def test_a_path_that_can_not_be_written_is_refused_beforehand(tmp_path):
    with pytest.raises(BadInput, match="is a directory"):
        check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="can't be written"):
        check_writable(tmp_path / "file" / "network.json")
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["n" * 250, "n" * 255, "ü" * 125, "n" * 60 + ".json"])
def test_a_name_as_long_as_the_file_system_allows_is_written(name, tmp_path):
    check_writable(tmp_path / name)
    with whole_file(tmp_path / name) as temporary:
        temporary.write_text("new")
    assert (tmp_path / name).read_text() == "new"
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("name", ["n" * 256, "ü" * 128, f"{'n' * 256}/n.json", f"new/{'n' * 256}/n.json"])
def test_a_name_that_is_too_long_is_refused_beforehand(name, tmp_path):
    with pytest.raises(BadInput, match="can't be written: File name too long"):
        check_writable(tmp_path / name)
    assert names_in(tmp_path) == []


# ---- links, devices, FIFOs ----


@needs_links
def test_through_a_symbolic_link_its_target_is_written_and_the_link_stays(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "target").write_text("old")
    (tmp_path / "link").symlink_to("elsewhere/target")
    (tmp_path / "link to link").symlink_to(tmp_path / "link")
    check_writable(tmp_path / "link to link")
    with whole_file(tmp_path / "link to link") as temporary:
        assert temporary.parent.parent.samefile(elsewhere)  # beside the target, where it can take its place
        temporary.write_text("new")
    assert (elsewhere / "target").read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "link to link").is_symlink()
    assert (names_in(tmp_path), names_in(elsewhere)) == (["elsewhere", "link", "link to link"], ["target"])


@needs_links
def test_the_temporary_name_ends_as_the_link_does_as_the_ending_tells_the_format(tmp_path):
    (tmp_path / "link.gif").symlink_to("target")
    with whole_file(tmp_path / "link.gif") as temporary:
        assert temporary.name == "link.gif"
        temporary.touch()
    assert names_in(tmp_path) == ["link.gif", "target"]


@needs_links
def test_a_link_to_nothing_yet_is_written_through_and_one_in_a_circle_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("new/target")
    check_writable(tmp_path / "link")
    assert names_in(tmp_path) == ["link"]
    with whole_file(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "new" / "target").read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(BadInput, match=r"circle: can't be written: Too many levels of symbolic links"):
        check_writable(tmp_path / "circle")
    with pytest.raises(OSError, match="circle"), whole_file(tmp_path / "circle"):
        pytest.fail("there is nowhere to write")


@needs_links
def test_a_fifo_is_written_into_and_stays_one(tmp_path):
    fifo, read = tmp_path / "fifo", []
    os.mkfifo(fifo)
    check_writable(fifo)  # without a reader this must not wait
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()), daemon=True)
    reader.start()
    save_rows([("a", "b"), (1, 2)], fifo)
    reader.join(60)
    assert read == [b"a,b\n1,2\n"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names_in(tmp_path) == ["fifo"]


@needs_links
def test_a_device_is_written_into_and_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path / "link"):
        check_writable(path)
        save_rows([("a", "b")], path)
        assert stat.S_ISCHR(os.stat(path).st_mode)
    assert names_in(tmp_path) == ["link"]
    assert not list(Path("/dev").glob(".null*"))


@needs_links
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this platform has no /dev/full")
def test_a_device_that_is_full_is_named():
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_rows([("a", "b")], "/dev/full")
    assert caught.value.filename == "/dev/full"


@needs_links
@pytest.mark.parametrize("to", ["a pipe", "a file", "the end of a file"])
def test_standard_output_is_written_to_wherever_it_leads(to, tmp_path):
    program = "import sys; from nn_from_scratch.storage import files; print('before', flush=True); "
    program += "files.check_writable('/dev/stdout'); files.save_rows([(1, 2)], '/dev/stdout'); print('after')"
    output = tmp_path / "output"
    output.write_text("old\n" if to == "the end of a file" else "")
    command, expected = [sys.executable, "-c", program], "before\n1,2\nafter\n"
    if to == "a pipe":
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == expected
        return
    with open(output, "a", encoding="utf-8") as file:
        subprocess.run(command, stdout=file, check=True)
    assert output.read_text() == ("old\n" if to == "the end of a file" else "") + expected
    assert names_in(tmp_path) == ["output"]


def test_what_belongs_to_a_network_stands_beside_it_but_never_beside_a_device(tmp_path):
    assert beside(tmp_path / "network.json", "best") == f"{tmp_path}/network.best.json"
    assert beside(tmp_path / "network", "best") == f"{tmp_path}/network.best.json"
    if os.name == "posix":
        assert beside(os.devnull, "checkpoint") == "null.checkpoint.json"


# ---- every single operation fails in turn ----


class Disk:
    """Counts what is done to files in a directory, and lets operation number `failing` fail."""

    def __init__(self, directory: Path, failing: int, patch: pytest.MonkeyPatch):
        self.directory = str(directory)
        self.failing = failing
        self.done: list[str] = []
        for module in (builtins, io):
            patch.setattr(module, "open", self.open)
        patch.setattr(os, "fsync", self.before("fsync", os.fsync))
        patch.setattr(os, "replace", self.before("rename", os.replace))
        patch.setattr(os, "mkdir", self.before("mkdir", os.mkdir))

    def step(self, name: str) -> None:
        self.done.append(name)
        if len(self.done) == self.failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    def before(self, name: str, operation: Callable) -> Callable:
        def call(*arguments, **options):
            directory = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            self.step("fsync of the directory" if directory else name)
            return operation(*arguments, **options)

        return call

    def open(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **options):
        """As the real one; but what is written to the disk comes past here."""
        if not str(file).startswith(self.directory) or not set("wax+") & set(mode):
            return real_open(file, mode, buffering, encoding, errors, newline, **options)
        raw = Watched(file, mode.replace("b", "").replace("t", ""))
        raw.disk = self
        buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)


real_open = open


class Watched(io.FileIO):
    disk: Disk

    def write(self, data):
        before = len(self.disk.done)
        try:
            self.disk.step("write")
        except OSError:
            super().write(memoryview(data)[: len(data) // 2])  # a disk that fills up takes some of it
            raise
        assert len(self.disk.done) == before + 1
        return super().write(data)

    def close(self):
        if not self.closed:
            super().close()
            self.disk.step("close")


def draw(path: Path) -> None:
    figure = new_figure(1, 1)
    figure.subplots().plot([1, 2])
    figures.save(figure, path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "network.json": lambda path: save(saved(), path),
    "checkpoint.json": lambda path: save_checkpoint(start(), path),
    "rows.csv": lambda path: save_rows([(n, n / 7) for n in range(3000)], path),
    "figure.png": draw,
    "figure.pdf": draw,
    "figure.svg": draw,
}
READERS = {"network.json": load, "checkpoint.json": lambda path: load_checkpoint(path, lambda name: DATA)}


@pytest.mark.parametrize("name", WRITERS)
def test_whatever_fails_the_old_file_is_whole_and_nothing_is_left_beside_it(name, tmp_path):
    write, path = WRITERS[name], tmp_path / "new" / name
    write(tmp_path / name)
    new, failed = (tmp_path / name).read_bytes(), set()
    (tmp_path / name).unlink()
    for failing in range(1, 1000):
        for old in (None, b"old content"):  # in a directory that is not there yet, and over an old file
            if old is not None:
                path.parent.mkdir()
                path.write_bytes(old)
            with pytest.MonkeyPatch.context() as patch:
                disk = Disk(tmp_path, failing, patch)
                raised = None
                try:
                    write(path)
                except OSError as problem:
                    raised = problem
            operations = disk.done
            if raised:
                assert (raised.filename, raised.strerror) == (str(path), "No space left on device")
                failed.add(operations[failing - 1])
            else:  # only a directory that need not be made may fail to be made
                assert failing > len(operations) or operations[failing - 1] == "mkdir"
            # Once the name is changed, the new file is there, even where the directory could not be synced.
            moved = not raised or "rename" in operations[: failing - 1]
            if not moved and old is None:
                assert names_in(tmp_path) == []
                continue
            assert path.read_bytes() == (new if moved else old)
            assert names_in(path.parent) == [name]
            if moved and name in READERS:
                READERS[name](path)
            path.unlink()
            path.parent.rmdir()
        if failing > len(operations):
            break
    assert failed == {"mkdir", "write", "close", "fsync", "rename", "fsync of the directory"}


def test_a_directory_that_can_not_be_synced_is_no_failure(tmp_path, monkeypatch):
    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    save_rows([(1, 2)], tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "1,2\n"


def test_the_file_and_then_its_directory_are_synced(tmp_path, monkeypatch):
    order: list[object] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (order.append(os.fstat(number).st_ino), sync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("rename"), replace(*paths)))
    save_rows([(1, 2)], tmp_path / "rows.csv")
    assert order == [(tmp_path / "rows.csv").stat().st_ino, "rename", tmp_path.stat().st_ino]


def test_a_directory_that_another_process_removes_meanwhile_is_made_again(tmp_path, monkeypatch):
    """As two trainings that begin to write into the same new directory may do."""
    plain, removed = files.tempfile.mkdtemp, []

    def mkdtemp(suffix, prefix, dir):
        if len(removed) < 3:
            removed.append(dir)
            dir.rmdir()
        return plain(suffix, prefix, dir)

    monkeypatch.setattr(files.tempfile, "mkdtemp", mkdtemp)
    check_writable(tmp_path / "new" / "file.json")
    assert len(removed) == 3
    assert not (tmp_path / "new").exists()


def test_where_the_temporary_file_can_not_be_made_the_path_is_named(tmp_path, monkeypatch):
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".n.json.x7"))

    monkeypatch.setattr(files.tempfile, "mkdtemp", denied)
    with pytest.raises(BadInput, match=r"n\.json: can't be written: Permission denied$"):
        check_writable(tmp_path / "n.json")
    with pytest.raises(PermissionError) as caught, whole_file(tmp_path / "n.json"):
        pytest.fail("there is nothing to write to")
    assert caught.value.filename == str(tmp_path / "n.json")
