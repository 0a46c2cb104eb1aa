"""Follow a trained network through its test images, in seven panels.

In the window: space pauses, ← and → step, e jumps to the next mistake. Without a display, save a picture or an
animation.
"""

import argparse

from nn_from_scratch import command_line

EXAMPLES = """\
  python -m nn_from_scratch.dashboard
  python -m nn_from_scratch.dashboard --weights resources/pretrained/784-10-10.json --seconds 0.5
  python -m nn_from_scratch.dashboard --start 247 --save dashboard.png
  python -m nn_from_scratch.dashboard --save dashboard.gif --frames 30"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_weights_option(parser)
    command_line.add_member_option(parser)
    command_line.add_data_option(parser, "the data that the network was trained on, according to its file")
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="instead of a window: one frame as .png, .pdf or .svg, or an animation as .gif or .mp4",
    )
    parser.add_argument(
        "--start", type=command_line.whole_number(0), default=0, metavar="N", help="the first test image"
    )
    parser.add_argument("--seconds", type=command_line.positive_number, default=1.0, help="from one image to the next")
    parser.add_argument("--frames", type=command_line.whole_number(1), default=20, help="in an animation")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from nn_from_scratch import BadInput
    from nn_from_scratch.dashboard import window

    # ---- Network and data ----
    if arguments.save:
        window.check(arguments.save)
    saved = command_line.load_weights(arguments.weights)
    command_line.one_member(saved, arguments)
    reads = {"--weights": arguments.weights} | command_line.data_files(arguments)
    command_line.check_paths(reads, {"--save": arguments.save})
    dataset = command_line.load_data_of(saved, arguments)
    dashboard = window.Dashboard(saved, dataset, arguments.member or 1)
    if arguments.start >= len(dashboard.test):
        raise BadInput(f"--start {arguments.start}: expected 0 to {len(dashboard.test) - 1}, the last test image")
    dashboard.show(arguments.start)

    # ---- Picture, animation or window ----
    if arguments.save:
        rows = range(arguments.start, arguments.start + arguments.frames)
        window.save(dashboard, arguments.save, rows, arguments.seconds)
        print(f"saved {arguments.save}")
    else:
        window.play(dashboard, arguments.seconds)


if __name__ == "__main__":
    command_line.run(main)
