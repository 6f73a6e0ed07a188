"""Label errors: which photos probably have a wrong label, and what they probably show.

The ranking is by self-confidence: how little is believed in the given label by a head that never saw the photo.
Confident learning (Northcutt et al. 2021, arXiv 1911.00068) tells the more certain ones: another class counts
only where it is believed in at least as much as it usually is where it is given, so that a class the model is
never sure of is not suspected as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelErrors:
    """How likely each label is wrong."""

    scores: Floats
    """(n,) 0 … 1, higher is worse; ranks all photos."""
    probs: Floats
    """(n, classes) what is believed."""
    suggested: Indices
    """(n,) the class each photo most probably shows, other than the given one."""
    suspected: Flags
    """(n,) whether another class is more probable than the given one."""
    confident: Flags
    """(n,) whether confident learning counts it as another class."""

    @property
    def ranking(self) -> Indices:
        """Places of all photos, the worst label first."""
        return np.argsort(-self.scores, kind="stable")


def find_label_errors(probs: npt.NDArray[np.floating], targets: Indices) -> LabelErrors:
    """Judge labels by probabilities that are fair to each photo, such as `LeaveOut.opinion`'s.

    Args:
        probs: (n, classes), rows sum to 1.
        targets: (n,) given labels; -1 for a class that the model does not know, of which nothing is said.
    """
    rows, believed, known = np.arange(len(targets)), np.asarray(probs, np.float64), targets >= 0
    own = np.where(known, believed[rows, targets], 1.0)
    rest = believed.copy()
    rest[rows[known], targets[known]] = -1.0
    suggested = rest.argmax(axis=1)
    best = believed[rows, suggested]
    suspected = known & (best > own)
    confident = suspected & (best >= _usual_confidence(believed, targets)[suggested])
    return LabelErrors(1 - own, believed, suggested, suspected, confident)


def _usual_confidence(probs: Floats, targets: Indices) -> Floats:
    """How sure the model is of each class on photos of it, (classes,); 1 for a class without photos."""
    own = [probs[targets == target, target] for target in range(probs.shape[1])]
    return np.array([of_class.mean() if len(of_class) else 1.0 for of_class in own])
