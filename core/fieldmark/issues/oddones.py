"""Odd ones out: photos that look like none of their class, whatever the model makes of them.

On a messy scrape this finds more wrong photos than any doubt about labels does: a model that must answer with
a class is often sure of a map, a logo or another animal. A photo's distance to its class is the mean cosine
distance to the nearest third of it. Not to the nearest five: wrong photos come in clumps (pages of one book,
views of one camera), and would be each other's company. For the same reason the distance is taken twice, the
second time without the photos that were farthest away.

Photos are compared by what the backbone takes them for, not by its features: by the logits of the 1000 kinds it was
trained on, where it brings them. There a drawing or a page is far from insects on flowers, which features scatter.
Of 19 ways to compare this was the best on bears and food, average precision .997 against .990 by features; on ants and
bees, which took no part in choosing, it is .87 to .89 against .74 to .86. `make bench-clean` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.models.backbone import ImageNetHead
from fieldmark.models.familiarity import unit_length

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

COMPANY = 0.3
"""Share of its class that a photo is compared with, the nearest."""
FEWEST = 5
FAR = 0.15
"""Share of a class, the farthest, that is company to nobody the second time."""
SAMPLE = 1000
"""Photos of a class that others are compared with, so that time grows with the number of photos only."""
BLOCK = 512
EDGE = 3.5
"""Robust standard deviations above the median at which a photo counts as odd (Iglewicz and Hoaglin 1993)."""
SMALLEST_SPREAD = 0.02
"""Of distances in a class: photos of one scene differ by less, and none of them is odd."""


@dataclass(frozen=True)
class OddOnes:
    """How far each photo is from its class."""

    distances: Floats
    """(n,) mean cosine distance to the nearest third of its class."""
    scores: Floats
    """(n,) 0 … 1: .5 where a distance is at the edge of what its class usually has."""


def as_kinds(features: Features, head: ImageNetHead) -> Features:
    """Turn raw features (n, dim) into what a backbone takes photos for: its logits less their mean, (n, kinds)."""
    logits = features @ head.weight.T + head.bias
    return np.asarray(logits - logits.mean(axis=1, keepdims=True), np.float32)


def find_odd_ones(features: Features, targets: Indices, groups: Indices, *, seed: int = 42) -> OddOnes:
    """Measure how odd each photo is within its class.

    Args:
        features: (n, dim) of `as_kinds`, or raw features where the backbone has no kinds.
        targets: (n,) given labels; each value is a class.
        groups: (n,) photos with the same number are duplicates, which are no company for each other.
        seed: draws the photos of a large class that others are compared with.
    """
    unit, dice = unit_length(features), np.random.default_rng(seed)
    distances, scores = np.zeros(len(unit)), np.zeros(len(unit))
    for target in np.unique(targets):
        own = np.flatnonzero(targets == target)
        company = np.sort(dice.choice(own, SAMPLE, replace=False)) if len(own) > SAMPLE else own
        near = _distances(unit, groups, company, company)
        usual = company[near <= np.quantile(near, 1 - FAR)]
        distances[own] = _distances(unit, groups, own, usual)
        scores[own] = _scores(distances[own])
    return OddOnes(distances, scores)


def _distances(unit: Features, groups: Indices, own: Indices, company: Indices) -> Floats:
    """Mean distance of each of `own` to the nearest of `company`; 0 where there is none."""
    n_near = min(max(FEWEST, round(COMPANY * len(company))), len(company))
    found = np.zeros(len(own))
    for start in range(0, len(own), BLOCK):
        rows = own[start : start + BLOCK]
        apart = 1.0 - unit[rows] @ unit[company].T
        apart[groups[rows, None] == groups[None, company]] = np.inf
        nearest = np.partition(apart, n_near - 1, axis=1)[:, :n_near]
        there = np.isfinite(nearest)
        total = np.where(there, nearest, 0.0).sum(axis=1)
        found[start : start + BLOCK] = total / np.maximum(there.sum(axis=1), 1)
    return found


def _scores(distances: Floats) -> Floats:
    """Compare with what is usual in the class, by median and quartiles, which odd ones do not move."""
    low, middle, high = np.quantile(distances, [0.25, 0.5, 0.75])
    spread = max(float(high - low) / 1.349, SMALLEST_SPREAD)  # 1.349: quartiles of a normal distribution
    return np.asarray(1 / (1 + np.exp(EDGE - (distances - middle) / spread)), np.float64)
