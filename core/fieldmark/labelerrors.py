"""Label errors: which photos probably have a wrong label, and what they probably show.

Judged by probabilities from a head that never saw the photo (out of fold). Two views are taken together.
Self-confidence: how little the model believes in the given label. Confident learning (Northcutt et al. 2021,
arXiv 1911.00068): a photo counts as another class only when that class is believed in more than it usually is
where it is given, so that a class the model is never sure of is not suspected as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class LabelErrors:
    """How likely each label is wrong."""

    scores: Floats
    """(n,) 0 … 1, higher is worse; ranks all photos."""
    suggested: Indices
    """(n,) the class each photo most probably shows, other than the given one."""
    suspected: npt.NDArray[np.bool_]
    """(n,) whether confident learning counts it as another class."""

    @property
    def ranking(self) -> Indices:
        """Places of all photos, the worst label first."""
        return np.argsort(-self.scores, kind="stable")


def find_label_errors(probs: npt.NDArray[np.floating], targets: Indices) -> LabelErrors:
    """Judge labels by out-of-fold probabilities.

    Args:
        probs: (n, classes), rows sum to 1.
        targets: (n,) given labels; -1 for a class that the model does not know.
    """
    rows, believed = np.arange(len(targets)), np.asarray(probs, np.float64)
    known = targets >= 0
    own = np.where(known, believed[rows, targets], 0.0)
    rest = believed.copy()
    rest[rows[known], targets[known]] = -1.0
    suggested = rest.argmax(axis=1)
    best = rest[rows, suggested]
    scores = (1 - own + best) / 2  # the margin between the given and the best other class
    usual = _usual_confidence(believed, targets)
    above = believed >= usual
    above[rows[known], targets[known]] = False
    suspected = known & (best > own)
    return LabelErrors(scores, suggested, suspected)


def _usual_confidence(probs: Floats, targets: Indices) -> Floats:
    """How sure the model is of each class on photos of it, (classes,); 1 for a class without photos."""
    n_classes = probs.shape[1]
    return np.array([
        probs[targets == c, c].mean() if (targets == c).any() else 1.0 for c in range(n_classes)
    ])  # fmt: skip
