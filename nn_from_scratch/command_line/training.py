"""A training on the command line: what is printed of it, and which files it leaves behind, however it ends."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from nn_from_scratch.command_line.output import data_summary, epoch_line, layer_table
from nn_from_scratch.command_line.process import Interrupted, Interruption, notify
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
        self.output = output_of(arguments)
        for path in filter(None, [self.output, arguments.history]):
            files.check_writable(path)
        self.checkpoint, self.diverged, self.best = (
            files.beside(self.output, kind) for kind in ("checkpoint", "diverged", "best")
        )
        self.run = start_run(arguments)
        if arguments.patience and not self.run.validation:
            raise BadInput("--patience needs --validation N: images that tell whether it still gets better")
        self.interruption = Interruption()

    def say(self, line: str) -> None:
        if not self.arguments.quiet:
            tqdm.write(line)

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
            save_checkpoint(self.run, self.checkpoint)

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
        save(saved_network(run, **metrics, training_loss=run.history[-1].loss), self.output)
        if self.arguments.history:
            files.save_rows([EpochResult._fields, *run.history], self.arguments.history)
        if run.best:
            self._save_best()
        if self.interruption.signal:
            notify(f"interrupted when the training was over; the network: {self.output}")
            self.interruption.check()
        print(f"test accuracy {self.test_accuracy:.2%} ({len(run.dataset.test):,} images)")
        self.say(f"saved {self.output}")

    def _save_best(self) -> None:
        run, best = self.run, self.run.best
        assert best
        if not self.arguments.patience:
            run.swap_best()
        save(saved_network(run, epoch=best.epoch, validation_accuracy=best.accuracy), self.best)
        self.say(f"saved {self.best}, the network of epoch {best.epoch}: validation accuracy {best.accuracy:.2%}")

    @contextmanager
    def _kept_in_any_case(self) -> Iterator[None]:
        """Interrupted or diverged, what has been learnt is saved."""
        run = self.run
        try:
            yield
        except Interrupted:
            save_checkpoint(run, self.checkpoint)
            save(saved_network(run), self.output)
            steps = run.schedule.total_steps
            notify(f"interrupted at step {run.progress.step} of {steps}; the network so far: {self.output}")
            notify(f"to go on: {resume_command(self.arguments, self.output, self.checkpoint)}")
            raise
        except Diverged:
            save(saved_network(run), self.diverged)
            notify(f"the last finite network: {self.diverged}")
            raise
