"""Look at a data set: how many images each class has, their mean and some of them, or what augmentation makes of it."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line.recipe_options import word_in
from nn_from_scratch.data.augmentation import AUGMENTATIONS

EXAMPLES = """\
  python -m nn_from_scratch.data
  python -m nn_from_scratch.data --data digits --split test --save digits.png
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
        help="show the first image of each class, and what a training with seed 0 makes of it in its first epochs: "
        + AUGMENTATIONS.usages(optional=True),
    )
    parser.add_argument("--save", metavar="FILE", help="save the picture, as .png, .pdf or .svg, instead of showing it")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    import numpy as np

    from nn_from_scratch import figures
    from nn_from_scratch.data.dataset import check_images
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
    if not split.are_images:
        if arguments.save or arguments.augment:
            check_images(dataset, "the picture")
        figure = None
    elif arguments.augment:
        first = np.array([int(np.argmax(split.labels == label)) for label in classes])
        figure = figures.augmented(split.images[first], versions(split, first, arguments.augment), name)
    else:
        figure = figures.samples(split, classes, name, names=names)

    print(command_line.data_summary(dataset, 0))
    brightness = ["mean brightness"] if split.are_images else []
    rows: list[list] = [["class", f"{arguments.split} {dataset.plural}", "share", *brightness]]
    for label, called in zip(classes, names, strict=True):
        images = split.images[split.labels == label]
        rows.append([called, len(images), f"{len(images) / len(split):.1%}"])
        if split.are_images:
            rows[-1].append(f"{images.mean() / 255:.3f}")
    print(aligned(rows))

    if figure is None:
        return
    if arguments.save:
        figures.save(figure, arguments.save)
        print(f"saved {arguments.save}")
    else:
        figures.show([figure], command_line.notify)
