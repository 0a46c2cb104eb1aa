"""A training on the command line: what is printed of it, and which files it leaves behind, however it ends."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from nn_from_scratch.command_line.options import data_files
from nn_from_scratch.command_line.output import data_summary, epoch_line, layer_table
from nn_from_scratch.command_line.paths import check_paths
from nn_from_scratch.command_line.process import Interrupted, Interruption, discard_output, notify
from nn_from_scratch.command_line.recipe_options import output_of, resume_command, saved_network, start_run
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import save_checkpoint
from nn_from_scratch.storage import files, save
from nn_from_scratch.training import Diverged, EpochResult


class Training:
    """The run that the options ask for, between `with training.interruption` and the end of that block.

    Raises BadInput, before the first step, for a file that could not be written after the last.
    """

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.run = start_run(arguments)
        self.output = output_of(arguments, self.run.dataset)
        files.check_writable(self.output)
        self.checkpoint, self.diverged, self.best = (
            files.beside(self.output, kind) for kind in ("checkpoint", "diverged", "best")
        )
        self.curves = _curves_beside(arguments.history)
        self._check_paths()
        if arguments.patience and not self.run.validation:
            raise BadInput("--patience needs --validation N: images that tell whether it still gets better")
        self.interruption = Interruption()
        self.unwritten: list[str] = []  # what could not be written where it belongs

    def _check_paths(self) -> None:
        resumed = self.arguments.resume
        reads = data_files(self.arguments) | {"--resume": resumed}
        writes = {"--output": self.output, "--history": self.arguments.history, "the picture of --history": self.curves}
        own = {"the best network": self.best, "the network of a divergence": self.diverged}
        if not (resumed and os.path.realpath(resumed) == os.path.realpath(self.checkpoint)):  # a newer one replaces it
            own["the checkpoint"] = self.checkpoint
        check_paths(reads, writes | own)

    def say(self, line: str, even_if_quiet: bool = False) -> None:
        """Print a line. Where nobody can read it any more, as after `| head`, the training goes on without."""
        if self.arguments.quiet and not even_if_quiet:
            return
        try:
            tqdm.write(line)
        except OSError as problem:
            discard_output()
            notify(f"the output can't be written any more ({problem.strerror}); the training goes on without it")
            if not isinstance(problem, BrokenPipeError):
                self.unwritten.append("the output")

    def introduce(self) -> None:
        """The data and the layers."""
        self.say(data_summary(self.run.dataset, len(self.run.validation)))
        self.say(layer_table(self.run.network))

    def epochs(self) -> Iterator[EpochResult]:
        """Train, with a progress bar, and yield the result of each epoch."""
        steps, quiet = self.run.schedule.total_steps, self.arguments.quiet or None
        bar = tqdm(total=steps, initial=self.run.progress.step, unit="step", leave=False, disable=quiet)

        def on_step(step: int, loss: float) -> None:
            bar.update()
            self.interruption.check()

        with self._kept_in_any_case(), bar:
            yield from self.run.epochs(on_step)

    def report(self, result: EpochResult) -> None:
        """After an epoch: its line, and a checkpoint, where they are asked for."""
        epochs, every = self.run.recipe.epochs, self.arguments.checkpoint_every
        if result.epoch % self.arguments.print_every == 0 or result.epoch == epochs:
            self.say(epoch_line(result, epochs))
        if every and result.epoch % every == 0:
            try:
                save_checkpoint(self.run, self.checkpoint)
            except OSError as problem:  # a disk that is full now need not be so at the next one
                notify(f"{self.checkpoint}: can't be written: {problem.strerror}; the training goes on")

    @property
    def out_of_patience(self) -> bool:
        """Whether it has not got better for as many epochs as it may."""
        patience = self.arguments.patience
        if not patience or self.run.epochs_since_best < patience:
            return False
        self.say(f"stopped: no higher validation accuracy for {patience} epochs")
        return True

    def test(self) -> None:
        """Judge the network that will be saved: with patience the best one, else the last."""
        seconds = sum(result.seconds for result in self.run.history)
        self.say(f"trained for {seconds:.1f} s on {self.run.threads} thread(s)")
        if self.arguments.patience:
            self.run.swap_best()
        with self._kept_in_any_case():
            self.test_loss, self.test_accuracy = self.run.test()

    def save(self) -> None:
        """The network, its history and the best network."""
        run = self.run
        metrics = {"test_accuracy": self.test_accuracy, "test_loss": self.test_loss}
        network = saved_network(run, **metrics, training_loss=run.history[-1].loss)
        output = self._keep(partial(save, network), self.output)
        if self.arguments.history:
            self._save_history()
        if run.best:
            self._save_best()
        if self.interruption.signal:
            notify(f"interrupted when the training was over; the network: {output}")
            self.interruption.check()
        self.say(f"test accuracy {self.test_accuracy:.2%} ({len(run.dataset.test):,} images)", even_if_quiet=True)
        if not run.validation:
            self.say("(--validation 10000 holds images out and tells the accuracy on them after each epoch)")
        self.say(f"saved {output}")
        if self.unwritten:
            raise BadInput(f"could not be written: {', '.join(self.unwritten)}")

    def _save_history(self) -> None:
        from nn_from_scratch import figures

        rows = [EpochResult._fields, *self.run.history]
        places = [self._keep(partial(files.save_rows, rows), self.arguments.history)]
        if self.curves:
            curves = figures.learning_curves(self.run.history)
            places.append(self._keep(partial(figures.save, curves), self.curves))
        self.say(f"saved {' and '.join(places)}")

    def _save_best(self) -> None:
        run, best = self.run, self.run.best
        assert best
        if not self.arguments.patience:
            run.swap_best()
        network = saved_network(run, epoch=best.epoch, validation_accuracy=best.accuracy)
        place = self._keep(partial(save, network), self.best)
        self.say(f"saved {place}, the network of epoch {best.epoch}: validation accuracy {best.accuracy:.2%}")

    def _keep(self, write: Callable[[str], None], path: str) -> str:
        """Write a file, or, where its place can't be written, the same in a new temporary directory. Where it is."""
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
            notify(f"nor can a temporary file: {problem.strerror}")
            return "lost"
        notify(f"it is kept in {place}")
        return place

    @contextmanager
    def _kept_in_any_case(self) -> Iterator[None]:
        """Interrupted or diverged, what has been learnt is saved."""
        run = self.run
        try:
            yield
        except Interrupted:
            checkpoint = self._keep(partial(save_checkpoint, run), self.checkpoint)
            output = self._keep(partial(save, saved_network(run)), self.output)
            steps = run.schedule.total_steps
            notify(f"interrupted at step {run.progress.step} of {steps}; the network so far: {output}")
            if checkpoint != "lost":
                notify(f"to go on: {resume_command(self.arguments, self.output, checkpoint, run.dataset)}")
            raise
        except Diverged:
            notify(f"the last finite network: {self._keep(partial(save, saved_network(run)), self.diverged)}")
            raise


def _curves_beside(history: str | None) -> str:
    """Where the picture of the learning curves goes: beside the history, unless that is a device or a pipe."""
    if not history or (os.path.exists(history) and not os.path.isfile(history)):
        return ""
    return str(Path(history).with_suffix(".png"))
