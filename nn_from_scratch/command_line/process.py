"""How a script runs as a process: what it says when something goes wrong, its exit codes, and Ctrl-C.

Every script ends with `run(main)`: bad input becomes one line on stderr and exit code 2. What nobody foresaw is a bug
and keeps its traceback.
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from nn_from_scratch.errors import BadInput
from nn_from_scratch.training import Diverged

EXIT_CODES = "exit codes: 0 done, 2 bad input, 3 diverged, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM)"


def run(main: Callable[[], None]) -> None:
    """Run a script's `main` and end with one of EXIT_CODES; what is foreseen gets one line, not a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In a pipe, too, each line is to be seen when it is printed; and a terminal need not know λ.
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    try:
        main()
        sys.stdout.flush()
    except BadInput as problem:
        fail(str(problem))
    except Diverged as problem:
        fail(f"{problem}. A lower --learning-rate usually helps", exit_code=3)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as problem:
        fail(f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem))
    except Interrupted as interruption:
        sys.exit(interruption.exit_code)
    except KeyboardInterrupt:
        notify("interrupted")
        sys.exit(130)


def _terminate(number: int, _frame: object) -> NoReturn:
    """End in order: without this, SIGTERM would leave temporary files and the processes of a sweep behind."""
    sys.exit(128 + number)


def fail(message: str, exit_code: int = 2) -> NoReturn:
    """One line on stderr, and the end."""
    directory, program = os.path.split(sys.argv[0])
    if program == "__main__.py":  # of `python -m nn_from_scratch.…`
        program = os.path.basename(directory)
    print(f"{program}: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(exit_code)


def notify(message: str) -> None:
    """Something the user should know, apart from the results on stdout."""
    print(message, file=sys.stderr)


class Interrupted(Exception):
    """The user, or the system, wants the program to end; `signal` says which."""

    def __init__(self, signal_number: int):
        super().__init__()
        self.exit_code = 128 + signal_number


class Interruption:
    """Within its context the first Ctrl-C or SIGTERM only asks for an end, so that work can be saved; a second ends.

    `check` raises Interrupted once an end was asked for.
    """

    def __enter__(self) -> "Interruption":
        self.signal: int | None = None
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self.signal is not None:
            _terminate(number, frame)
        self.signal = number

    def check(self, *_: object) -> None:
        if self.signal is not None:
            raise Interrupted(self.signal)
