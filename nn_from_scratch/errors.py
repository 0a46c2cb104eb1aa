"""What can go wrong without a bug: the user gave us something unusable, or the machines that do the work are gone.

The scripts turn either into one line on stderr; every other exception is a bug and keeps its traceback. The message of
bad input names the file, the place in it, what was found and what was expected.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class BadInput(ValueError):
    """A file, an option or a combination of options that can't be used as given."""


class WorkersLost(ChildProcessError):
    """A process that was doing the work, or the scheduler of a cluster, disappeared before the work was done."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """For imports that need an optional extra. If it is missing, raises BadInput, which says how to install it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        raise BadInput(f'{package} is not installed: pip install "nn-from-scratch-numpy[{name}]"') from None


def printable(text: str) -> str:
    """`text` with line ends and other control characters as escapes: text from a file must not control a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def count(number: int, noun: str) -> str:
    """ "1 output", "2 outputs"."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """ "digits", "boxes", "cities", "items of clothing"."""
    head, of, rest = noun.partition(" of ")
    if re.search("(s|x|z|ch|sh)$", head):
        head += "es"
    elif re.search("[^aeiou]y$", head):
        head = f"{head[:-1]}ies"
    else:
        head += "s"
    return head + of + rest


def one_line(text: object, longest: int = 300) -> str:
    """`text` for a one-line message: printable, and without its middle if it is too long.

    File names and cells come from outside, and either may hold anything.
    """
    full = str(text)
    if len(full) > longest:
        full = f"{full[: longest // 2]}…{full[-longest // 2 :]}"
    return printable(full)
