"""Train a neural network on handwritten digits and save it as JSON."""

import argparse

from nn_from_scratch import command_line
from nn_from_scratch.command_line import DEFAULT_WEIGHTS, recipe_options, whole_number

EXAMPLES = """\
  python train.py
  python train.py --preset 784-10-10 --epochs 5
  python train.py --sizes 784 300 10 --learning-rate 0.001 --validation 10000 --patience 3
  python train.py --data digits --output digits.json --history digits.csv
  python train.py --resume resources/weights_and_biases.checkpoint.json"""


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument("--validation", type=whole_number(0), metavar="N", help="training images held out (default: 0)")
    parser.add_argument("--seed", type=whole_number(0), metavar="N", help="of all randomness (default: 0)")
    parser.add_argument("--output", metavar="FILE", help=f"where to save the network (default: {DEFAULT_WEIGHTS})")
    parser.add_argument("--history", metavar="FILE.csv", help="where to write the result of each epoch")
    parser.add_argument("--print-every", type=whole_number(1), default=1, metavar="N", help="epochs from line to line")
    parser.add_argument("--quiet", action="store_true", help="print nothing but the test accuracy")
    group = parser.add_argument_group("long trainings")
    group.add_argument(
        "--checkpoint-every", type=whole_number(1), metavar="N", help="epochs from checkpoint to checkpoint"
    )
    group.add_argument("--threads", type=whole_number(1), metavar="N", help="for matrix products (default: 1)")
    group.add_argument(
        "--resume", metavar="FILE", help="go on from a checkpoint, such as an interrupted training leaves behind"
    )
    group.add_argument(
        "--patience",
        type=whole_number(1),
        metavar="N",
        help="stop after N epochs without a higher validation accuracy, and save the best network",
    )
    recipe_options.add_recipe_options(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()

    from tqdm import tqdm

    from nn_from_scratch import BadInput, Diverged, EpochResult, save
    from nn_from_scratch.runs.checkpoint import save_checkpoint
    from nn_from_scratch.storage import files

    say = (lambda *_: None) if arguments.quiet else tqdm.write

    # ---- What is asked for ----
    output = recipe_options.output_of(arguments)
    for path in filter(None, [output, arguments.history]):
        files.check_writable(path)
    checkpoint, diverged, best = (files.beside(output, kind) for kind in ("checkpoint", "diverged", "best"))
    run = recipe_options.start_run(arguments)
    if arguments.patience and not run.validation:
        raise BadInput("--patience needs --validation N: images that tell whether it still gets better")
    say(command_line.data_summary(run.dataset, len(run.validation)))
    say(command_line.layer_table(run.network))

    with command_line.Interruption() as interruption:
        # ---- Training ----
        steps = run.schedule.total_steps
        bar = tqdm(total=steps, initial=run.progress.step, unit="step", leave=False, disable=arguments.quiet or None)

        def on_step(step: int, loss: float) -> None:
            bar.update()
            interruption.check()

        try:
            with bar:
                for result in run.epochs(on_step):
                    if result.epoch % arguments.print_every == 0 or result.epoch == run.recipe.epochs:
                        say(command_line.epoch_line(result, run.recipe.epochs))
                    if arguments.checkpoint_every and result.epoch % arguments.checkpoint_every == 0:
                        save_checkpoint(run, checkpoint)
                    if arguments.patience and run.epochs_since_best >= arguments.patience:
                        say(f"stopped: no higher validation accuracy for {arguments.patience} epochs")
                        break
            say(f"trained for {sum(result.seconds for result in run.history):.1f} s on {run.threads} thread(s)")
            if arguments.patience:
                run.swap_best()
            test_loss, test_accuracy = run.test()
        except command_line.Interrupted:
            save_checkpoint(run, checkpoint)
            save(recipe_options.saved_network(run), output)
            command_line.notify(f"interrupted at step {run.progress.step} of {steps}; the network so far: {output}")
            command_line.notify(f"to go on: {recipe_options.resume_command(arguments, output, checkpoint)}")
            raise
        except Diverged:
            save(recipe_options.saved_network(run), diverged)
            command_line.notify(f"the last finite network: {diverged}")
            raise

        # ---- Saving ----
        metrics = {"test_accuracy": test_accuracy, "test_loss": test_loss, "training_loss": run.history[-1].loss}
        save(recipe_options.saved_network(run, **metrics), output)
        if arguments.history:
            files.save_rows([EpochResult._fields, *run.history], arguments.history)
        if run.best:
            if not arguments.patience:
                run.swap_best()
            save(recipe_options.saved_network(run, epoch=run.best.epoch, validation_accuracy=run.best.accuracy), best)
            say(f"saved {best}, the network of epoch {run.best.epoch}: validation accuracy {run.best.accuracy:.2%}")
        if interruption.signal:
            command_line.notify(f"interrupted when the training was over; the network: {output}")
            interruption.check()
        print(f"test accuracy {test_accuracy:.2%} ({len(run.dataset.test):,} images)")
        say(f"saved {output}")


if __name__ == "__main__":
    command_line.run(main)
