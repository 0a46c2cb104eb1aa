"""Who may control the training before an audience: whoever is at this machine and has the address that was printed.

Neither is enough alone. Every program on this machine sends its requests from here, and an address can be read from a
projector; so the page removes the token from its address bar at once.
"""

import hmac
import secrets

from nn_from_scratch.web.addresses import is_loopback

HEADER = "X-Token"  # the page sends the token in it; other sites would need a permission that is never given
REFUSAL = "only the presenter controls the training: on the machine where the command runs, at the address with a token"


class Presenter:
    """Recognizes the presenter by the address that a request comes from, and by a token."""

    def __init__(self, token: str | None = None):
        self.token = token or secrets.token_urlsafe(16)

    def sent(self, address: str | None, token: str | None) -> bool:
        """Whether a request from this address with this token is the presenter's."""
        return is_loopback(address or "") and hmac.compare_digest((token or "").encode(), self.token.encode())
