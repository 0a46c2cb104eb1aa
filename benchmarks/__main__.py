"""Compare nn_from_scratch with PyTorch, JAX, scikit-learn and the floor, side by side in one run.

The floor is the time of a step's matrix products alone. Every table is printed as soon as it is complete.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from benchmarks import accuracy, loading, profile, reasons, report, scaling, steps, watching
from benchmarks.timing import ROOT, Row
from nn_from_scratch import BadInput, Dataset, load_dataset
from nn_from_scratch.data.mnist import DIRECTORY_VARIABLE, cache_directory
from nn_from_scratch.storage import json_files

RESULTS = ROOT / "benchmarks" / "results.json"
PLOT = ROOT / "resources" / "images" / "benchmark_scaling.png"

Measurement = Callable[[Dataset, list[int], int, bool], Iterator[Row]]

GROUPS: dict[str, Measurement] = {
    "steps": steps.measure_steps,
    "epochs": steps.measure_epochs,
    "inference": steps.measure_inference,
    "convolution": steps.measure_convolution,
    "accuracy": accuracy.measure,
    "loading": loading.measure,
    "scaling": scaling.measure,
    "watching": watching.measure,
    "profile": profile.measure,
    "reasons": reasons.measure,
}


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog="only a complete run is saved by default"
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"any of {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--threads", type=numbers, metavar="N,N,…", help="of the BLAS (default: 1,2)")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds of each comparison (default: 7, --quick 2)")
    parser.add_argument("--quick", action="store_true", help="less of everything, to check that it works")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help=f"(default: {RESULTS.relative_to(ROOT)})")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help=f"of scaling (default: {PLOT.relative_to(ROOT)})")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}; expected any of {', '.join(GROUPS)}")
    if min([arguments.repeats or 1, *(arguments.threads or [1])]) < 1:
        parser.error("expected numbers from 1 up")
    if not (arguments.groups or arguments.quick):
        arguments.output, arguments.plot = arguments.output or RESULTS, arguments.plot or PLOT
    arguments.groups = arguments.groups or list(GROUPS)
    arguments.threads = arguments.threads or list(range(1, min(2, os.cpu_count() or 1) + 1))
    arguments.repeats = arguments.repeats or (2 if arguments.quick else 7)
    return arguments


def main() -> None:
    arguments = parse_arguments()
    started = perf_counter()

    # ---- Machine and data ----
    machine = report.machine()
    print(report.machine_text(machine), flush=True)
    try:
        data = load_dataset("mnist", notify=lambda line: print(line, file=sys.stderr))
    except BadInput as problem:
        sys.exit(f"benchmarks: error: {problem}")
    os.environ.setdefault(DIRECTORY_VARIABLE, str(cache_directory()))  # for the processes that are measured

    # ---- Measurements ----
    rows: list[Row] = []
    for group in arguments.groups:
        found = []
        for row in GROUPS[group](data, arguments.threads, arguments.repeats, arguments.quick):
            found.append(row)
            if sys.stderr.isatty():
                print(f"\r\033[K{perf_counter() - started:.0f} s  {row.case}", end="\r", file=sys.stderr)
        print(f"\n{report.group_table(group, found)}", flush=True)
        rows += found

    # ---- Summary, targets, file and plot ----
    if beside := report.summary_table(rows):
        print(f"\n{beside}")
    print(f"\n{report.targets_table(rows)}\n\n{report.LEGEND}")
    machine["seconds"] = round(perf_counter() - started)
    print(f"{machine['seconds']} s in all")
    if arguments.output:
        json_files.write(report.document(machine, arguments, rows), arguments.output)
        print(f"saved {arguments.output}")
    if arguments.plot and "scaling" in arguments.groups:
        scaling.save_plot([row for row in rows if row.group == "scaling"], arguments.plot)
        print(f"saved {arguments.plot}")


if __name__ == "__main__":
    main()
