"""A sweep on the command line: it prints a line when a run ends.

No finished run is lost if the sweep is interrupted, or if the workers are lost.
"""

import sys
from collections.abc import Iterable

from nn_from_scratch.command_line.process import notify
from nn_from_scratch.errors import WorkersLost
from nn_from_scratch.runs.sweep import Run


class Sweeping:
    """A sweep of `total` runs. Ctrl-C or another signal may end it before all of them are done."""

    def __init__(self, total: int):
        self.total = total
        self.exit_code: int | str | None = None

    def finished(self, runs: Iterable[Run]) -> list[Run]:
        """The runs; after an interruption, those that were done by then. If there are none, the interruption is raised.

        The same is true if the workers are lost.
        """
        found: list[Run] = []
        try:
            for run in runs:
                found.append(run)
                score = "diverged" if run.diverged else f"{run.final_accuracy:.2%}"
                print(
                    f"run {len(found)} of {self.total}: learning rate {run.learning_rate:.4g}, seed {run.seed}: {score}"
                )
        except (KeyboardInterrupt, SystemExit) as interruption:
            if not found:
                raise
            self.exit_code = interruption.code if isinstance(interruption, SystemExit) else 130
            notify(f"interrupted: the results are those of {len(found)} of {self.total} runs")
        except WorkersLost as problem:
            if not found:
                raise
            self.exit_code = 1
            notify(f"{problem}; the results are those of {len(found)} of {self.total} runs")
        return found

    def end(self) -> None:
        """After the results are saved, exit if there was an interruption."""
        if self.exit_code is not None:
            sys.exit(self.exit_code)
