"""Files: a network to and from JSON that explains itself, and files that are whole or absent."""

from nn_from_scratch.storage.network_file import SavedNetwork, load, save

__all__ = ["SavedNetwork", "load", "save"]
