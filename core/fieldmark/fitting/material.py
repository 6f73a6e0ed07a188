"""Material: all that the fit of a head needs, in memory, so that it can be fitted again within the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.fitting.blas import fitting_threads
from fieldmark.fitting.logistic import Photos
from fieldmark.models.familiarity import Familiarity, fit_familiarity

Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Material:
    """Features of the photos of one split; labels are not in it."""

    features: Features
    """(n, dim) of the training photos."""
    turned: Photos
    """The same and their augmented views, (n · (1 + views)), in their principal axes."""
    held_out: Features
    """(m, dim) of the photos to judge by."""
    groups: Indices
    """(n,) duplicates and bursts share a number."""
    folds: Indices
    """(n,) where each photo is held out; members of a group together."""

    def only(self, kept: Indices, held: Indices) -> Material:
        """Some of the training photos and some of the held-out ones; the same object where that is all."""
        n, m = len(self.features), len(self.held_out)
        if np.array_equal(kept, np.arange(n)) and np.array_equal(held, np.arange(m)):
            return self
        views = len(self.turned.x) // n
        rows = np.concatenate([kept + view * n for view in range(views)])
        return Material(
            features=self.features[kept],
            turned=self.turned.only(rows),
            held_out=self.held_out[held],
            groups=self.groups[kept],
            folds=self.folds[kept],
        )

    def familiarity(self, targets: Indices, *, seed: int) -> Familiarity:
        """Learn what is familiar, for the model file."""
        with fitting_threads(self.features.size):
            return fit_familiarity(self.features, targets, groups=self.groups, folds=self.folds, seed=seed)
