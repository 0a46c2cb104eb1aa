"""Files: networks to and from self-describing JSON, and files that are either complete or absent."""

from nn_from_scratch.storage.ensemble_file import SavedEnsemble
from nn_from_scratch.storage.load_and_save import Saved, load, save
from nn_from_scratch.storage.network_file import SavedNetwork

__all__ = ["Saved", "SavedEnsemble", "SavedNetwork", "load", "save"]
