"""Runs a command and adds a line to its output: the seconds it took and its peak memory in megabytes.

It is a separate, small script because a process inherits the peak of the process that starts it.
"""

import json
import subprocess
import sys
from time import perf_counter

started = perf_counter()
code = subprocess.call(sys.argv[1:])
seconds = perf_counter() - started
try:
    import resource

    peak: float | None = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (
        1024**2 if sys.platform == "darwin" else 1024
    )
except ImportError:  # Windows
    peak = None
print(json.dumps([seconds, peak]))
sys.exit(code)
