"""How a script runs as a process: its error messages, its exit codes, and the signals that end it.

Every script ends with `run(main)`: bad input becomes one line on stderr and exit code 2. An unexpected error is a bug
and keeps its traceback.
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from nn_from_scratch.command_line.programs import called
from nn_from_scratch.errors import BadInput, WorkersLost, printable
from nn_from_scratch.training import Diverged

EXIT_CODES = (
    "exit codes: 0 done, 1 the processes that did the work are gone, 2 bad input, 3 diverged, 129 the terminal "
    "was closed (SIGHUP), 130 interrupted (Ctrl-C), 143 terminated (SIGTERM)"
)
# The number of this process among those that mpiexec started, as MPICH and Open MPI give it.
RANK_VARIABLES = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")
# Windows has no SIGHUP.
ENDING = (signal.SIGTERM, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGTERM,)


def run(main: Callable[[], None]) -> None:
    """Run a script's `main` and end with one of EXIT_CODES; an expected error is one line, not a traceback."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup sets
            signal.signal(number, _terminate)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the script
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Each line appears at once, in a pipe, too; and λ is no error where the encoding lacks it.
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    try:
        main()
        sys.stdout.flush()
    except BadInput as problem:
        fail(str(problem))
    except Diverged as problem:
        fail(f"{problem}. A lower --learning-rate usually helps", exit_code=3)
    except WorkersLost as problem:
        fail(str(problem), exit_code=1)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        discard_output()
        sys.exit(1)
    except MemoryError:
        fail("not enough memory: a smaller network, a smaller batch or less data need less")
    except OSError as problem:
        fail(f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem))
    except Interrupted as interruption:
        sys.exit(interruption.exit_code)
    except KeyboardInterrupt:
        notify("interrupted")
        sys.exit(130)


def _terminate(number: int, _frame: object) -> NoReturn:
    """Clean up before the end: otherwise SIGTERM would leave temporary files and the processes of a sweep behind."""
    sys.exit(128 + number)


def fail(message: str, exit_code: int = 2) -> NoReturn:
    """Print one line on stderr, and exit."""
    notify(f"{called()}: error: {printable(' '.join(message.split()))}")
    sys.exit(exit_code)


def notify(message: str) -> None:
    """Print something the user should know, apart from the results on stdout. If stderr is closed, nothing is printed.

    If several processes train together, only the first one prints.
    """
    if "--data-parallel" in sys.argv and any(os.environ.get(rank, "0") != "0" for rank in RANK_VARIABLES):
        return
    with suppress(OSError):
        print(message, file=sys.stderr)


def discard_output() -> None:
    """Discard everything that is printed from now on, because stdout can't be written any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Interrupted(Exception):
    """The user or the system wants the program to end; the exit code says which signal it was."""

    def __init__(self, signal_number: int):
        super().__init__()
        self.exit_code = 128 + signal_number


class Interruption:
    """Within this context, the first signal is only recorded, so that work can be saved; a second one ends the program.

    `check` raises Interrupted after the first signal. When the context ends after a signal, no further one counts.
    """

    def __enter__(self) -> "Interruption":
        self.signal: int | None = None
        asked = [number for number in (signal.SIGINT, *ENDING) if signal.getsignal(number) is not signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._ask) for number in asked}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            # After a signal the program only has to end: another one could but spoil its exit code.
            signal.signal(number, handler if self.signal is None else signal.SIG_IGN)

    def _ask(self, number: int, frame: object) -> None:
        if self.signal is not None:
            _terminate(number, frame)
        self.signal = number

    def check(self, *_: object) -> None:
        if self.signal is not None:
            raise Interrupted(self.signal)
