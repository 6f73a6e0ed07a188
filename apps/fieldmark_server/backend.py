"""What the handlers of both adapters share: the service, who may use it, and how much of it at a time."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from threading import Event

from fieldmark.service.client import announce
from fieldmark.service.jobs import JobBook
from fieldmark.service.service import Service

API = "fieldmark/api/v1"
"""Below the server's base_url."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this computer, to whoever sits at it."""
MIB = 2**20
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""For kernels: with glibc, what a training frees in a thread is kept (`finetuning.allocation`) only where threads share one
heap. A fine-tuning in the studio takes three quarters of the time."""


class ByteBudget:
    """Bytes of bodies that may be in memory at a time, of all requests together. For one event loop."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, n: int) -> bool:
        """Reserve `n` bytes, where they are left."""
        if n > self._left:
            return False
        self._left -= n
        return True

    def give(self, n: int) -> None:
        """Give `n` bytes back."""
        self._left += n


@dataclass(frozen=True)
class Backend:
    """One for a server."""

    service: Service
    jobs: JobBook
    public: bool
    """Whether anybody may classify; everything else takes a token or a login in any case."""
    token: str = ""
    """What opens the API to programs, besides the server's own token and login; "" for none."""
    kernel_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What opens it to the server's own kernels."""
    active: set[str] = field(default_factory=set)
    """The requests that are being answered, by their numbers."""
    draining: Event = field(default_factory=Event)
    """Set when the server is ending: whoever is in is answered, and nobody else."""
    budget: ByteBudget = field(default_factory=lambda: ByteBudget(192 * MIB))
    patience_s: float = 30.0
    """How long a slow sender is borne with; looked at three times within."""
    max_body: int = 64 * MIB
    """Bytes of one request, all photos together."""

    def opens(self, token: str) -> bool:
        """Whether a token is one of ours; takes the same time whether or not."""
        found = [
            hmac.compare_digest(token.encode(), known.encode()) for known in (self.token, self.kernel_token)
        ]
        return bool(token) and any(found)

    def announce(self, address: str) -> dict[str, str]:
        """What kernels find in their environment; `address` is the server's own, with its base_url."""
        return ONE_HEAP | announce(f"{address.rstrip('/')}/{API}", self.kernel_token, self.service.models)
