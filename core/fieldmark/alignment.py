"""Pairs of photos of which one may be a crop of the other: found by features, confirmed by laying one on another.

A crop of 5 % flips 14 to 27 of the 128 bits of the difference hashes, which then say nothing. The features of
such a pair stay close; and the small grey pictures agree again once the whole one is cut as the other was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Features = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
Tiny = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.float32]

AXES = 128
"""Principal axes in which features are compared: ten times faster, and what is common to all photos is gone."""
MIN_COSINE = 0.9
"""Of a pair, in these axes. Of 75 crops of 5 % all are above .927."""
MIN_AGREEMENT = 0.94
"""Correlation of the small grey pictures, laid on another. Of those crops all reach .948; among 3,789 pairs
that pass by their features, those that reach it and are not copies are views of one fixed camera."""
SHARES = (0.9, 0.95)
"""Sides of the crops that are tried, each at nine places."""
BLOCK = 1024
MOST_PAIRS_A_PHOTO = 32
"""On the average of a block; a fixed camera has thousands of photos that resemble each other."""
SAMPLE = 20_000
"""Photos that tell the axes."""
POWER_STEPS = 3
BATCH = 2048


def similar_pairs(features: Features, *, seed: int = 42) -> tuple[Places, Places]:
    """Find pairs with nearly the same features, for confirming them; each once, the lower place first."""
    unit = _in_main_axes(features, seed)
    pairs = list(_pairs(unit))
    if not pairs:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    first, second = np.concatenate(pairs, axis=1)
    return first, second


def within_each_other(tinies: Sequence[Tiny], first: Places, second: Places) -> npt.NDArray[np.bool_]:
    """Tell of each pair whether one small grey picture agrees with the other or with a crop of it."""
    agree = np.zeros(len(first), bool)
    for start in range(0, len(first), BATCH):
        rows = slice(start, start + BATCH)
        left, right = (np.stack([tinies[p] for p in side[rows]]) for side in (first, second))
        best = np.maximum(_agreement(left, right), _agreement(right, left))
        agree[rows] = best >= MIN_AGREEMENT
    return agree


def _in_main_axes(features: Features, seed: int) -> Features:
    """Turn features (n, dim) into their main axes (n, AXES), each of length 1.

    The axes are found by a random start and a few products (Halko et al. 2011): near enough, and much less work
    than all of them.
    """
    dice = np.random.default_rng(seed)
    centre = features.mean(axis=0)
    chosen = dice.choice(len(features), SAMPLE, replace=False) if len(features) > SAMPLE else slice(None)
    seen = features[chosen] - centre
    basis = dice.standard_normal((features.shape[1], min(AXES, len(seen)))).astype(np.float32)
    with threadpool_limits(1, "blas"):  # more threads win little here, and lose a lot on a busy machine
        for _ in range(POWER_STEPS):
            basis, _ = np.linalg.qr(seen.T @ (seen @ basis))
    turned = (features - centre) @ basis
    return np.asarray(turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6), np.float32)


def _pairs(unit: Features) -> Iterator[Places]:
    for start in range(0, len(unit), BLOCK):
        rows = unit[start : start + BLOCK]
        cosines = rows @ unit[start:].T
        cosines[np.tril_indices(len(rows))] = -1.0  # itself, and pairs that are there already
        first, second = np.divmod(np.flatnonzero(cosines >= MIN_COSINE), cosines.shape[1])
        most = MOST_PAIRS_A_PHOTO * len(rows)
        if len(first) > most:
            nearest = np.argpartition(-cosines[first, second], most)[:most]
            first, second = first[nearest], second[nearest]
        yield np.stack([first + start, second + start])


def _agreement(whole: npt.NDArray[np.uint8], part: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Best correlation of each `part` with its `whole` or a crop of it, (pairs,)."""
    wanted = _standard(part)
    best = (_standard(whole) * wanted).sum(axis=1)
    pixels = whole.astype(np.float32)
    for rows, columns in _crops(whole.shape[1]):
        cut = rows @ pixels @ columns.T  # (pairs, side, side)
        best = np.maximum(best, (_standard(np.asarray(cut, np.float32)) * wanted).sum(axis=1))
    return np.asarray(best, np.float32)


def _crops(side: int) -> Iterator[tuple[Weights, Weights]]:
    """Give the weights of rows and of columns that make each crop."""
    for share in SHARES:
        size = side * share
        cuts = [_enlarging(side, start, size) for start in (0.0, (side - size) / 2, side - size)]
        yield from product(cuts, cuts)


def _enlarging(side: int, start: float, size: float) -> Weights:
    """Linear interpolation from `side` pixels to as many of the part from `start` on, (side, side)."""
    at = np.clip(start + (np.arange(side) + 0.5) * size / side - 0.5, 0, side - 1)
    distance = np.abs(at[:, None] - np.arange(side)[None, :])
    return np.asarray(np.maximum(1 - distance, 0), np.float32)


def _standard(pictures: npt.NDArray[np.uint8] | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Flatten to mean 0 and length 1, so that brightness and contrast do not matter."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)
