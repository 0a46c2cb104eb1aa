"""Test a saved network (accuracy, confusion matrix, each class, calibration, mistakes), or let it read images."""

import argparse
import os
from typing import TYPE_CHECKING

from nn_from_scratch import command_line

if TYPE_CHECKING:
    from nn_from_scratch.storage import Saved

DEFAULT_FIGURE = "results/confusion_matrix.png"
REGIONS = "decision_regions"  # of a network with two inputs, beside the confusion matrix
DEFAULT_ANSWERS = "results/answers.csv"
EXAMPLES = """\
  python evaluate.py
  python evaluate.py --weights resources/pretrained/784-10-10.json --data mnist
  python evaluate.py --json --figure confusion.png > evaluation.json
  python evaluate.py --errors mistakes --sort confidence
  python evaluate.py --image resources/handwriting/two.png my_own.jpg --figure seen.png
  python evaluate.py --image my_pictures --csv answers.csv
  python evaluate.py --predict test.csv --csv submission.csv"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_weights_option(parser)
    command_line.add_data_option(parser, "the data that the network was trained on, named in its file")
    parser.add_argument("--details", action="store_true", help="print all tables: each class, calibration")
    parser.add_argument("--json", action="store_true", help="print one JSON object with everything, and nothing else")
    parser.add_argument(
        "--figure",
        metavar="FILE",
        help="where to save the picture of the confusion matrix or, with --image, of the pixels that the network saw: "
        f".png, .pdf or .svg (default: {DEFAULT_FIGURE}, or none with --image)",
    )
    parser.add_argument("--show", action="store_true", help="open the picture in a window, too")
    parser.add_argument(
        "--errors",
        metavar="DIR",
        help="save mistakes.png (the worst), mistakes.csv (all of them) and calibration.png in this directory",
    )
    parser.add_argument(
        "--sort",
        choices=("loss", "confidence", "uncertainty"),
        default="loss",
        help="which mistakes are the worst: those with the highest loss or confidence, or the least certain ones",
    )
    parser.add_argument(
        "--image",
        nargs="+",
        metavar="FILE_OR_DIR",
        help="instead of testing, read these pictures, or all in a folder: one digit each, dark on light or light on "
        "dark, or photographs of what the network has learnt",
    )
    parser.add_argument(
        "--predict",
        metavar="FILE.csv",
        help="instead of testing, read the images of a CSV file without labels, such as Kaggle's test.csv",
    )
    parser.add_argument(
        "--csv",
        metavar="FILE.csv",
        help=f"where to write the answers to --image or --predict (default: {DEFAULT_ANSWERS} with --predict)",
    )
    arguments = parser.parse_args()
    if (arguments.image or arguments.predict) and (
        arguments.errors or arguments.data or command_line.data_asked_for(arguments)
    ):
        parser.error("--image and --predict read images without labels: expected no --errors and no data options")
    if arguments.csv and not (arguments.image or arguments.predict):
        parser.error("--csv is for the answers to --image or --predict: expected one of them")
    return arguments


def main() -> None:
    arguments = parse_arguments()

    saved = command_line.load_weights(arguments.weights)
    if arguments.image:
        read_pictures(saved, arguments)
    elif arguments.predict:
        predict(saved, arguments)
    else:
        test(saved, arguments)


def read_pictures(saved: "Saved", arguments: argparse.Namespace) -> None:
    from nn_from_scratch import figures
    from nn_from_scratch.command_line.results import Results
    from nn_from_scratch.handwriting import reading
    from nn_from_scratch.storage import files

    reads = {"--weights": arguments.weights, "--image": list(map(str, reading.files_in(arguments.image)))}
    results = Results(arguments, reads, {"figure": arguments.figure}, [arguments.csv] if arguments.csv else [])
    readings, skipped = reading.read(saved, arguments.image)
    for name, reason in skipped:
        command_line.notify(f"skipped {name}: {reason}")
    for table in results.tables:
        files.save_rows(reading.rows(readings, skipped), table)
    drawn = {"figure": figures.handwriting(readings)} if arguments.figure or arguments.show else {}
    results.publish({"pictures": reading.as_object(readings)}, reading.text(readings), drawn)


def predict(saved: "Saved", arguments: argparse.Namespace) -> None:
    from nn_from_scratch.classes import own_names
    from nn_from_scratch.command_line.results import Results
    from nn_from_scratch.inspection import submission
    from nn_from_scratch.storage import files

    table = arguments.csv or DEFAULT_ANSWERS
    results = Results(arguments, {"--weights": arguments.weights, "--predict": arguments.predict}, {}, [table])
    labels = submission.predicted_labels(saved, arguments.predict)
    names = dict(zip(saved.classes, saved.names, strict=True))
    files.save_rows(submission.submission_rows(labels, names if own_names(saved.names, saved.classes) else None), table)
    found = {"labels": labels, "names": [names[label] for label in labels], "csv": table}
    results.publish(found, f"{len(labels):,} images of {arguments.predict} answered", {})


def test(saved: "Saved", arguments: argparse.Namespace) -> None:
    from nn_from_scratch import figures
    from nn_from_scratch.classes import own_names
    from nn_from_scratch.command_line.results import Results, where_writable
    from nn_from_scratch.data.batches import matching
    from nn_from_scratch.inspection import evaluation
    from nn_from_scratch.inspection.answers import answers, mistake_rows
    from nn_from_scratch.storage import files

    # ---- Where the results go, and the data ----
    paths, tables = {"figure": arguments.figure or where_writable(DEFAULT_FIGURE)}, []
    if paths["figure"] and saved.network.input_shape == (2,):
        directory, ending = os.path.dirname(paths["figure"]), os.path.splitext(paths["figure"])[1]
        paths["regions"] = os.path.join(directory, f"{REGIONS}{ending}")
    if arguments.errors:
        names = {"mistakes": "mistakes.png", "calibration_figure": "calibration.png"}
        paths |= {name: os.path.join(arguments.errors, file) for name, file in names.items()}
        tables = [os.path.join(arguments.errors, "mistakes.csv")]
    reads = {"--weights": arguments.weights} | command_line.data_files(arguments)
    results = Results(arguments, reads, paths, tables)
    whole = command_line.load_data_of(saved, arguments)
    dataset = matching(whole, saved.network.input_shape, saved.classes)
    if note := evaluation.data_note(saved, dataset):
        command_line.notify(note)

    # ---- Evaluation ----
    found = answers(saved, dataset.test, whole.test)
    summary = evaluation.summary(found, saved.classes, saved.names, dataset.plural)
    drawn = {"figure": figures.confusion_matrix(summary.confusion, summary.names, summary.accuracy, dataset.plural)}
    if "regions" in paths:
        drawn["regions"] = figures.decision_regions(saved.network, dataset, saved.names, summary.accuracy)
    if arguments.errors:
        if dataset.test.images.ndim > 2:
            drawn["mistakes"] = figures.mistakes(dataset.test.images, found, saved.names, arguments.sort)
        drawn["calibration_figure"] = figures.calibration(summary.calibration, found.score_name, dataset.plural)
    for table in tables:
        files.save_rows(
            mistake_rows(found, saved.classes, arguments.sort, own_names(saved.names, saved.classes)), table
        )

    # ---- Report ----
    head = f"{arguments.weights} on {dataset.name} ({dataset.source}): {summary.images:,} test {dataset.plural}"
    text = f"{head}\n\n{evaluation.evaluation_text(summary, arguments.details)}"
    results.publish(evaluation.evaluation_object(summary) | {"data": dataset.name}, text, drawn)


if __name__ == "__main__":
    command_line.run(main)
