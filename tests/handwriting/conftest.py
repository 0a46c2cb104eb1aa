"""As in tests/data: no test here may depend on the machine that it runs on."""

from tests.data.conftest import _isolated, real_mnist  # noqa: F401
