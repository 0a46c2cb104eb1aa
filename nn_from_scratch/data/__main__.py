"""python -m nn_from_scratch.data: look at a data set."""

from nn_from_scratch import command_line
from nn_from_scratch.command_line.data_viewer import main

if __name__ == "__main__":
    command_line.run(main)
