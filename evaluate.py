"""Test a saved network: accuracy, confusion matrices, and precision and recall of every class."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS

EXAMPLES = """\
  python evaluate.py
  python evaluate.py --weights resources/pretrained/784-10-10.json --data mnist
  python evaluate.py --json --figure confusion.png > evaluation.json"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, metavar="FILE", help="the network, as train.py saved it")
    command_line.add_data_option(parser, "the data that the network was trained on, as its file tells")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--figure",
        default="resources/images/confusion_matrix.png",
        metavar="FILE",
        help="where to save the picture of the confusion matrix: .png, .pdf or .svg",
    )
    parser.add_argument("--show", action="store_true", help="open the picture in a window, too")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    import json

    from nn_from_scratch import figures, load_dataset, plots, report, storage
    from nn_from_scratch.data.batches import matching

    # ---- Network and data ----
    figures.check(arguments.figure)
    saved = storage.load(arguments.weights)
    dataset = load_dataset(arguments.data or report.recorded_data(saved)[0], notify=command_line.notify)
    dataset = matching(dataset, saved.network.input_shape, saved.classes)
    if note := report.data_note(saved, dataset):
        command_line.notify(note)

    # ---- Evaluation ----
    found = report.evaluation(saved, dataset)
    figure = plots.confusion_matrix(found.confusion, found.classes, found.accuracy)
    figures.save(figure, arguments.figure)

    # ---- Report ----
    if arguments.json:
        names = {"weights": arguments.weights, "data": dataset.name, "figure": arguments.figure}
        print(json.dumps(report.evaluation_object(found) | names, allow_nan=False))
    else:
        print(f"{arguments.weights} on {dataset.name} ({dataset.source}): {found.images:,} test images\n")
        print(report.evaluation_text(found))
        print(f"\nsaved {arguments.figure}")
    if arguments.show:
        figures.show([figure], command_line.notify)


if __name__ == "__main__":
    command_line.run(main)
