"""Save a network or an ensemble as an ONNX model, which other programs can run on phones, in browsers, on servers."""

import argparse
import os

from nn_from_scratch import command_line
from nn_from_scratch.errors import BadInput, extra

EXAMPLES = """\
  python -m nn_from_scratch.export network.onnx
  python -m nn_from_scratch.export lenet.onnx --weights resources/pretrained/lenet.json
  python -m nn_from_scratch.export ensemble.onnx --weights resources/pretrained/cnn-ensemble.json"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES, files="FILE.onnx")
    parser.add_argument("written", metavar="FILE.onnx", help="the file to write")
    command_line.add_weights_option(parser)
    arguments = parser.parse_args()
    if os.path.splitext(arguments.written)[1].lower() != ".onnx":
        parser.error(f"{arguments.written}: expected a name that ends in .onnx")
    return arguments


def main() -> None:
    arguments = parse_arguments()

    with extra("onnx"):
        from nn_from_scratch.export import onnx_model

    command_line.check_paths({"--weights": arguments.weights}, {"FILE.onnx": arguments.written})
    saved = command_line.load_weights(arguments.weights)
    try:
        model = onnx_model.model_of(saved)
    except ValueError as problem:
        raise BadInput(f"{arguments.weights}: {problem}") from None
    if saved.network.dtype != "float32":
        command_line.notify(f"note: the {saved.network.dtype} numbers of {arguments.weights} are rounded to float32")
    onnx_model.save(model, arguments.written)
    print(f"saved {arguments.written} ({os.path.getsize(arguments.written):,} bytes)")
    print(onnx_model.summary(model))


if __name__ == "__main__":
    command_line.run(main)
