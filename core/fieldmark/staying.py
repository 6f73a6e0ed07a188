"""Staying: a kernel that trains is not ended because its page was closed.

Beside the file that tells the server how to reach a kernel, the kernel keeps an empty one for as long as it has
work that must not be lost. The server sees it when the page says goodbye, and waits until it is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def sign_beside(connection_file: str | os.PathLike[str]) -> Path:
    """Where the sign of a kernel is, by its connection file; it is there while the kernel wants to stay."""
    place = Path(connection_file)
    return place.with_name(f"{place.name}.staying")


@contextmanager
def staying(sign: Path | None) -> Iterator[None]:
    """Put up the sign for a piece of work; None, or a place that cannot be written, is work without a sign."""
    if sign is None:
        yield
        return
    with suppress(OSError):
        sign.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            sign.unlink(missing_ok=True)
