"""Assessment: what a fitted learner says of every photo it can judge fairly, for results and cleaning.

A held-out photo is judged by the model, a training photo by a head that never saw it (out of fold). So a wrong
label stands out on either side; a model asked about its own training photos would only repeat their labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldmark.dataset import Item
from fieldmark.interp import SMALLEST_PROB
from fieldmark.learner import Learner

Side = Literal["train", "valid"]


@dataclass(frozen=True)
class Assessed:
    """One photo, its label, and what the model makes of it."""

    item: Item
    side: Side
    probs: Mapping[str, float]
    """Every class in vocab order."""

    @property
    def given(self) -> str:
        """The label it has."""
        return self.item.label

    @property
    def said(self) -> str:
        """The most probable class."""
        return max(self.probs, key=self.probs.__getitem__)

    @property
    def prob_given(self) -> float:
        """Probability of the label it has; 0 for a label the model does not know."""
        return self.probs.get(self.given, 0.0)

    @property
    def prob_said(self) -> float:
        """Probability of the most probable class."""
        return self.probs[self.said]

    @property
    def loss(self) -> float:
        """Cross-entropy: how surprising the label is."""
        return float(-np.log(max(self.prob_given, SMALLEST_PROB)))

    @property
    def is_wrong(self) -> bool:
        """Whether the model says something else."""
        return self.said != self.given


def assess(learner: Learner) -> list[Assessed]:
    """Judge every photo of a fitted learner, the most surprising label first.

    Raises:
        NotTrainedError: `fit` was not called.
    """
    judged = [
        *_assessed(learner.valid.items, learner.valid.probs, learner.vocab, "valid"),
        *_assessed(learner.train_items, learner.oof_probs, learner.vocab, "train"),
    ]
    return sorted(judged, key=lambda photo: (-photo.loss, photo.item.path))


def _assessed(
    items: Sequence[Item], probs: npt.NDArray[np.floating], vocab: Sequence[str], side: Side
) -> list[Assessed]:
    rows = (dict(zip(vocab, map(float, row), strict=True)) for row in probs)
    return [Assessed(item, side, row) for item, row in zip(items, rows, strict=True)]
