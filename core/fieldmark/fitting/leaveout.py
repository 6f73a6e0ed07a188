"""Leave-out opinions: what is believed of each photo by all others but its copies, in a tenth of a second.

Ridge regression on one-hot labels y has an exact shortcut. With the hat matrix H of all photos and a photo's own entry
h in it, the answer for that photo, left out, is (H y − h y) / (1 − h); for a group of copies the same with the group's
block of H (Cook and Weisberg 1982). So no photo costs a fit, and other labels cost one product of matrices: the list
can follow every decision. A softmax, as sharp as suits the given labels, makes probabilities of the answers, and the
labels of the nearest photos have a say in them. That ranks wrong labels better than the out-of-fold probabilities of
the logistic head, which believes more in what it was told (`make bench-clean`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from fieldmark.fitting.neighbours import Neighbours
from fieldmark.fitting.softmax import best_factor, mean_loss, softmax

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

STRENGTHS = tuple(np.geomspace(1e-4, 1.0, 9))
"""Ridge penalties that are tried, as shares of the photos' whole variance."""
SHARPNESS = (0.14, 400.0)
"""Range of what answers are multiplied by before the softmax."""
ROUNDING = 1e-6
"""Axes with less than this share of the largest variance are noise."""
MOST_LEVERAGE = 0.999
TINY = 1e-6
SAY = 0.3
"""Weight of the neighbours beside the regression, in logarithms. Chosen on bears and ants_bees; on the latter the
average precision is .01 higher with it, on sign_digits, which took no part, the same."""


@dataclass(frozen=True)
class Opinion:
    """What is believed of photos."""

    probs: Floats
    """(n, classes), rows sum to 1; each from all photos but itself and its copies."""
    penalty: float
    """The ridge penalty that suited the labels best."""


class LeaveOut:
    """The photos of a dataset, turned once so that any labels of them can be judged at once."""

    def __init__(self, features: Features, groups: Indices) -> None:
        """Turn the features; about two seconds for 5,000 photos.

        Args:
            features: (n, dim) raw features.
            groups: (n,) photos with the same number are left out together.
        """
        self._axes, self._variances = _principal(features)
        self._blocks = list(_several(groups))
        self._neighbours = Neighbours(features, groups)

    def opinion(self, targets: Indices, classes: int, *, penalty: float | None = None) -> Opinion:
        """Judge every photo by all others.

        Args:
            targets: (n,) given labels; a photo with -1 is judged and nobody is judged by it.
            classes: how many there are.
            penalty: that of an earlier opinion, to save the search.
        """
        known = targets >= 0
        onehot = np.where(known[:, None], np.eye(classes)[targets], 1 / classes) - 1 / classes
        tried = STRENGTHS if penalty is None else (penalty,)
        best: tuple[float, float, Floats] | None = None
        for strength in tried:
            answers = self._left_out(onehot, strength)
            loss, sharpness = _sharpness(answers[known], targets[known])
            if best is None or loss < best[0]:
                best = loss, float(strength), answers * sharpness
        assert best is not None
        near = np.log(self._neighbours.shares(targets, classes))
        return Opinion(softmax((1 - SAY) * np.log(softmax(best[2]) + TINY) + SAY * near), best[1])

    def _left_out(self, onehot: Floats, strength: float) -> Floats:
        shrink = self._variances / (self._variances + strength * self._variances.sum())
        shrunk = self._axes * shrink.astype(np.float32)  # (n, r); H = shrunk · axesᵀ
        said = np.asarray(shrunk @ (self._axes.T @ onehot.astype(np.float32)), np.float64)
        leverage = np.minimum(np.einsum("ij,ij->i", shrunk, self._axes), MOST_LEVERAGE)[:, None]
        answers = (said - leverage * onehot) / (1 - leverage)
        for block in self._blocks:
            hat = np.asarray(shrunk[block] @ self._axes[block].T, np.float64)
            rest = np.eye(len(block)) * (1 + 1e-6) - hat
            answers[block] = onehot[block] - np.linalg.solve(rest, onehot[block] - said[block])
        return np.asarray(answers, np.float64)


def _principal(features: Features) -> tuple[Features, npt.NDArray[np.float32]]:
    """Orthonormal coordinates (n, r) of the photos, and the variance along each axis (r,)."""
    x = features - features.mean(axis=0)
    x /= np.float32(np.sqrt(x.var(axis=0).mean()) or 1.0)
    n, dim = x.shape
    product = x.T @ x if n > dim else x @ x.T
    with threadpool_limits(1, "blas"):  # more threads win little here, and lose a lot on a busy machine
        variances, axes = np.linalg.eigh(product)
    real = variances > ROUNDING * variances[-1]
    variances, axes = variances[real], axes[:, real]
    return (x @ (axes / np.sqrt(variances)) if n > dim else axes), variances


def _several(groups: Indices) -> Iterator[Indices]:
    """Give the places of each group of more than one."""
    order = np.argsort(groups, kind="stable")
    for block in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(block) > 1:
            yield block


def _sharpness(answers: Floats, targets: Indices) -> tuple[float, float]:
    """The factor that makes the given labels most probable, and the mean loss with it."""
    factor = best_factor(answers, targets, low=SHARPNESS[0], high=SHARPNESS[1])
    return mean_loss(factor * answers, targets), factor
