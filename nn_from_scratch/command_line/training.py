"""The training of a network on the command line: the lines it prints, and the files it saves, however it ends."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from nn_from_scratch.command_line.any_training import AnyTraining
from nn_from_scratch.command_line.ensemble_training import EnsembleTraining
from nn_from_scratch.command_line.output import data_summary, epoch_line, layer_table
from nn_from_scratch.command_line.process import Interrupted, notify
from nn_from_scratch.command_line.recipe_options import resume_command, saved_network, start_run
from nn_from_scratch.errors import BadInput
from nn_from_scratch.runs.checkpoint import save_checkpoint
from nn_from_scratch.runs.ensemble_run import EnsembleRun
from nn_from_scratch.runs.training_run import TrainingRun
from nn_from_scratch.storage import save
from nn_from_scratch.training import Diverged, EpochResult

if TYPE_CHECKING:
    from nn_from_scratch.command_line.data_parallel_training import Follower


def start_training(arguments: argparse.Namespace) -> "AnyTraining[Any] | Follower":
    """The training that the options ask for, before its first step or at the step of its checkpoint."""
    if arguments.data_parallel:
        from nn_from_scratch.command_line.data_parallel_training import start_data_parallel

        return start_data_parallel(arguments)
    run = start_run(arguments)
    if isinstance(run, EnsembleRun):
        return EnsembleTraining(arguments, run)
    for option in ("jobs", "scheduler"):
        if getattr(arguments, option):
            raise BadInput(
                f"--{option} is for the members of an ensemble, and this is a single network: expected --members N"
            )
    return Training(arguments, run)


class Training(AnyTraining[EpochResult]):
    """The training of one network."""

    def __init__(self, arguments: argparse.Namespace, run: TrainingRun):
        super().__init__(arguments, run)
        self.run = run

    def introduce(self) -> None:
        """The data and the layers."""
        self.say(data_summary(self.run.dataset, len(self.run.validation)))
        self.say(layer_table(self.run.network))

    def epochs(self) -> Iterator[EpochResult]:
        """Train, with a progress bar, and yield the result of each epoch."""
        if self.out_of_patience:  # already at the checkpoint
            return
        steps, quiet = self.run.schedule.total_steps, self.arguments.quiet or None
        bar = tqdm(total=steps, initial=self.run.progress.step, unit="step", leave=False, disable=quiet)

        def on_step(step: int, loss: float) -> None:
            bar.update()
            self.interruption.check()

        with self._kept_in_any_case(), bar:
            yield from self.run.epochs(on_step)

    def report(self, result: EpochResult) -> None:
        """Print a line after an epoch, and save a checkpoint, if asked for."""
        epochs, every = self.run.recipe.epochs, self.arguments.checkpoint_every
        if result.epoch % self.arguments.print_every == 0 or result.epoch == epochs:
            self.say(epoch_line(result, epochs))
        if every and result.epoch % every == 0:
            self._save_checkpoint(partial(save_checkpoint, self.run))

    @property
    def out_of_patience(self) -> bool:
        """Whether the validation accuracy has not risen for as many epochs as --patience allows."""
        patience = self.arguments.patience
        if not patience or self.run.epochs_since_best < patience:
            return False
        self.say(f"stopped: no higher validation accuracy for {patience} epochs")
        return True

    def test(self) -> None:
        """Test the network that will be saved: with patience the best one, else the last."""
        seconds = sum(result.seconds for result in self.run.history)
        self.say(f"trained for {seconds:.1f} s on {self.run.threads} thread(s)")
        if self.arguments.patience:
            self.run.swap_best()
        with self._kept_in_any_case():
            self.test_loss, self.test_accuracy = self.run.test()

    def save(self) -> None:
        """Save the network, its history and the best network."""
        run = self.run
        metrics = {"test_accuracy": self.test_accuracy, "test_loss": self.test_loss}
        network = saved_network(run, self.arguments.patience, **metrics, training_loss=run.history[-1].loss)
        output = self._keep(partial(save, network), self.output)
        if self.arguments.history:
            self._save_history([EpochResult._fields, *run.history], run.history)
        if run.best:
            self._save_best()
        self._conclude(output, self.test_accuracy)

    def _save_best(self) -> None:
        run, best = self.run, self.run.best
        assert best
        if not self.arguments.patience:
            run.swap_best()
        network = saved_network(run, self.arguments.patience, epoch=best.epoch, validation_accuracy=best.accuracy)
        place = self._keep(partial(save, network), self.best)
        self.say(f"saved {place}, the network of epoch {best.epoch}: validation accuracy {best.accuracy:.2%}")

    @contextmanager
    def _kept_in_any_case(self) -> Iterator[None]:
        """Save the work done so far after an interruption or a divergence."""
        run = self.run
        try:
            yield
        except Interrupted:
            checkpoint = self._keep(partial(save_checkpoint, run), self.checkpoint)
            output = self._keep(partial(save, saved_network(run, self.arguments.patience)), self.output)
            steps = run.schedule.total_steps
            notify(f"interrupted at step {run.progress.step} of {steps}; the network so far: {output}")
            if checkpoint != "lost":
                notify(
                    f"to continue: {resume_command(self.arguments, self.output, checkpoint, run.dataset, run.ranks)}"
                )
            raise
        except Diverged:
            network = saved_network(run, self.arguments.patience)
            notify(f"the last finite network: {self._keep(partial(save, network), self.diverged)}")
            raise
