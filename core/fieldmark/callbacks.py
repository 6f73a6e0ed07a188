"""The seam between long work and whoever watches it: a terminal, a widget, a test.

Core never prints. Long work calls `callback(Progress(...))` often, and stops at the next call
after the callback raised `Cancelled`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far one step of long work is."""

    step: str
    """What is being done, as a user would say it: "Reading photos"."""
    done: int
    """Units finished, 0 … total."""
    total: int
    """Units in all; 0 when it is not known yet."""
    left: str = ""
    """How long it will still take, in words, where the work itself knows: "about 5 min left"."""


Callback = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Watch nothing."""
