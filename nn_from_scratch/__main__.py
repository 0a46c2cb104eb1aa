"""python -m nn_from_scratch lists the programs, and `python -m nn_from_scratch NAME` runs one of them."""

import sys

from nn_from_scratch import command_line
from nn_from_scratch.command_line import programs

OVERVIEW = """\
nn_from_scratch: a neural network from scratch, in readable NumPy

  python -m nn_from_scratch train      train a network and save it
  python -m nn_from_scratch evaluate   test a saved network, or let it read pictures
  python -m nn_from_scratch tune       find a learning rate
  python -m nn_from_scratch weights    see what its layers have learnt
  python -m nn_from_scratch dashboard  watch a trained network read its test images
  python -m nn_from_scratch web        watch a network learn, in a browser
  python -m nn_from_scratch data       look at a data set
  python -m nn_from_scratch export     save a network for other software, as ONNX
  python -m nn_from_scratch convert    exchange networks with PyTorch, as safetensors
  python -m nn_from_scratch course     build it yourself, from an empty file

Each has a --help, and writes its results into the current directory. In Python:
import nn_from_scratch as nn; help(nn)"""


def main() -> None:
    name, *options = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h"):
        print(OVERVIEW)
        return
    if name not in programs.NAMES:
        sys.argv[:1] = ["python -m nn_from_scratch"]
        command_line.fail(f"{name}: no such command: expected {', '.join(programs.NAMES)}")
    sys.argv = [f"python -m nn_from_scratch {name}", *options]
    programs.main_of(name)()


if __name__ == "__main__":
    command_line.run(main)
