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


def clopper_pearson(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """Interval of the proportion `hits` of `n` that covers at least `level`, whatever the truth is.

    Clopper and Pearson (1934), Biometrika 26: 404–413. Wider than Wilson's, so it is for promises ("at most 1 % are
    missed"), Wilson's for describing. With n = 0 nothing is known: (0, 1).
    """
    from scipy.special import (
        betaincinv,  # beta.ppf, without the third of a second that scipy.stats takes to import
    )

    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no proportion")
    tail = (1 - level) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(low, high)


def highest_rate(hits: int, n: int, *, level: float = 0.95) -> float:
    """Give the one-sided exact bound: the true rate is at most this. None of 300 bounds it at 1 %."""
    return clopper_pearson(hits, n, level=2 * level - 1).high


def is_lower(hits: int, n: int, before: int, n_before: int, *, level: float = 0.05) -> bool:
    """Whether a share is lower than one before, and not by chance (Fisher 1935, exact, one-sided).

    Given all hits together, those of the later sample are hypergeometric; it assumes independent draws.
    """
    from scipy.stats import hypergeom

    return bool(hypergeom.cdf(hits, n + n_before, hits + before, n) < level)
