"""Train a neural network on handwritten digits and save it as JSON."""

import argparse
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS, whole_number

EXAMPLES = """\
  python train.py
  python train.py --preset 784-10-10 --epochs 5
  python train.py --sizes 784 300 10 --learning-rate 0.001 --validation 10000
  python train.py --data digits --output digits.json --history digits.csv"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_recipe_options(parser)
    command_line.add_data_option(parser)
    parser.add_argument("--validation", type=whole_number(0), default=0, metavar="N", help="training images held out")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of all randomness")
    parser.add_argument("--output", default=DEFAULT_WEIGHTS, metavar="FILE", help="where to save the network")
    parser.add_argument("--history", metavar="FILE.csv", help="where to write the result of each epoch")
    parser.add_argument("--quiet", action="store_true", help="print nothing but the test accuracy")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    recipe = command_line.recipe_of(arguments)

    from tqdm import tqdm
