"""The fixture that a test of a document's numbers is given."""

from tests.docs.conftest import said  # noqa: F401
