"""Logits to probabilities, and how sharp they should be. Plain numpy: scipy's take half a second to import."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Logits = TypeVar("Logits", npt.NDArray[np.float32], npt.NDArray[np.float64])
Floats = npt.NDArray[np.float64]

NEWTON_STEPS = 50
TOLERANCE = 1e-5
"""Share of the factor that one more step would change."""


def log_softmax(logits: Logits) -> Logits:
    """Log probabilities of each row (n, classes)."""
    shifted: Logits = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def softmax(logits: Logits) -> Logits:
    """Probabilities of each row (n, classes); rows sum to 1."""
    probs: Logits = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    return probs


def mean_loss(logits: Floats, targets: npt.NDArray[np.intp], weights: Floats | None = None) -> float:
    """Cross-entropy of the labels, weighted where weights (n,) are given."""
    losses = -log_softmax(logits)[np.arange(len(targets)), targets]
    return float(np.average(losses, weights=weights))


def best_factor(
    logits: Floats,
    targets: npt.NDArray[np.intp],
    weights: Floats | None = None,
    *,
    low: float,
    high: float,
    spread: float = np.inf,
) -> float:
    """What logits (n, classes) are best multiplied by, for probabilities that are neither too sure nor too shy.

    One over the temperature of Guo et al. 2017 (arXiv 1706.04599). The slope of the loss is followed to 0 by Newton's
    method, halving the range where a step would leave it.

    Args:
        low, high: the range, above 0; its end is given where the loss falls all the way.
        spread: how far from 1 the factor may be thought to lie before a photo is asked: the standard deviation of its
            logarithm (its prior is log-normal). The fewer photos with weight there are, the nearer to 1 it stays.
    """
    given = logits[np.arange(len(targets)), targets]
    pull = 1 / (spread**2 * (len(targets) if weights is None else np.count_nonzero(weights)))

    def slope_and_curve(factor: float) -> tuple[float, float]:
        probs = softmax(factor * logits)
        mean = (probs * logits).sum(axis=1)
        variance = (probs * np.square(logits - mean[:, None])).sum(axis=1)
        slope, curve = (np.average(values, weights=weights) for values in (mean - given, variance))
        away = np.log(factor)
        return float(slope + pull * away / factor), float(curve + pull * (1 - away) / factor**2)

    if slope_and_curve(high)[0] <= 0:
        return high
    if slope_and_curve(low)[0] >= 0:
        return low
    factor = float(np.sqrt(low * high))
    for _ in range(NEWTON_STEPS):
        slope, curve = slope_and_curve(factor)
        low, high = (factor, high) if slope < 0 else (low, factor)
        following = factor - slope / curve if curve > 0 else low
        if not low < following < high:
            following = float(np.sqrt(low * high))
        if abs(following - factor) <= TOLERANCE * factor:
            return following
        factor = following
    return factor
