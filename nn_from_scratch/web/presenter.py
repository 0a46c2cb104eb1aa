"""Who may steer while an audience watches: whoever sits at this machine and has the address that the command printed.

Either alone would not do. Every program on this machine comes from here, and an address can be read from a projector;
so the page takes the token out of its address bar at once.
"""

import hmac
import secrets

from nn_from_scratch.web.addresses import is_loopback

HEADER = "X-Token"  # in which the page sends it: no other site can, without a permission that is never given
REFUSAL = "only the presenter steers: on the machine where the command runs, at the address with a token that it prints"


class Presenter:
    """Knows the presenter by the address that a request comes from and by a token."""

    def __init__(self, token: str | None = None):
        self.token = token or secrets.token_urlsafe(16)

    def sent(self, address: str | None, token: str | None) -> bool:
        """Whether the presenter sent what came from this address with this token."""
        return is_loopback(address or "") and hmac.compare_digest((token or "").encode(), self.token.encode())
