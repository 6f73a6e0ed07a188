"""Odd ones out: photos that look like none of their class, whatever the model makes of them.

On a messy scrape this finds more wrong photos than any doubt about labels does: a model that must answer with
a class is often sure of a map, a logo or another animal. Distances are between features of length 1, and a
photo's own duplicates are no company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.familiarity import unit_length

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

NEIGHBOURS = 5
BLOCK = 512


@dataclass(frozen=True)
class OddOnes:
    """How far each photo is from its class."""

    distances: Floats
    """(n,) mean cosine distance to the nearest photos of its class."""
    scores: Floats
    """(n,) 0 … 1: .5 where a distance is at the edge of what its class usually has."""


def find_odd_ones(features: Features, targets: Indices, groups: Indices) -> OddOnes:
    """Measure how odd each photo is within its class.

    Args:
        features: (n, dim) raw features.
        targets: (n,) given labels; each value is a class.
        groups: (n,) photos with the same number are duplicates.
    """
    unit = unit_length(features)
    distances = np.zeros(len(unit))
    scores = np.zeros(len(unit))
    for target in np.unique(targets):
        own = np.flatnonzero(targets == target)
        distances[own] = _to_neighbours(unit[own], groups[own])
        scores[own] = _scores(distances[own])
    return OddOnes(distances, scores)


def _to_neighbours(unit: Features, groups: Indices) -> Floats:
    found = np.zeros(len(unit))
    for start in range(0, len(unit), BLOCK):
        rows = slice(start, start + BLOCK)
        similarity = unit[rows] @ unit.T
        similarity[groups[rows, None] == groups[None, :]] = np.nan
        found[rows] = _mean_distance(similarity)
    return found


def _mean_distance(similarity: Features) -> Floats:
    """Of the nearest few in each row; 0 for a photo without company, of which nothing can be said."""
    nearest = -np.sort(-similarity, axis=1)[:, :NEIGHBOURS]  # nan sorts last
    counts = np.isfinite(nearest).sum(axis=1)
    total = np.nansum(1.0 - nearest, axis=1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), 0.0), np.float64)


EDGE = 3.5
"""Robust standard deviations above the median at which a photo counts as odd (Iglewicz and Hoaglin 1993)."""


def _scores(distances: Floats) -> Floats:
    """Compare with what is usual in the class, by median and quartiles, which odd ones do not move."""
    low, middle, high = np.quantile(distances, [0.25, 0.5, 0.75])
    spread = max((high - low) / 1.349, 0.02)
    z = (distances - middle) / spread
    return np.asarray(1 / (1 + np.exp(-(z - EDGE))), np.float64)
