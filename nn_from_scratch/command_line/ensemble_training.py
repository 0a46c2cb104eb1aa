"""The training of an ensemble on the command line: the lines it prints, and the files it saves, however it ends."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from nn_from_scratch.command_line.any_training import AnyTraining
from nn_from_scratch.command_line.output import data_summary, epoch_line, layer_table
from nn_from_scratch.command_line.pools import pool_of
from nn_from_scratch.command_line.process import Interrupted, notify
from nn_from_scratch.command_line.recipe_options import resume_command, saved_ensemble, saved_network
from nn_from_scratch.data import Split
from nn_from_scratch.ensemble import Ensemble
from nn_from_scratch.errors import WorkersLost
from nn_from_scratch.runs.ensemble_run import Divergence, EnsembleRun, Member, Report, save_ensemble_checkpoint
from nn_from_scratch.storage import SavedEnsemble, SavedNetwork, save
from nn_from_scratch.training import Diverged, EpochResult, evaluate


class EnsembleTraining(AnyTraining[tuple[int, Report]]):
    """The training of several networks with the same recipe, which then answer together."""

    what = "the ensemble"

    def __init__(self, arguments: argparse.Namespace, run: EnsembleRun):
        super().__init__(arguments, run.like)
        self.run = run
        self.pool = pool_of(arguments)
        self.divergence: tuple[Member, Divergence] | None = None

    def introduce(self) -> None:
        """The data, the layers and the seeds."""
        like, members = self.like, self.run.members
        self.say(data_summary(like.dataset, len(like.validation)))
        self.say(layer_table(like.network))
        self.say(f"{len(members)} members, seeds {members[0].seed} to {members[-1].seed}")

    def epochs(self) -> Iterator[tuple[int, Report]]:
        """Train, with a progress bar, and yield what the members report."""
        given, members = self.arguments, self.run.members
        done = sum(member.checkpoint["progress"]["epoch"] for member in members if member.checkpoint)
        total = len(members) * self.like.recipe.epochs
        bar = tqdm(total=total, initial=done, unit="epoch", leave=False, disable=given.quiet or None)
        told = self.run.train(self.pool, given.patience, given.checkpoint_every, self._stopped)
        with self._kept_in_any_case(), bar:
            for i, report in told:
                bar.update(bool(report.result))
                if report.divergence:
                    self.divergence = members[i], report.divergence
                yield i, report
            if not self.run.trained:
                self.interruption.check()

    def _stopped(self) -> bool:
        return self.interruption.signal is not None

    def report(self, result: tuple[int, Report]) -> None:
        """Print a line after a member's epoch and at the end of its training, and save checkpoints, if asked for."""
        (i, report), epochs = result, self.like.recipe.epochs
        member, epoch = f"member {i + 1}/{len(self.run.members)}", report.result
        if epoch and (epoch.epoch % self.arguments.print_every == 0 or epoch.epoch == epochs):
            self.say(f"{member}  {epoch_line(epoch, epochs)}")
        if report.metrics:
            self.say(f"{member}  trained: test accuracy {report.metrics['test_accuracy']:.2%}")
        if report.checkpoint and self.arguments.checkpoint_every and not self._stopped():
            self._save_checkpoint(partial(save_ensemble_checkpoint, self.run))

    def test(self) -> None:
        """Test the members together: with patience the best network of each, else its last."""
        self.networks = [self._network(member) for member in self.run.members]
        if self.like.validation:
            self.say(
                f"validation accuracy of the ensemble {self._together(self.networks, self.like.validation)[1]:.2%}"
            )
        accuracies = [member.metrics["test_accuracy"] for member in self.run.members]
        spread = f"{np.mean(accuracies):.2%} ± {np.std(accuracies, ddof=1):.2%}"
        self.say(f"test accuracy of the members {spread} (mean and standard deviation)")
        self.test_loss, self.test_accuracy = self._together(self.networks, self.like.dataset.test)

    def save(self) -> None:
        """Save the ensemble, its history and the ensemble of the best networks."""
        metrics = {"test_accuracy": self.test_accuracy, "test_loss": self.test_loss}
        output = self._keep(partial(save, self._ensemble(self.networks, **metrics)), self.output)
        if self.arguments.history:
            histories = [self.run.run_of(member).history for member in self.run.members]
            rows = [
                (member.seed, *epoch)
                for member, history in zip(self.run.members, histories, strict=True)
                for epoch in history
            ]
            self._save_history([("seed", *EpochResult._fields), *rows], *histories)
        if self.like.validation:
            self._save_best()
        self._conclude(output, self.test_accuracy)

    def _save_best(self) -> None:
        networks = [self._network(member, best=True) for member in self.run.members]
        accuracy = self._together(networks, self.like.validation)[1]
        place = self._keep(partial(save, self._ensemble(networks, validation_accuracy=accuracy)), self.best)
        self.say(f"saved {place}, the best network of each member: validation accuracy {accuracy:.2%}")

    def _network(self, member: Member, best: bool = False) -> SavedNetwork:
        """The network of a member to save: its best one with patience or `best`, else its last one."""
        run = self.run.run_of(member)
        if best or self.arguments.patience:
            run.swap_best()
        if not best:
            return saved_network(run, self.arguments.patience, **member.metrics)
        assert run.best
        return saved_network(run, self.arguments.patience, epoch=run.best.epoch, validation_accuracy=run.best.accuracy)

    def _ensemble(self, networks: list[SavedNetwork], **metrics: float) -> SavedEnsemble:
        return saved_ensemble(self.run, networks, self.arguments.patience, **metrics)

    def _together(self, networks: list[SavedNetwork], split: Split) -> tuple[float, float]:
        """Loss and accuracy of the ensemble of these networks."""
        with threadpool_limits(self.like.blas_threads):
            return evaluate(Ensemble([saved.network for saved in networks]), self.like.loss, split)

    @contextmanager
    def _kept_in_any_case(self) -> Iterator[None]:
        """Save the work done so far after an interruption, the loss of the workers or a divergence."""
        try:
            yield
        except Interrupted:
            self._keep_so_far("interrupted")
            raise
        except WorkersLost:
            if any(member.checkpoint for member in self.run.members):
                self._keep_so_far("ended")
            raise
        except Diverged:
            if self.divergence:
                member, divergence = self.divergence
                run = self.run.run_of(Member(member.seed))
                run.network.restore(divergence.snapshot)
                place = self._keep(partial(save, saved_network(run, self.arguments.patience)), self.diverged)
                notify(f"the last finite network of this member: {place}")
            raise

    def _keep_so_far(self, how: str) -> None:
        """Save the known state of each member, and say how to continue."""
        checkpoint = self._keep(partial(save_ensemble_checkpoint, self.run), self.checkpoint)
        begun = [member for member in self.run.members if member.checkpoint]
        so_far = "no member has begun"
        if begun:
            ensemble = self._ensemble([self._network(member) for member in begun])
            so_far = f"the ensemble so far: {self._keep(partial(save, ensemble), self.output)}"
        step = sum(member.checkpoint["progress"]["step"] for member in begun if member.checkpoint)
        notify(f"{how} at step {step} of {len(self.run.members) * self.like.schedule.total_steps}; {so_far}")
        if checkpoint != "lost":
            notify(f"to continue: {resume_command(self.arguments, self.output, checkpoint, self.like.dataset)}")
