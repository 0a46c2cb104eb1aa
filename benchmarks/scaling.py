"""How the time of a step grows with the batch size, the width and the depth, compared with its floor.

Where the two curves are far apart, Python and memory decide the time. Where they meet, the matrix products do.

    python -m benchmarks.scaling FILE.png     draw the saved results again
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks import floor, ours
from benchmarks.contenders import FLOOR, OURS
from benchmarks.timing import ROOT, Measured, Row, interleaved, threads
from nn_from_scratch import PRESETS, Dataset, Recipe, figures
from nn_from_scratch.figures.style import MUTED, POSITIVE, new_figure, styled, tint

COLOURS = {OURS: POSITIVE, FLOOR: tint(MUTED, 0.6)}
STYLES = ["-", "--", ":"]  # one for each number of threads


def cases(quick: bool) -> dict[str, dict[int, Recipe]]:
    """Kind → value → recipe. Each kind changes one property of 784-128-64-10 with batches of 64, or of a like one."""
    base = PRESETS["784-128-64-10"].override(
        schedule="constant", learning_rate=0.001, batch_size=64, weight_decay=0.0, initializer="glorot"
    )
    batch_sizes = [1, 4, 16, 64, 256, 1024, 4096, 16384, 60000][:: 2 if quick else 1]
    widths = [10, 32, 64, 128, 256, 512, 1024, 2048][:: 3 if quick else 1]
    depths = range(1, 9, 3 if quick else 1)
    return {
        # 60,000 is the full batch, which is made once instead of being gathered anew for every step
        "batch size": {size: base.override(batch_size=size if size < 60000 else None) for size in batch_sizes},
        "width of the one hidden layer": {width: base.override(sizes=(784, width, 10)) for width in widths},
        "hidden layers of 128": {depth: base.override(sizes=(784, *[128] * depth, 10)) for depth in depths},
    }


def measure(data: Dataset, thread_counts: list[int], repeats: int, quick: bool) -> Iterator[Row]:
    """A training step with Adam, from gathering the batch to the loss."""
    for kind, recipes in cases(quick).items():
        for value, recipe in recipes.items():
            for number in thread_counts:
                contenders = {
                    OURS: ours.step(recipe, data.train),
                    FLOOR: floor.step(recipe, recipe.batch_size or len(data.train)),
                }
                with threads(number):
                    yield Row("scaling", f"{kind}: {value}", number, "s", interleaved(contenders, repeats))


@styled()
def draw(rows: list[Row]) -> Figure:
    """A panel for each kind. Both axes are logarithmic: equal slopes mean equal growth."""
    figure = new_figure(9, 3.8)
    kinds = list(dict.fromkeys(row.case.split(": ")[0] for row in rows))
    for axes, kind in zip(figure.subplots(1, len(kinds), sharey=True), kinds, strict=True):
        of_kind = [row for row in rows if row.case.split(": ")[0] == kind]
        for style, number in zip(STYLES, sorted({row.threads for row in of_kind if row.threads}), strict=False):
            with_number = [row for row in of_kind if row.threads == number]
            for name, colour in COLOURS.items():
                x = [int(row.case.split(": ")[1]) for row in with_number]
                y = [result.value for row in with_number if isinstance(result := row.results[name], Measured)]
                label = f"{name}, {number} thread{'s' * (number > 1)}"
                axes.plot(x, y, style, marker=".", color=colour, label=label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(x, map(str, x), rotation=45)
        axes.minorticks_off()
        axes.set(xlabel=kind, ylabel="seconds a step" if kind == kinds[0] else "")
        axes.grid()
    figure.align_xlabels()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def save_plot(rows: list[Row], path: Path) -> None:
    figures.save(draw(rows), path)


def saved_rows(path: Path) -> list[Row]:
    """The results of this group, from a file that `python -m benchmarks` wrote."""
    rows = [row for row in json.loads(path.read_text("utf-8"))["rows"] if row["group"] == "scaling"]
    for row in rows:
        row["results"] = {
            name: Measured(result["value"], result["spread"], result["samples"])
            for name, result in row["results"].items()
        }
    return [Row(**row) for row in rows]


if __name__ == "__main__":
    save_plot(saved_rows(ROOT / "benchmarks" / "results.json"), Path(sys.argv[1]))
