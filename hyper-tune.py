"""Find a learning rate: train one configuration at several rates, and compare them on held-out training images."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import positive_number, recipe_options, whole_number

EXAMPLES = """\
  python hyper-tune.py
  python hyper-tune.py --optimizer sgd --learning-rates 0.01 0.03 0.1 0.3 --repeats 3
  python hyper-tune.py --preset 784-10-10 --lr-min 0.0001 --lr-max 1 --num 9
  python hyper-tune.py --range-test"""

# Where the results go, and which rates are tried: the lowest, the highest, and their number.
SWEEP = "results/learning_rates", 1e-4, 0.1, 7
RANGE_TEST = "results/range_test", 1e-6, 10.0, 300


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument(
        "--learning-rates", nargs="+", type=positive_number, metavar="RATE", help="the rates to try; or give:"
    )
    parser.add_argument(
        "--lr-min", type=positive_number, metavar="RATE", help="the lowest rate (default: 0.0001; range test: 1e-06)"
    )
    parser.add_argument(
        "--lr-max", type=positive_number, metavar="RATE", help="the highest rate (default: 0.1; range test: 10)"
    )
    parser.add_argument(
        "--num",
        type=whole_number(2),
        metavar="N",
        help="how many rates, log-spaced (default: 7; range test: 300, one step each)",
    )
    parser.add_argument(
        "--repeats",
        type=whole_number(1),
        default=2,
        metavar="N",
        help="runs at each rate, with the seeds SEED, SEED + 1, …",
    )
    command_line.add_pool_options(parser, "runs")
    parser.add_argument(
        "--range-test", action="store_true", help="instead: one short run in which the rate rises at every step"
    )
    parser.add_argument(
        "--validation", type=whole_number(1), metavar="N", help="hold out N training images (default: a sixth)"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="the seed of the first run")
    parser.add_argument(
        "--output",
        metavar="STEM",
        help=f"results go to STEM.png and STEM.csv (default: {SWEEP[0]}; range test: {RANGE_TEST[0]})",
    )
    parser.add_argument("--show", action="store_true", help="open the figure in a window, too")
    recipe_options.add_recipe_options(parser, without=["learning_rate"], epochs=3)
    arguments = parser.parse_args()
    if arguments.range_test and (arguments.jobs or arguments.scheduler):
        parser.error("--range-test is a single run: expected neither --jobs nor --scheduler")
    return arguments


def main() -> None:
    arguments = parse_arguments()

    from nn_from_scratch import figures
    from nn_from_scratch.command_line.sweeping import Sweeping
    from nn_from_scratch.data.batches import matching
    from nn_from_scratch.runs.range_test import range_test
    from nn_from_scratch.runs.sweep import Sweep, sweep
    from nn_from_scratch.storage import files

    # ---- Recipe and data: the test set is not used ----
    stem, lowest, highest, num = RANGE_TEST if arguments.range_test else SWEEP
    rates = command_line.learning_rates(arguments, lowest, highest, num)
    picture, table = f"{arguments.output or stem}.png", f"{arguments.output or stem}.csv"
    command_line.check_paths(command_line.data_files(arguments), {"--output": [picture, table]})
    pool = command_line.pool_of(arguments)
    whole = command_line.load_data(arguments)
    recipe = recipe_options.recipe_of(arguments, whole).for_data(whole)
    dataset = matching(whole, recipe.input_shape, recipe.classes)
    learning, validation = dataset.train.hold_out(arguments.validation or len(dataset.train) // 6)
    print(command_line.data_summary(dataset, len(validation)))

    # ---- Training ----
    sweeping = Sweeping(total=len(rates) * arguments.repeats)
    if arguments.range_test:
        result = range_test(recipe, rates, arguments.seed, learning)
        rows, figure, conclusion = result.rows(), figures.range_test(result), result.conclusion()
    else:
        seeds = range(arguments.seed, arguments.seed + arguments.repeats)
        results = Sweep(sweeping.finished(sweep(recipe, rates, seeds, learning, validation, pool)))
        rows, figure, conclusion = results.rows(), figures.learning_rate_sweep(results), results.conclusion()

    # ---- Results ----
    files.save_rows(rows, table)
    figures.save(figure, picture)
    print(f"saved {picture} and {table}")
    if arguments.show:
        figures.show([figure], command_line.notify)
    print(conclusion)
    sweeping.end()


if __name__ == "__main__":
    command_line.run(main)
