"""The one exception that means "the user gave us something unusable".

The scripts turn it into one line on stderr and exit code 2; every other exception is a bug and keeps its traceback.
The message names the file, the place in it, what was found and what was expected.
"""


class BadInput(ValueError):
    """A file, an option or a combination of options that can't be used as given."""
