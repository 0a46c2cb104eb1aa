"""Draw what a saved network has learnt: the weights and biases of every layer, as pictures and as statistics."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS

EXAMPLES = """\
  python plot_weights.py
  python plot_weights.py --weights resources/pretrained/784-10-10.json --output-dir pictures
  python plot_weights.py --csv statistics.csv --show"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, metavar="FILE", help="the network, as train.py saved it")
    parser.add_argument("--output-dir", default="resources/images", metavar="DIR", help="where to save the pictures")
    parser.add_argument("--csv", metavar="FILE", help="where to write the statistics and the histograms' counts")
    parser.add_argument("--show", action="store_true", help="open the pictures in windows, too")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from pathlib import Path

    from nn_from_scratch import BadInput, figures, storage
    from nn_from_scratch.inspection import parameters as found
    from nn_from_scratch.storage import files

    # ---- Network ----
    figures.check(Path(arguments.output_dir, "weight_histograms.png"))
    if arguments.csv:
        files.check_writable(arguments.csv)
    saved = storage.load(arguments.weights)
    parameters = found.named_parameters(saved.network)
    if not parameters:
        raise BadInput(f"{arguments.weights}: no layer of this network has weights to draw")
    print(command_line.layer_table(saved.network))

    # ---- Statistics ----
    print(f"\n{found.statistics_table(parameters)}\n")
    if arguments.csv:
        with files.whole_file(arguments.csv) as temporary:
            temporary.write_text(found.statistics_csv(parameters), encoding="utf-8")
        print(f"saved {arguments.csv}")

    # ---- Pictures ----
    pictures = figures.weight_figures(saved.network, saved.classes)
    for name, picture in pictures.items():
        path = Path(arguments.output_dir, f"{name}.png")
        figures.save(picture, path)
        print(f"saved {path}")
    if arguments.show:
        figures.show(list(pictures.values()), command_line.notify)


if __name__ == "__main__":
    command_line.run(main)
