"""Train a neural network, or an ensemble, on labelled samples such as handwritten digits and save it as JSON."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS, recipe_options, whole_number

EXAMPLES = """\
  python train.py
  python train.py --preset 784-10-10 --epochs 5
  python train.py --sizes 784 300 10 --learning-rate 0.001 --validation 10000 --patience 3
  python train.py --data digits --output digits.json --history digits.csv
  python train.py --members 5 --jobs 2 --output ensemble.json
  mpiexec -n 2 python train.py --preset cnn --data-parallel
  python train.py --resume resources/weights_and_biases.checkpoint.json"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument(
        "--validation", type=whole_number(0), metavar="N", help="hold out N training images (default: 0)"
    )
    parser.add_argument("--seed", type=whole_number(0), metavar="N", help="the seed of all random numbers (default: 0)")
    parser.add_argument("--output", metavar="FILE", help=f"where to save the network (default: {DEFAULT_WEIGHTS})")
    parser.add_argument("--history", metavar="FILE.csv", help="where to write the result of each epoch")
    parser.add_argument(
        "--print-every", type=whole_number(1), default=1, metavar="N", help="print a line every N epochs"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but the test accuracy")
    group = parser.add_argument_group("long trainings")
    group.add_argument("--checkpoint-every", type=whole_number(1), metavar="N", help="save a checkpoint every N epochs")
    group.add_argument("--threads", type=whole_number(1), metavar="N", help="threads for matrix products (default: 1)")
    group.add_argument(
        "--resume", metavar="FILE", help="continue from a checkpoint, such as that of an interrupted training"
    )
    group.add_argument(
        "--patience",
        type=whole_number(1),
        metavar="N",
        help="stop after N epochs without a higher validation accuracy, and save the best network",
    )
    group.add_argument(
        "--data-parallel",
        action="store_true",
        help="with mpiexec: all processes train one network together, each on a share of every batch",
    )
    group = parser.add_argument_group("ensembles", "several networks with the same recipe, whose answers are averaged")
    group.add_argument(
        "--members", type=whole_number(2), metavar="N", help="how many networks, with the seeds SEED, SEED + 1, …"
    )
    command_line.add_pool_options(group, "members")
    recipe_options.add_recipe_options(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from nn_from_scratch.command_line.training import start_training

    training = start_training(arguments)
    training.introduce()
    with training.interruption:
        for result in training.epochs():
            training.report(result)
            if training.out_of_patience:
                break
        training.test()
        training.save()


if __name__ == "__main__":
    command_line.run(main)
