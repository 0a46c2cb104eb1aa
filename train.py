"""Train a neural network on handwritten digits and save it as JSON."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS, whole_number

EXAMPLES = """\
  python train.py
  python train.py --preset 784-10-10 --epochs 5
  python train.py --sizes 784 300 10 --learning-rate 0.001 --validation 10000
  python train.py --data digits --output digits.json --history digits.csv"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument("--validation", type=whole_number(0), default=0, metavar="N", help="training images held out")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of all randomness")
    parser.add_argument("--output", default=DEFAULT_WEIGHTS, metavar="FILE", help="where to save the network")
    parser.add_argument("--history", metavar="FILE.csv", help="where to write the result of each epoch")
    parser.add_argument("--print-every", type=whole_number(1), default=1, metavar="N", help="epochs from line to line")
    parser.add_argument("--quiet", action="store_true", help="print nothing but the test accuracy")
    command_line.add_recipe_options(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from tqdm import tqdm

    from nn_from_scratch import EpochResult, SavedNetwork, evaluate, files, fit, load_dataset, random_streams, save
    from nn_from_scratch.data.batches import matching

    say = (lambda *_: None) if arguments.quiet else tqdm.write

    # ---- Recipe and data ----
    for path in filter(None, [arguments.output, arguments.history]):
        files.check_writable(path)
    recipe = command_line.recipe_of(arguments)
    dataset = load_dataset(arguments.data, notify=command_line.notify)
    dataset = matching(dataset, recipe.sizes[:1], recipe.classes)
    learning, validation = dataset.train.hold_out(arguments.validation)
    say(command_line.data_summary(dataset, learning, validation))

    # ---- Network ----
    seeds = random_streams(arguments.seed)
    network = recipe.make_network(seeds.initialization)
    loss, optimizer = recipe.make_loss(), recipe.make_optimizer()
    batches = recipe.make_batches(learning, seeds.shuffling)
    schedule = recipe.make_schedule(recipe.epochs * len(batches))
    say(command_line.layer_table(network))

    # ---- Training ----
    history = []
    with tqdm(total=schedule.total_steps, unit="step", leave=False, disable=True if arguments.quiet else None) as bar:
        on_step = None if bar.disable else lambda step, loss: bar.update()
        for result in fit(network, loss, optimizer, schedule, batches, recipe.epochs, validation, on_step):
            history.append(result)
            if result.epoch % arguments.print_every == 0 or result.epoch == recipe.epochs:
                say(command_line.epoch_line(result, recipe.epochs))
    say(f"trained for {sum(result.seconds for result in history):.1f} s")

    # ---- Test and save ----
    test_loss, test_accuracy = evaluate(network, loss, dataset.test)
    metrics = {"test_accuracy": test_accuracy, "test_loss": test_loss, "training_loss": history[-1].loss}
    training = command_line.training_record(arguments, recipe, dataset, len(learning))
    save(SavedNetwork(network, recipe.classes, training, metrics), arguments.output)
    if arguments.history:
        files.save_rows([EpochResult._fields, *history], arguments.history)
    print(f"test accuracy {test_accuracy:.2%} ({len(dataset.test):,} images)")
    say(f"saved {arguments.output}")


if __name__ == "__main__":
    command_line.run(main)
