"""This comes before all other imports: it checks the version of Python, and handles Ctrl-C during the imports.

It must also run with the old versions of Python that it refuses.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - a clone can be run with any Python
    raise SystemExit("nn_from_scratch needs Python 3.11 or later, this is {}.{}".format(*sys.version_info))


BEFORE = sys.excepthook


def _without_traceback(kind, problem, trace):  # type: ignore[no-untyped-def]
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
    else:
        BEFORE(kind, problem, trace)


sys.excepthook = _without_traceback


def over():  # type: ignore[no-untyped-def]
    """All imports are done: from now on, the program itself handles Ctrl-C."""
    if sys.excepthook is _without_traceback:
        sys.excepthook = BEFORE
