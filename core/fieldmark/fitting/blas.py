"""How many cores linear algebra takes: one for small matrices, where a second costs more than it brings.

On a machine that does other things as well, threads that wait for each other between two small products made
some steps fifty times slower.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

FEW = 1_000_000
"""Numbers in a matrix below which it is small."""


def fitting_threads(numbers: int) -> AbstractContextManager[object]:
    """Use as a context around linear algebra on matrices of so many numbers.

    The limit is the process's: what runs in several threads needs one context around all of them.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1 if numbers < FEW else None, "blas")
    return limits
