"""Look at a data set: the number of samples in each class, and some of the samples, or augmented images."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line.recipe_options import word_in
from nn_from_scratch.data.augmentation import AUGMENTATIONS

EXAMPLES = """\
  python -m nn_from_scratch.data
  python -m nn_from_scratch.data --data digits --split test --save digits.png
  python -m nn_from_scratch.data --data spiral --save spiral.png
  python -m nn_from_scratch.data --augment affine elastic:strength=1.5"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument("--split", choices=("train", "test"), default="train", help="the training or the test images")
    parser.add_argument(
        "--augment",
        nargs="+",
        type=word_in(AUGMENTATIONS),
        metavar="WORD",
        help="show the first image of each class, and its augmented versions in the first epochs of a training with "
        "seed 0: " + AUGMENTATIONS.usages(optional=True),
    )
    parser.add_argument("--save", metavar="FILE", help="save the picture, as .png, .pdf or .svg, instead of showing it")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    import numpy as np

    from nn_from_scratch import BadInput, figures
    from nn_from_scratch.data.dataset import described
    from nn_from_scratch.errors import one_line
    from nn_from_scratch.inspection.augmentation import versions
    from nn_from_scratch.inspection.tables import aligned

    if arguments.save:
        figures.check_endings([arguments.save])
        command_line.check_paths(command_line.data_files(arguments), {"--save": arguments.save})
    dataset = command_line.load_data(arguments)
    split = dataset.train if arguments.split == "train" else dataset.test
    classes = np.unique(split.labels).tolist()
    names = [dataset.class_names[label] for label in classes]
    name = f"{dataset.name}, {arguments.split}"
    if arguments.augment and not split.are_images:
        raise BadInput(f"--augment changes images, but {one_line(dataset.name)} has {described(split.images)}")
    if arguments.augment:
        first = np.array([int(np.argmax(split.labels == label)) for label in classes])
        figure = figures.augmented(split.images[first], versions(split, first, arguments.augment), name)
    elif split.images.ndim > 2:
        figure = figures.samples(split, classes, name, names=names)
    elif split.images.shape[1] == 2:
        figure = figures.points(dataset, dataset.class_names, dataset.name)
    else:
        figure = figures.distributions(split, classes, names, name)

    print(command_line.data_summary(dataset, 0))
    mean = ["mean brightness"] if split.are_images else []
    rows: list[list] = [["class", f"{arguments.split} {dataset.plural}", "share", *mean]]
    for label, called in zip(classes, names, strict=True):
        some = split.images[split.labels == label]
        brightness = [f"{some.mean() / 255:.3f}"] if split.are_images else []
        rows.append([called, len(some), f"{len(some) / len(split):.1%}", *brightness])
    print(aligned(rows))

    if arguments.save:
        figures.save(figure, arguments.save)
        print(f"saved {arguments.save}")
    else:
        figures.show([figure], command_line.notify)
