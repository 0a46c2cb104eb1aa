"""The common part of all trainings on the command line: the lines they print, and the files they save."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from tqdm import tqdm

from nn_from_scratch.command_line.options import data_files
from nn_from_scratch.command_line.paths import check_paths
from nn_from_scratch.command_line.process import Interruption, discard_output, notify
from nn_from_scratch.command_line.recipe_options import output_of
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage import SavedNetwork, files, load_and_save
from nn_from_scratch.training import EpochResult

Result = TypeVar("Result")  # of a part of the training, such as an epoch


class AnyTraining(Generic[Result]):
    """The training that the options ask for. It runs in a block `with training.interruption`.

    Raises BadInput, before the first step, if a file to be written after the last step can't be written.
    """

    what = "the network"

    def __init__(self, arguments: argparse.Namespace, like: TrainingRun):
        self.arguments = arguments
        self.like = like  # the run, or one like it
        self.output = output_of(arguments, like.dataset)
        files.check_writable(self.output)
        load_and_save.check_format(SavedNetwork(like.network), self.output)
        self.checkpoint, self.diverged, self.best = (
            files.beside(self.output, kind) for kind in ("checkpoint", "diverged", "best")
        )
        self.curves = _curves_beside(arguments.history)
        self._check_paths()
        if arguments.patience and not like.validation:
            raise BadInput(
                "--patience needs --validation N: held-out images show whether the network still gets better"
            )
        self.interruption = Interruption()
        self.unwritten: list[str] = []  # the files that could not be written at their paths

    def _check_paths(self) -> None:
        resumed = self.arguments.resume
        reads = data_files(self.arguments) | {"--resume": resumed}
        writes = {"--output": self.output, "--history": self.arguments.history, "the picture of --history": self.curves}
        own = {"the best network": self.best, "the network of a divergence": self.diverged}
        if not (resumed and os.path.realpath(resumed) == os.path.realpath(self.checkpoint)):  # a newer one replaces it
            own["the checkpoint"] = self.checkpoint
        check_paths(reads, writes | own)

    def introduce(self) -> None:
        """Print the network and the data."""
        raise NotImplementedError

    def epochs(self) -> Iterator[Result]:
        """Train, with a progress bar, and yield the results to report."""
        raise NotImplementedError

    def report(self, result: Result) -> None:
        """Print a line, and save a checkpoint, if asked for."""
        raise NotImplementedError

    @property
    def out_of_patience(self) -> bool:
        """Whether the training should end before its last epoch."""
        return False

    def test(self) -> None:
        """Test the network that will be saved."""
        raise NotImplementedError

    def save(self) -> None:
        """Write the results, and print where they are."""
        raise NotImplementedError

    def say(self, line: str, even_if_quiet: bool = False) -> None:
        """Print a line. If stdout can't be written any more, as after `| head`, the training continues without it."""
        if self.arguments.quiet and not even_if_quiet:
            return
        try:
            tqdm.write(line)
        except OSError as problem:
            discard_output()
            notify(f"the output can't be written any more ({problem.strerror}); the training continues without it")
            if not isinstance(problem, BrokenPipeError):
                self.unwritten.append("the output")

    def _save_checkpoint(self, write: Callable[[str], None]) -> None:
        """Write a checkpoint during the training."""
        try:
            write(self.checkpoint)
        except OSError as problem:  # the disk may have space again at the next checkpoint
            notify(f"{self.checkpoint}: can't be written: {problem.strerror}; the training continues")

    def _save_history(self, rows: list, *histories: list[EpochResult]) -> None:
        """Write a row for each epoch, and the picture of the curves beside it."""
        from nn_from_scratch import figures

        places = [self._keep(partial(files.save_rows, rows), self.arguments.history)]
        if self.curves:
            places.append(self._keep(partial(figures.save, figures.learning_curves(*histories)), self.curves))
        self.say(f"saved {' and '.join(places)}")

    def _conclude(self, output: str, test_accuracy: float) -> None:
        """Print the last lines of a training that reached its end."""
        if self.interruption.signal:
            notify(f"interrupted after the end of the training; {self.what}: {output}")
            self.interruption.check()
        samples, plural = len(self.like.dataset.test), self.like.dataset.plural
        self.say(f"test accuracy {test_accuracy:.2%} ({samples:,} {plural})", even_if_quiet=True)
        if not self.like.validation:
            some = "10000" if plural == "images" else "N"
            self.say(f"(--validation {some} holds {plural} out and prints the accuracy on them after each epoch)")
        self.say(f"saved {output}")
        if self.unwritten:
            raise BadInput(f"could not be written: {', '.join(self.unwritten)}")

    def _keep(self, write: Callable[[str], None], path: str) -> str:
        """Write a file or, if that fails, the same file in a new temporary directory. Returns its path."""
        try:
            write(path)
            return path
        except OSError as problem:
            self.unwritten.append(path)
            notify(f"{path}: can't be written: {problem.strerror}")
        try:
            place = os.path.join(tempfile.mkdtemp(prefix="nn_from_scratch-"), os.path.basename(path))
            write(place)
        except OSError as problem:
            notify(f"a temporary file can't be written either: {problem.strerror}")
            return "lost"
        notify(f"saved as {place} instead")
        return place


def _curves_beside(history: str | None) -> str:
    """The path of the picture of the learning curves: beside the history, unless that is a device or a pipe."""
    if not history or (os.path.exists(history) and not os.path.isfile(history)):
        return ""
    return str(Path(history).with_suffix(".png"))
