"""The few statistics behind every number that is shown to a user."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


class Interval(NamedTuple):
    """A 95 % interval of a proportion."""

    low: float
    high: float


def wilson(hits: int, n: int, *, z: float = Z_95) -> Interval:
    """Interval of the proportion `hits` of `n`, right also for small n and for 0 or all hits.

    Wilson (1927), J. Am. Stat. Assoc. 22: 209–212. With n = 0 nothing is known: (0, 1).
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no proportion")
    if n == 0:
        return Interval(0.0, 1.0)
    p, square = hits / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * sqrt(p * (1 - p) / n + square / (4 * n * n))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == n else centre + half
    return Interval(low, high)
