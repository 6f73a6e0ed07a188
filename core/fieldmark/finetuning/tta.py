"""Test-time augmentation: held-out photos judged by several views of each, steadier and slower by as many passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldmark.callbacks import Callback, silent
from fieldmark.finetuning.finetuned import served_features
from fieldmark.imaging.augment import augmented
from fieldmark.imaging.loading import Fit
from fieldmark.imaging.resize import ResizeRule
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner

BETA = 0.25
"""Weight of the photo as it is, beside its views; fastai's."""


@dataclass(frozen=True)
class ByViews:
    """What the mean over several views of each held-out photo says."""

    views: int
    valid: Interpretation
    """Of the held-out photos that could still be read."""

    @property
    def sentence(self) -> str:
        """How good that is, and that nobody gets it from the model file."""
        if not self.valid.items:
            return "There are no held-out photos to judge by several views of each."
        low, high = self.valid.error_rate_ci
        return (
            f"By {self.views} views of each held-out photo {self.valid.n_wrong} of {len(self.valid.items)} came out wrong "
            f"(95 % {100 * low:.1f}–{100 * high:.1f} %). The model file answers from the photo as it is."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        valid = self.valid
        return {
            "views": self.views,
            "n_valid": len(valid.items),
            "n_wrong": valid.n_wrong,
            "error_rate": valid.error_rate,
            "error_rate_ci": list(valid.error_rate_ci) if valid.items else None,
        }


def judge_by_views(learner: Learner, views: int, callback: Callback = silent) -> ByViews:
    """Judge the held-out photos that can still be read by the mean over augmented views of each.

    The photo as it is has a weight of a quarter beside them.

    Raises:
        NotTrainedError: the learner was not fitted.
    """
    valid, rule = learner.valid, learner.config.rule
    mean, there = np.zeros_like(valid.probs), np.ones(len(valid.items), dtype=bool)
    for view in range(1, views + 1):
        fit = _view(rule, view)
        features, kept = served_features(learner.backbone, rule, valid.items, fit=fit, callback=callback)
        mean[list(kept)] += learner.head.probs(features) / views
        there &= np.isin(np.arange(len(there)), kept)
    items = [item for item, is_there in zip(valid.items, there, strict=True) if is_there]
    probs = ((1 - BETA) * mean + BETA * valid.probs)[there]
    return ByViews(views, Interpretation(items, learner.vocab, probs))


def _view(rule: ResizeRule, view: int) -> Fit:
    return lambda image, place: augmented(image, rule, [view, place])
