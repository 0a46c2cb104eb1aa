"""Convert a network from JSON to safetensors, which PyTorch's nn.Sequential can load, or back. Nothing is lost.

The endings of the two names decide: .json or .safetensors. A file that PyTorch wrote doesn't say what its layers are,
so give --layers and --input-shape, or --preset.
"""

import argparse
import os
from typing import TYPE_CHECKING

from nn_from_scratch import command_line
from nn_from_scratch.command_line import whole_number
from nn_from_scratch.command_line.recipe_options import word_in
from nn_from_scratch.errors import BadInput
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.presets import PRESETS

if TYPE_CHECKING:
    from nn_from_scratch.storage import Saved

EXAMPLES = """\
  python -m nn_from_scratch.convert resources/weights_and_biases.json network.safetensors
  python -m nn_from_scratch.convert network.safetensors network.json
  python -m nn_from_scratch.convert from_pytorch.safetensors network.json --preset lenet
  python -m nn_from_scratch.convert from_pytorch.safetensors network.json --input-shape 784 \\
    --layers dense:128 relu dense:10 softmax"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES, files="IN OUT")
    parser.add_argument("read", metavar="IN", help="the file to read")
    parser.add_argument("written", metavar="OUT", help="the file to write")
    group = parser.add_argument_group("for a .safetensors file that PyTorch wrote")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--preset", choices=PRESETS, help="its layers, input shape and classes are those of this preset")
    what.add_argument(
        "--layers", nargs="+", type=word_in(LAYERS), metavar="WORD", help=f"from input to output: {LAYERS.usages()}"
    )
    group.add_argument(
        "--input-shape",
        nargs="+",
        type=whole_number(1),
        metavar="N",
        help="the shape of one sample, such as 784, or 1 28 28",
    )
    group.add_argument(
        "--classes",
        nargs="*",
        type=whole_number(0),
        metavar="LABEL",
        help="the label of each output; without labels, the outputs are numbers (default: 0, 1, …)",
    )
    arguments = parser.parse_args()
    for name in (arguments.read, arguments.written):
        if os.path.splitext(name)[1].lower() not in (".json", ".safetensors"):
            parser.error(f"{name}: expected a name that ends in .json or .safetensors")
    if bool(arguments.layers) != bool(arguments.input_shape):
        parser.error("--layers and --input-shape: expected both of them, or a --preset")
    if arguments.classes is not None and not arguments.layers:
        parser.error("--classes: expected it with --layers")
    return arguments


def read(arguments: argparse.Namespace) -> "Saved":
    from nn_from_scratch.storage import load, safetensors_file

    if arguments.preset:
        recipe = PRESETS[arguments.preset]
        layers, input_shape, classes = recipe.layers, recipe.input_shape, recipe.classes
    else:
        layers, input_shape, classes = arguments.layers, arguments.input_shape, arguments.classes
    if not layers:
        return load(arguments.read)
    if not safetensors_file.is_safetensors(arguments.read):
        raise BadInput(f"{arguments.read}: says itself what its layers are: expected no --layers and no --preset")
    return safetensors_file.read_as(arguments.read, layers, input_shape, classes)


def main() -> None:
    arguments = parse_arguments()

    from nn_from_scratch.storage import load_and_save, safetensors_file

    command_line.check_paths({"IN": arguments.read}, {"OUT": arguments.written})
    saved = read(arguments)
    load_and_save.check_format(saved, arguments.written)
    load_and_save.save(saved, arguments.written)
    print(f"saved {arguments.written} ({os.path.getsize(arguments.written):,} bytes)")
    if safetensors_file.is_safetensors(arguments.written):
        print(f"in PyTorch:\n\n{safetensors_file.program(saved, arguments.written)}")


if __name__ == "__main__":
    command_line.run(main)
