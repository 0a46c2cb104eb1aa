"""Draw what a saved network has learnt: the weights and biases of every layer, and the outputs for an image."""

import argparse
from typing import TYPE_CHECKING

from nn_from_scratch import command_line

if TYPE_CHECKING:
    import numpy as np

    from nn_from_scratch import Dataset
    from nn_from_scratch.storage import SavedNetwork

EXAMPLES = """\
  python plot_weights.py
  python plot_weights.py --data mnist     marks dead units, which only images can show
  python plot_weights.py --example 7
  python plot_weights.py --image resources/handwriting/two.png
  python plot_weights.py --weights resources/pretrained/784-10-10.json --output-dir pictures
  python plot_weights.py --csv statistics.csv --show"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_weights_option(parser)
    image = parser.add_mutually_exclusive_group()
    image.add_argument(
        "--image",
        metavar="FILE",
        help="also draw the output of each stage for this picture of one digit, in feature_maps.png",
    )
    image.add_argument(
        "--example", type=command_line.whole_number(0), metavar="N", help="the same for a test image, numbered from 0"
    )
    command_line.add_data_option(
        parser, "with --example, the data that the network was trained on, named in its file; otherwise none"
    )
    command_line.add_member_option(parser)
    parser.add_argument("--output-dir", default="results", metavar="DIR", help="where to save the pictures")
    parser.add_argument("--csv", metavar="FILE", help="where to write the statistics and the counts of the histograms")
    parser.add_argument("--show", action="store_true", help="open the pictures in windows, too")
    return parser.parse_args()


def chosen_data(saved: "SavedNetwork", arguments: argparse.Namespace) -> "Dataset | None":
    """The data that the options ask for. Raises BadInput if the network can't read them."""
    from nn_from_scratch.data.batches import check_pixels
    from nn_from_scratch.data.dataset import described
    from nn_from_scratch.errors import BadInput, one_line

    if arguments.example is None and not (arguments.data or command_line.data_asked_for(arguments)):
        return None
    data = command_line.load_data_of(saved, arguments)
    check_pixels(data.test.images, saved.network.input_shape, data.name)
    if arguments.example is not None and data.test.images.ndim < 3:
        raise BadInput(f"--example draws images, but {one_line(data.name)} has {described(data.test.images)}")
    return data


def chosen_image(saved: "SavedNetwork", data: "Dataset | None", arguments: argparse.Namespace) -> "np.ndarray | None":
    """The image to look at, (rows, columns), or None. Raises BadInput if the network can't read it."""
    from nn_from_scratch import BadInput
    from nn_from_scratch.handwriting import reading
    from nn_from_scratch.inspection.answers import finite_outputs

    if arguments.image:
        readings, _ = reading.read(saved, [arguments.image])
        return readings[0].image
    if arguments.example is None or data is None:
        return None
    if arguments.example >= len(data.test):
        raise BadInput(f"--example {arguments.example}: expected 0 to {len(data.test) - 1}, the last test image")
    image = data.test.images[arguments.example]
    finite_outputs(saved, image[None])
    return image


def main() -> None:
    arguments = parse_arguments()

    from pathlib import Path

    from nn_from_scratch import BadInput, figures
    from nn_from_scratch.inspection import parameters as found
    from nn_from_scratch.storage import files

    # ---- Network ----
    saved = command_line.one_member(command_line.load_weights(arguments.weights), arguments)
    parameters = found.named_parameters(saved.network)
    if not parameters:
        raise BadInput(f"{arguments.weights}: no layer of this network has weights to draw")
    data = chosen_data(saved, arguments)
    image = chosen_image(saved, data, arguments)
    images = None if data is None else (data.train if len(data.train) else data.test).images
    pictures = figures.weight_figures(saved.network, saved.names, images)
    if image is not None:
        pictures["feature_maps"] = figures.feature_maps(saved.network, saved.names, image)
    paths = [str(Path(arguments.output_dir, f"{name}.png")) for name in pictures]
    reads = {"--weights": arguments.weights, "--image": arguments.image} | command_line.data_files(arguments)
    command_line.check_paths(reads, {"--csv": arguments.csv, "--output-dir": paths})
    print(command_line.layer_table(saved.network))

    # ---- Statistics ----
    print(f"\n{found.statistics_table(parameters)}\n")
    if arguments.csv:
        with files.whole_file(arguments.csv) as temporary:
            temporary.write_text(found.statistics_csv(parameters), encoding="utf-8")
        print(f"saved {arguments.csv}")

    # ---- Pictures ----
    if data is None:
        print("the first layer is sorted by its weights; with --data, by its outputs, and dead units are marked")
    for path, picture in zip(paths, pictures.values(), strict=True):
        figures.save(picture, path)
        print(f"saved {path}")
    if arguments.show:
        figures.show(list(pictures.values()), command_line.notify)


if __name__ == "__main__":
    command_line.run(main)
