"""Folds: parts of the training photos, of which each is held out once, so that every photo is judged unseen.

What belongs together is held out together. A class whose photos all belong together (one burst, one camera, copies)
is the exception: without it, no head would know the class that is asked about. So its photos are dealt one by one, what
is said of them flatters, and the model's card says so (`together`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]  # (n,), one number a photo

FOLDS = 5


def assign_folds(targets: Indices, groups: Indices, *, seed: int) -> Indices:
    """Deal photos into folds, class by class, with the members of a group together.

    Args:
        groups: duplicates and bursts share a number.
    Returns:
        The fold of each photo. A class with fewer groups than folds is missing from some of them, and a class of at
        least two photos is in at least two.
    """
    rng = np.random.default_rng(seed)
    fold_of_group: dict[int, int] = {}
    turn = 0
    for target in np.unique(targets):
        own = [g for g in dict.fromkeys(groups[targets == target].tolist()) if g not in fold_of_group]
        for group in rng.permutation(own):
            fold_of_group[int(group)] = turn % FOLDS
            turn += 1
    return spread(np.array([fold_of_group[int(g)] for g in groups], dtype=np.intp), targets, groups)


def spread(folds: Indices, targets: Indices, groups: Indices) -> Indices:
    """Deal the classes anew that lie in one fold, and no other; the same object where there is none."""
    loose = apart(targets, groups)
    for target in together(targets, folds):
        own = loose[targets == target]
        first, folds = folds[targets == target][0], folds.copy()
        for turn, group in enumerate(dict.fromkeys(own.tolist())):
            folds[loose == group] = (first + turn) % FOLDS
    return folds


def apart(targets: Indices, groups: Indices) -> Indices:
    """Number photos by group, but one by one where a class is a single group."""
    single = np.isin(targets, together(targets, groups))
    return np.where(single, groups.max(initial=0) + 1 + np.arange(len(groups)), groups)


def together(targets: Indices, numbers: Indices) -> Indices:
    """Classes whose photos all have the same number: are of one group, or lie in one fold."""
    width = numbers.max(initial=0) + 1
    pairs = np.unique(targets * width + numbers)
    return np.flatnonzero(np.bincount(pairs // width) == 1)
