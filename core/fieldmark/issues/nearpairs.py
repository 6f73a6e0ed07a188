"""Pairs of photos with nearly the same features, among hundreds of thousands: all of them, none guessed.

Every photo is compared with every other, in tiles that stay in the processor's cache. What makes it quick is a
bound: in the first few main axes lies most of a photo's feature, and a cosine is at most what these axes give and
the lengths of the two rests (Cauchy and Schwarz). So a short product per pair rules nearly all of them out, and
only the others are compared wholly. The result is that of comparing all pairs in all axes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from fieldmark.parallel import in_threads

Features = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

AXES = 128
"""Principal axes in which features are compared: ten times faster, and what is common to all photos is gone."""
MIN_COSINE = 0.9
"""Of a pair, in these axes. Of 75 crops of 5 % all are above .927."""
FIRST_AXES = 47
"""Of them, for the bound, which is one number more; of seven sets of photos they hold 88 % of the whole."""
ROUNDING = 1e-5
"""By which a bound in 32 bits may fall short."""
ROWS, COLUMNS = 512, 2048
"""A tile of bounds: 4 MB."""
MOST_PAIRS_A_PHOTO = 32
"""On the average of ROWS photos; a fixed camera has thousands of photos that resemble each other."""
SAMPLE = 20_000
"""Photos that tell the axes."""
POWER_STEPS = 3


def similar_pairs(features: Features, *, seed: int = 42) -> tuple[Places, Places]:
    """Find pairs with nearly the same features, for confirming them; each once, the lower place first.

    Args:
        features: (n, dim).
        seed: draws where the search for the axes begins.
    """
    with threadpool_limits(1, "blas"):  # each thread below has a tile of its own
        unit = in_main_axes(features, seed=seed)
        rest = np.linalg.norm(unit[:, FIRST_AXES:], axis=1, keepdims=True)
        bounding = np.concatenate([unit[:, :FIRST_AXES], rest], axis=1)  # (n, FIRST_AXES + 1)
        starts = range(0, len(unit), ROWS)
        pairs = list(in_threads(lambda start: _pairs_from(start, unit, bounding), starts))
    first, second = np.concatenate([np.empty((2, 0), np.intp), *pairs], axis=1)
    return first, second


def in_main_axes(features: Features, *, seed: int = 42) -> Features:
    """Turn features (n, dim) into their main axes (n, AXES), the widest first, each photo's of length 1.

    The axes are found by a random start and a few products (Halko et al. 2011): near enough, and much less work
    than all of them.
    """
    dice = np.random.default_rng(seed)
    centre = features.mean(axis=0)
    chosen = dice.choice(len(features), SAMPLE, replace=False) if len(features) > SAMPLE else slice(None)
    seen = features[chosen] - centre
    basis = dice.standard_normal((features.shape[1], min(AXES, len(seen)))).astype(np.float32)
    for _ in range(POWER_STEPS):
        basis, _ = np.linalg.qr(seen.T @ (seen @ basis))
    turned = features @ basis - centre @ basis
    return np.asarray(turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6), np.float32)


def _pairs_from(start: int, unit: Features, bounding: Features) -> Places:
    """Give the pairs of ROWS photos with those behind them, (2, pairs); the nearest, where there are too many."""
    first, second = np.concatenate([np.empty((2, 0), np.intp), *_possible(start, bounding)], axis=1)
    cosines = np.einsum("ij,ij->i", unit[first], unit[second])
    near = np.flatnonzero(cosines >= MIN_COSINE)
    most = MOST_PAIRS_A_PHOTO * min(ROWS, len(unit) - start)
    if len(near) > most:
        near = near[np.argpartition(-cosines[near], most)[:most]]
    return np.stack([first[near], second[near]])


def _possible(start: int, bounding: Features) -> Iterator[Places]:
    """Give the pairs that the bound does not rule out, (2, pairs), tile by tile."""
    rows = bounding[start : start + ROWS]
    for column in range(start, len(bounding), COLUMNS):
        bounds = rows @ bounding[column : column + COLUMNS].T
        first, second = np.divmod(np.flatnonzero(bounds >= MIN_COSINE - ROUNDING), bounds.shape[1])
        behind = first + start < second + column  # not itself, nor a pair that is there already
        yield np.stack([first[behind] + start, second[behind] + column])
