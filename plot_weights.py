"""Draw what a saved network has learnt: the weights and biases of every layer, as pictures and as statistics."""

import argparse

from nn_from_scratch import command_line

EXAMPLES = """\
  python plot_weights.py
  python plot_weights.py --weights resources/pretrained/784-10-10.json --output-dir pictures
  python plot_weights.py --csv statistics.csv --show"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_weights_option(parser)
    command_line.add_member_option(parser)
    parser.add_argument("--output-dir", default="results", metavar="DIR", help="where to save the pictures")
    parser.add_argument("--csv", metavar="FILE", help="where to write the statistics and the histograms' counts")
    parser.add_argument("--show", action="store_true", help="open the pictures in windows, too")
    return parser.parse_args()


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
    pictures = figures.weight_figures(saved.network, saved.classes)
    paths = [str(Path(arguments.output_dir, f"{name}.png")) for name in pictures]
    command_line.check_paths({"--weights": arguments.weights}, {"--csv": arguments.csv, "--output-dir": paths})
    print(command_line.layer_table(saved.network))

    # ---- Statistics ----
    print(f"\n{found.statistics_table(parameters)}\n")
    if arguments.csv:
        with files.whole_file(arguments.csv) as temporary:
            temporary.write_text(found.statistics_csv(parameters), encoding="utf-8")
        print(f"saved {arguments.csv}")

    # ---- Pictures ----
    for path, picture in zip(paths, pictures.values(), strict=True):
        figures.save(picture, path)
        print(f"saved {path}")
    if arguments.show:
        figures.show(list(pictures.values()), command_line.notify)


if __name__ == "__main__":
    command_line.run(main)
