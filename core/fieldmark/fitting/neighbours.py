"""Neighbours: what the photos most like each one are called, itself and its copies left out.

A straight line between classes, as a ridge draws it, believes a wrong label among outliers; the photos around it do
not. So both are asked (`leaveout`). Found once: other labels only need counting.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

FEWEST, MOST = 5, 20
"""Neighbours that are asked; below the most as many as the smallest class has other photos, else it is outvoted."""
COMPANY = 4000
"""Photos among which neighbours are looked for, drawn by chance, so that time grows with the number of photos only."""
BLOCK = 512


class Neighbours:
    """The nearest photos of each, by cosine."""

    def __init__(self, features: Features, groups: Indices, *, seed: int = 42) -> None:
        """Find them; about a second for 5,000 photos.

        Args:
            features: (n, dim) raw features.
            groups: (n,) photos with the same number are copies, and no neighbours of each other.
            seed: draws the company where photos are very many.
        """
        n, dice = len(features), np.random.default_rng(seed)
        company = np.sort(dice.choice(n, COMPANY, replace=False)) if n > COMPANY else np.arange(n)
        unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        blocks = [np.arange(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
        found = [_nearest(unit[rows] @ unit[company].T, groups[rows], groups[company]) for rows in blocks]
        places = np.concatenate(found) if found else np.empty((0, 0), np.intp)
        self._nearest = np.where(places < 0, -1, company[places])
        """(n, up to MOST) places, the nearest first; -1 where there are no more."""

    def shares(self, targets: Indices, classes: int) -> Floats:
        """Count what the neighbours of each photo are called, (n, classes); rows sum to 1, and no class has nothing.

        Args:
            targets: (n,) given labels; a neighbour with -1 has no say.
            classes: how many there are.
        """
        counts = np.bincount(targets[targets >= 0], minlength=classes)
        smallest = int(counts[counts > 0].min(initial=MOST))
        near = self._nearest[:, : min(MOST, max(FEWEST, smallest - 1))]
        said = np.where(near < 0, -1, targets[near])
        votes = np.stack([(said == label).sum(axis=1) for label in range(classes)], axis=1) + 1.0
        return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float64)


def _nearest(like: Features, own: Indices, company: Indices) -> Indices:
    """Columns of the most alike in each row, without copies, the most alike first."""
    like[own[:, None] == company[None]] = -np.inf
    most = min(MOST, like.shape[1])
    columns = np.argpartition(-like, most - 1, axis=1)[:, :most]
    alike = np.take_along_axis(like, columns, axis=1)
    order = np.argsort(-alike, axis=1, kind="stable")
    columns, alike = np.take_along_axis(columns, order, axis=1), np.take_along_axis(alike, order, axis=1)
    return np.asarray(np.where(np.isfinite(alike), columns, -1), np.intp)
