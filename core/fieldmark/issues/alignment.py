"""Whether one of two photos may be a crop of the other: found by laying one small grey picture on another.

A crop of 5 % flips 14 to 27 of the 128 bits of the difference hashes, which then say nothing. The features of
such a pair stay close, which `nearpairs` finds; and the small grey pictures agree again once the whole one is cut
as the other was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from fieldmark.parallel import in_threads

Places = npt.NDArray[np.intp]
Tiny = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

MIN_AGREEMENT = 0.94
"""Correlation of the small grey pictures, laid on another. Of 75 crops of 5 % all reach .948; among 3,789 pairs
that pass by their features, those that reach it and are not copies are views of one fixed camera."""
SHARES = (0.9, 0.95)
"""Sides of the crops that are tried, each at nine places."""
COARSE_PX = 8
"""Side of the still smaller pictures that tell which pairs are worth it."""
MIN_COARSE = 0.75
"""Agreement of those. Of 240 crops of 5 to 10 % that agree all are above .786; of strangers with features that
resemble each other four in five are below, for a twentieth of the work."""
BATCH = 1024


def within_each_other(tinies: Sequence[Tiny], first: Places, second: Places) -> Bools:
    """Tell of each pair whether one small grey picture agrees with the other or with a crop of it."""
    batches = (slice(start, start + BATCH) for start in range(0, len(first), BATCH))
    told = in_threads(lambda rows: _agree(tinies, first[rows], second[rows]), batches)
    return np.concatenate([np.empty(0, bool), *told])


def _agree(tinies: Sequence[Tiny], first: Places, second: Places) -> Bools:
    left, right = (np.stack([tinies[place] for place in side]) for side in (first, second))
    agree: Bools = (_standard(left) * _standard(right)).sum(axis=1) >= MIN_AGREEMENT
    left_out = np.flatnonzero(~agree)
    if len(left_out):
        agree[left_out] = _laid_on_each_other(left[left_out], right[left_out])
    return agree


def _laid_on_each_other(left: Tiny, right: Tiny) -> Bools:
    """Whether one agrees with a crop of the other; first in still smaller pictures, which rule most out."""
    agree = np.maximum(_coarse_agreement(left, right), _coarse_agreement(right, left)) >= MIN_COARSE
    if agree.any():
        left, right = left[agree], right[agree]
        agree[agree] = np.maximum(_agreement(left, right), _agreement(right, left)) >= MIN_AGREEMENT
    return agree


def _agreement(whole: Tiny, part: Tiny) -> Floats:
    """Best correlation of each `part` with a crop of its `whole`, (pairs,)."""
    wanted = _standard(part)
    best = np.full(len(part), -1.0, np.float32)
    pixels = whole.astype(np.float32)
    for rows, columns in _crops(whole.shape[1]):
        cut = rows @ pixels @ columns.T  # (pairs, side, side)
        best = np.maximum(best, (_standard(np.asarray(cut, np.float32)) * wanted).sum(axis=1))
    return best


def _coarse_agreement(whole: Tiny, part: Tiny) -> Floats:
    """The same in still smaller pictures, (pairs,)."""
    wanted = _standard(_reduced(part))
    cut = _reduced(whole).reshape(len(whole), -1) @ _coarse_crops()
    cut = cut.reshape(len(whole), -1, wanted.shape[1])  # (pairs, crops, pixels), each of mean 0
    length = np.sqrt(np.einsum("ncp,ncp->nc", cut, cut))
    found = np.einsum("ncp,np->nc", cut, wanted) / np.maximum(length, 1e-6)
    return np.asarray(found.max(axis=1, initial=-1.0), np.float32)


def _reduced(pictures: Tiny) -> Floats:
    n, side, _ = pictures.shape
    share = side // COARSE_PX
    blocks = pictures.reshape(n, COARSE_PX, share, COARSE_PX, share)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)


@cache
def _coarse_crops() -> Floats:
    """Weights that turn a coarse picture into all its crops, less their means, (pixels, crops · pixels)."""
    less_mean = np.eye(COARSE_PX**2) - 1 / COARSE_PX**2
    crops = [less_mean @ np.kron(rows, columns) for rows, columns in _crops(COARSE_PX)]
    return np.ascontiguousarray(np.concatenate(crops).T, np.float32)


def _crops(side: int) -> Iterator[tuple[Floats, Floats]]:
    """Give the weights of rows and of columns that make each crop."""
    for share in SHARES:
        size = side * share
        cuts = [_enlarging(side, start, size) for start in (0.0, (side - size) / 2, side - size)]
        yield from product(cuts, cuts)


def _enlarging(side: int, start: float, size: float) -> Floats:
    """Linear interpolation from `side` pixels to as many of the part from `start` on, (side, side)."""
    at = np.clip(start + (np.arange(side) + 0.5) * size / side - 0.5, 0, side - 1)
    distance = np.abs(at[:, None] - np.arange(side)[None, :])
    return np.asarray(np.maximum(1 - distance, 0), np.float32)


def _standard(pictures: Tiny | Floats) -> Floats:
    """Flatten to mean 0 and length 1, so that brightness and contrast do not matter."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)
