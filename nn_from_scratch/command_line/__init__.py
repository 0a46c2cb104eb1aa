"""Code that the scripts share: how they run as a process, their options, and the lines they print."""

from nn_from_scratch.command_line.options import (
    DEFAULT_WEIGHTS,
    Parser,
    add_data_option,
    add_member_option,
    add_weights_option,
    batch_size,
    data_asked_for,
    data_files,
    learning_rates,
    load_data,
    load_data_of,
    load_weights,
    one_member,
    positive_number,
    whole_number,
)
from nn_from_scratch.command_line.output import data_summary, epoch_line, layer_table
from nn_from_scratch.command_line.paths import check_paths
from nn_from_scratch.command_line.pools import add_pool_options, pool_of
from nn_from_scratch.command_line.process import EXIT_CODES, Interrupted, Interruption, fail, notify, run

__all__ = [
    "DEFAULT_WEIGHTS",
    "EXIT_CODES",
    "Interrupted",
    "Interruption",
    "Parser",
    "add_data_option",
    "add_member_option",
    "add_pool_options",
    "add_weights_option",
    "batch_size",
    "check_paths",
    "data_asked_for",
    "data_files",
    "data_summary",
    "epoch_line",
    "fail",
    "layer_table",
    "learning_rates",
    "load_data",
    "load_data_of",
    "load_weights",
    "notify",
    "one_member",
    "pool_of",
    "positive_number",
    "run",
    "whole_number",
]
