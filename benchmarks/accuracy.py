"""Time to 97 %, 98 %, 98.4 % and 99 % test accuracy: from a cold start of Python, and the training alone.

Each run has its own process and its own seed, so that nothing is warm. The recipes' numbers were chosen on the last
10,000 training images, which were held out; the test set only measures the accuracy. A goal is reached if the mean
accuracy over the seeds is at least the goal. torch.compile is left out: it compiles for longer than these trainings.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

from benchmarks.contenders import EAGER, FUSED, JAX, KINDS, LAST, NO_JAX, NO_TORCH, OURS, has_images
from benchmarks.plain import plain
from benchmarks.timing import Measured, Process, Row, mean_memory, mean_of, run_process
from nn_from_scratch import PRESETS, Dataset, Recipe

SEEDS = range(5)

# One-cycle, and an Adam that forgets sooner than usual: the recipe of the fast preset, with more or fewer epochs.
FAST = PRESETS["784-128-64-10-fast"]

RECIPES = {  # goal → the recipe with the fewest epochs that reaches it
    "97 %": FAST.override(epochs=1, learning_rate=0.013, batch_size=128, weight_decay=0.3),
    "98 %": FAST,
    "98.4 %": FAST.override(epochs=8, learning_rate=0.012, beta1=0.9, warmup=0.2),
    "99 %": PRESETS["lenet-fast"],
}
IN_A_PRESET = ("98 %", "99 %")


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """For each goal: seconds of training, seconds and memory of the whole process, and the accuracy reached.

    Presets are measured with every number of threads, the other recipes only with the first, because they take long.
    """
    for goal, recipe in RECIPES.items():
        if quick:
            recipe = recipe.override(epochs=1)
        for threads in thread_counts if goal in IN_A_PRESET else thread_counts[:1]:
            yield from _rows(goal, recipe, threads, SEEDS[:1] if quick else SEEDS)


def _rows(goal: str, recipe: Recipe, threads: int, seeds: range) -> Iterator[Row]:
    in_pytorch = (FUSED, LAST) if has_images(recipe) else (EAGER, FUSED)
    missing: dict[str, str | None] = dict.fromkeys(in_pytorch, NO_TORCH) | {JAX: NO_JAX}
    kinds = {OURS: "ours"} | {name: KINDS.get(name, "jax") for name, reason in missing.items() if not reason}
    runs: dict[str, list[tuple[float, float, Process]]] = {name: [] for name in kinds}
    variables = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
    for seed in seeds:
        for name, kind in kinds.items():
            document = asdict(recipe) if kind == "ours" else vars(plain(recipe))
            command = ["-m", "benchmarks.cold", kind, str(seed), str(threads), json.dumps(document)]
            process = run_process(sys.executable, *command, **variables)
            seconds, accuracy = json.loads(process.output)
            runs[name].append((seconds, accuracy, process))

    epochs = f"{recipe.epochs} epoch{'s' * (recipe.epochs > 1)}"
    case = f"{goal}, {epochs}, batch {recipe.batch_size}, peak rate {recipe.learning_rate:g}"

    def row(what: str, unit: str, measure: Callable[[list], Measured | str]) -> Row:
        results = {name: measure(runs[name]) if name in runs else str(missing[name]) for name in (OURS, *missing)}
        return Row("accuracy", f"{case}: {what}", threads, unit, results)

    yield row("training alone", "s", lambda of: mean_of([seconds for seconds, _, _ in of]))
    yield row("from a cold start", "s", lambda of: mean_of([process.seconds for _, _, process in of]))
    yield row("peak memory", "MB", lambda of: mean_memory([process.megabytes for _, _, process in of]))
    yield row("test accuracy", "%", lambda of: mean_of([accuracy for _, accuracy, _ in of]))
