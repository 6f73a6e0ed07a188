"""Reliability: whether an answer that says 80 % is right in 80 of 100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldmark.interp import Interpretation
from fieldmark.results.rightof import RightOf

MOST_BINS = 10
FEWEST_IN_A_BIN = 10
"""Fewer photos say next to nothing: then there are fewer bins."""


@dataclass(frozen=True)
class Bin(RightOf):
    """Photos that were answered about equally surely."""

    low: float
    """Lowest probability of an answer in it."""
    high: float
    n: int
    right: int
    confidence: float
    """Mean probability of the answers."""
    places: tuple[int, ...]
    """Of its photos among the items of the interpretation."""

    @property
    def is_honest(self) -> bool:
        """Whether what it says of itself lies within the interval."""
        return self.ci.low <= self.confidence <= self.ci.high


def calibration_bins(interp: Interpretation, *, most: int = MOST_BINS) -> list[Bin]:
    """Sort held-out photos by how sure the answer was, into bins of equally many; the least sure first.

    Returns:
        At most `most`, each of at least ten photos where there are that many; none without photos.
    """
    n = len(interp.items)
    if not n:
        return []
    order = np.argsort(interp.probs.max(axis=1), kind="stable")
    parts = np.array_split(order, max(1, min(most, n // FEWEST_IN_A_BIN)))
    return [_bin(interp, part.tolist()) for part in parts]


def calibration_error(bins: list[Bin]) -> float | None:
    """Mean gap between what answers say and how often they are right, by photos (ECE); None without photos."""
    n = sum(one.n for one in bins)
    return sum(one.n * abs(one.accuracy - one.confidence) for one in bins) / n if n else None


def _bin(interp: Interpretation, places: list[int]) -> Bin:
    sure = interp.probs[places].max(axis=1)
    right = int((interp.preds[places] == interp.targs[places]).sum())
    return Bin(float(sure.min()), float(sure.max()), len(places), right, float(sure.mean()), tuple(places))
