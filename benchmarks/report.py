"""The printed and the saved results: the machine, a table for each group, and the targets.

A ratio is nn_from_scratch's value divided by the other value: below 1, nn_from_scratch's is smaller. The ratio to the
floor says how many times as long as its matrix products a step takes.
"""

import os
import platform
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from threadpoolctl import threadpool_info

from benchmarks.contenders import (
    BEYOND,
    COMPILED,
    COMPILED_LAST,
    EAGER,
    FLOOR,
    FUSED,
    INSTEAD,
    JAX,
    LAST,
    NO_COMPILE,
    NO_JAX,
    NO_SKLEARN,
    NO_TORCH,
    OURS,
    PEERS,
    SKLEARN,
    WATCHED,
)
from benchmarks.timing import Measured, Row

LEGEND = """\
Times are medians, ± half the distance between the quartiles (accuracy: means, ± the standard deviation over the seeds).
In brackets: nn_from_scratch's value divided by this one. The floor: the bare matrix products in NumPy; of loading, see
benchmarks/loading.py. PyTorch: its default optimizer. torch.compile: the model, before the clock starts, and fused.
channels_last: fused, with images in PyTorch's other memory order. JAX jit: the whole step, compiled likewise."""

ORDER = (OURS, INSTEAD, WATCHED, FLOOR, BEYOND, EAGER, FUSED, LAST, COMPILED, COMPILED_LAST, JAX, SKLEARN)  # of columns
LIBRARIES = ("numpy", "torch", "jax", "jaxlib", "scikit-learn", "scipy", "threadpoolctl")
FASTEST_PYTORCH = "fastest PyTorch"


class Target(NamedTuple):
    """The limit of a ratio or, without another contender, of a value: the most or the least that it may be."""

    group: str
    case: str  # its name in the table; * stands for anything
    beside: str | None
    limit: float
    at_least: bool = False  # the limit is the least, not the most
    threads: int | None = None  # the number of threads; None: any


ADAM_64, ADAM_128 = "784-128-64-10, batch 64, Adam", "784-128-64-10, batch 128, Adam"
TARGETS = [
    Target("steps", ADAM_64, FLOOR, 1.6),
    Target("steps", ADAM_64, EAGER, 0.6),
    Target("steps", ADAM_64, FUSED, 0.8),
    Target("steps", ADAM_128, FLOOR, 1.6),
    Target("steps", ADAM_128, EAGER, 0.6),
    Target("steps", ADAM_128, FUSED, 0.8),
    Target("epochs", f"{ADAM_64}, *", SKLEARN, 0.7),
    Target("epochs", f"{ADAM_128}, *", SKLEARN, 0.7),
    Target("steps", "784-128-64-10, batch 1, SGD", EAGER, 0.35),
    Target("steps", "784-10-10, full batch, SGD", EAGER, 1.0),
    Target("steps", ADAM_64, JAX, 1.0, threads=1),
    Target("steps", ADAM_128, JAX, 1.0, threads=1),
    Target("inference", "*", EAGER, 1.0),
    Target("convolution", "LeNet, *: a step", FLOOR, 1.5, threads=1),
    Target("convolution", "LeNet, *: a step", FASTEST_PYTORCH, 0.9, threads=1),
    Target("convolution", "LeNet, *: a step", FASTEST_PYTORCH, 1.2, threads=2),
    Target("convolution", "3×3 same, *: a step", FASTEST_PYTORCH, 1.25),
    Target("accuracy", "98 %, *: test accuracy", None, 0.98, at_least=True),
    Target("accuracy", "98 %, *: training alone", None, 1.0),
    Target("accuracy", "98 %, *: from a cold start", None, 2.5),
    Target("accuracy", "99 %, *: test accuracy", None, 0.99, at_least=True),
    Target("accuracy", "99 %, *: training alone", None, 10.0, threads=2),
    Target("watching", "*", WATCHED, 0.85, at_least=True),  # the share of its speed that a training keeps
    Target("loading", "MNIST from IDX", None, 0.5),
    Target("loading", "784-128-64-10 from JSON", None, 0.1),
    Target("loading", "python train.py --help", None, 0.3),
    Target("loading", "python train.py, peak memory", None, 220.0),
    Target("loading", "python train.py --preset lenet *, peak memory", None, 500.0),
]


class Verdict(NamedTuple):
    """A target, and its result in one row."""

    target: Target
    threads: int | None
    unit: str
    value: float | None  # the ratio or value; None if it wasn't measured
    met: bool | None


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """Each target with each number of threads."""
    for target in TARGETS:
        found = [
            row
            for row in rows
            if row.group == target.group
            and fnmatchcase(row.case, target.case)
            and target.threads in (None, row.threads)
        ]
        for row in found:
            value = ratio(row, target.beside) if target.beside else _value(row, OURS)
            met = None if value is None else value >= target.limit if target.at_least else value <= target.limit
            yield Verdict(target._replace(case=row.case), row.threads, "" if target.beside else row.unit, value, met)
        if not found:
            yield Verdict(target, target.threads, "", None, None)


def _value(row: Row, name: str) -> float | None:
    result = row.results.get(fastest(row, name) or name)
    return result.value if isinstance(result, Measured) else None


def fastest(row: Row, peer: str) -> str | None:
    """The fastest way of a peer, if any was measured."""
    values = {name: value for name in PEERS.get(peer, ()) if (value := _value(row, name)) is not None}
    return min(values, key=values.__getitem__, default=None)


def ratio(row: Row, name: str) -> float | None:
    """Our value divided by the other one, if there are both. For a peer, its fastest way counts."""
    ours, other = _value(row, OURS), _value(row, name)
    return ours / other if ours and other and name not in (OURS, BEYOND) and row.unit != "%" else None


# ---- the machine ----


def machine() -> dict[str, Any]:
    """The machine and the libraries: besides the code, the numbers depend on these."""
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average_at_start": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        "pytorch_blas": _pytorch_blas(),
        "thread_pools": [
            {key: pool.get(key) for key in ("user_api", "internal_api", "version", "architecture", "num_threads")}
            | {"of": Path(pool["filepath"]).parent.name}
            for pool in threadpool_info()
        ],
        "missing": [reason for reason in dict.fromkeys([NO_TORCH, NO_COMPILE, NO_JAX, NO_SKLEARN]) if reason],
    }


def _pytorch_blas() -> str | None:
    """PyTorch's BLAS is linked in, so threadpoolctl doesn't find it."""
    if torch := sys.modules.get("torch"):
        lines = torch.__config__.show().splitlines()
        return "; ".join(line.strip(" -") for line in lines if "MKL" in line[:30] or "Math Kernel" in line)
    return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def machine_text(found: dict[str, Any]) -> str:
    load = found["load_average_at_start"]
    pools = (
        f"{pool['of']}: {pool['internal_api']} {pool['version'] or ''} {pool['architecture'] or ''}".rstrip()
        for pool in found["thread_pools"]
    )
    lines = [
        f"{found['date']}, {found['processor']}, {found['usable_cores']} of {found['cores']} cores, {found['system']}",
        ", ".join(f"{name} {number or '(not installed)'}" for name, number in found["versions"].items()),
        f"thread pools: {'; '.join(pools)}",
        f"PyTorch's: {found['pytorch_blas']}",
        f"load average at the start: {', '.join(f'{value:.2f}' for value in load) if load else 'unknown'}",
        *(f"missing: {reason}" for reason in found["missing"]),
    ]
    if load and load[0] > 0.5:
        lines.append("OTHER WORK IS RUNNING ON THIS MACHINE: times are too long, and two threads suffer most")
    return "\n".join(lines)


# ---- tables ----


def group_table(group: str, rows: Sequence[Row]) -> str:
    """A line for each case and a column for each contender. Below the table, the reasons for missing values."""
    found = {name for row in rows for name in row.results}
    names = [name for name in ORDER if name in found]
    reasons: list[str] = []
    lines = [[group, "threads", *names]]
    for row in rows:
        lines.append([row.case, str(row.threads or ""), *(_cell(row, name, reasons) for name in names)])
    notes = [f"[{number}] {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([_columns(lines), *notes])


def _cell(row: Row, name: str, reasons: list[str]) -> str:
    result = row.results.get(name)
    if result is None:
        return ""
    if isinstance(result, str):
        if result not in reasons:
            reasons.append(result)
        return f"– [{reasons.index(result) + 1}]"
    text = quantity(result.value, row.unit)
    if len(result.samples) != 1:
        text += f" ±{quantity(result.spread, row.unit, short=True)}"
    return text if (beside := ratio(row, name)) is None else f"{text} ({beside:.2f})"


def summary_table(rows: Sequence[Row]) -> str:
    """Our time divided by that of each peer's fastest way, for all times that were measured for a peer, too."""
    lines = [["÷ the fastest of each", "threads", OURS, FLOOR, *(peer.removeprefix("fastest ") for peer in PEERS)]]
    for row in rows:
        if row.unit == "s" and any(fastest(row, peer) for peer in PEERS):
            line = [f"{row.group}: {row.case}", str(row.threads or ""), quantity(_value(row, OURS) or 0, row.unit)]
            lines.append(line + [_share(row, name) for name in (FLOOR, *PEERS)])
    return _columns(lines) if len(lines) > 1 else ""


def _share(row: Row, name: str) -> str:
    """The ratio, and the name of the peer's way, if there are several."""
    if (beside := ratio(row, name)) is None:
        return ""
    return f"{fastest(row, name)} {beside:.2f}" if len(PEERS.get(name, ())) > 1 else f"{beside:.2f}"


def targets_table(rows: Sequence[Row]) -> str:
    """Every target: the value, the limit, and whether it is met."""
    lines = [["targets", "threads", "value", "limit", "met"]]
    for target, number, unit, value, met in verdicts(rows):
        what = f"{target.case}{f' ÷ {target.beside}' if target.beside else ''}".replace("*", "…")
        limit = f"{'≥' if target.at_least else '≤'} {_plain(target.limit, unit)}" if value is not None else ""
        shown = "not measured" if value is None else _plain(value, unit)
        answer = "" if met is None else "yes" if met else "NO"
        lines.append([f"{target.group}: {what}", str(number or ""), shown, limit, answer])
    return _columns(lines)


def _plain(value: float, unit: str) -> str:
    return quantity(value, unit) if unit else f"{value:.2f}"


def quantity(value: float, unit: str, short: bool = False) -> str:
    """Three digits and a unit. With `short`, for a spread, one or two digits."""
    if unit == "%":
        return f"{value:.2%}".replace("%", " %")
    if unit == "MB":
        return f"{value:.0f} MB"
    factor, unit = next(
        ((factor, unit) for factor, unit in [(1, "s"), (1e3, "ms")] if abs(value) * factor >= 0.9995), (1e6, "µs")
    )
    digits = 2 if short else 3
    decimals = max(0, digits - len(str(int(abs(value) * factor))))
    return f"{value * factor:.{decimals}f} {unit}"


def _columns(lines: list[list[str]]) -> str:
    """The first column to the left, the others to the right, a rule under the first line."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    return "\n".join([text[0], "─" * len(text[0]), *text[1:]])


# ---- the file ----


def document(found: dict[str, Any], arguments: Namespace, rows: Sequence[Row]) -> dict[str, Any]:
    """Everything as JSON: times in seconds, accuracies as fractions, memory in megabytes."""
    return {
        "machine": found,
        "groups": arguments.groups,
        "repeats": arguments.repeats,
        "quick": arguments.quick,
        "rows": [row._asdict() | {"results": {name: _result(row, name) for name in row.results}} for row in rows],
        "targets": [verdict._asdict() | {"target": verdict.target._asdict()} for verdict in verdicts(rows)],
    }


def _result(row: Row, name: str) -> dict[str, Any]:
    result = row.results[name]
    if isinstance(result, str):
        return {"missing": result}
    return result._asdict() | {"ratio": ratio(row, name)}
