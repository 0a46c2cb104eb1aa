"""Data sets: the class Dataset, and ways to load one. Start with dataset.py, then load.py."""

from nn_from_scratch.data.dataset import Dataset, Split
from nn_from_scratch.data.load import load_dataset, load_test_set

__all__ = ["Dataset", "Split", "load_dataset", "load_test_set"]
