"""Provisional: what the model would say if decisions that only wait were applied, in a moment.

    provisional = Provisional(learner)
    provisional.assess({3: "grizzly", 8: None})     # photo 3 is a grizzly, photo 8 does not count

While somebody cleans, the rest is ranked again every few decisions. So what decisions do not change is kept (the
features in their principal axes, the folds), and each fit begins where the last one ended. It ranks; a training says
how good the model is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from fieldmark.backbones import load_backbone
from fieldmark.features import extract
from fieldmark.head import CV_TOLERANCE, assign_folds, fit_temperature
from fieldmark.learner import Learner
from fieldmark.logistic import Coefficients, Photos, minimise


class Provisional:
    """A fitted learner's photos, fitted again and again with some labels changed. Used by one thread at a time."""

    def __init__(self, learner: Learner) -> None:
        """Read the features, which are in their cache."""
        self.items = (*learner.train_items, *learner.valid.items)
        """Those learned from, then those held out: the order of `assess`."""
        self.vocab = learner.vocab
        self.n_train = len(learner.train_items)
        self._place = {label: index for index, label in enumerate(self.vocab)}
        self._photos = Photos.of(_features(learner))
        groups = learner.groups_of(learner.train_items)
        folds = assign_folds(self.targets({})[: self.n_train], groups, seed=learner.config.seed)
        n_folds = int(folds.max()) + 1
        self._judge = np.full(
            len(self.items), n_folds
        )  # which regression judges a photo: its fold's, or that of all
        self._judge[: self.n_train] = folds
        self._seen = np.zeros((len(self.items), n_folds + 1))
        self._seen[: self.n_train] = learner.strength * (folds[:, None] != np.arange(n_folds + 1))
        self._start: Coefficients | None = None

    def targets(self, labels: Mapping[int, str | None]) -> npt.NDArray[np.intp]:
        """(n,) class of each photo with `labels` in place of those given, by place; −1 for one that does not count."""
        found = np.array([self._place.get(item.label, -1) for item in self.items], np.intp)
        for place, label in labels.items():
            found[place] = -1 if label is None else self._place.get(label, -1)
        return found

    def assess(self, labels: Mapping[int, str | None]) -> npt.NDArray[np.float32]:
        """Judge every photo as if these labels were applied; a training photo by a head that never saw it.

        Args:
            labels: a new label by place in `items`; None, or a class that was not learned, leaves the photo out.
        Returns:
            (n, classes) probabilities.
        """
        targets = self.targets(labels)
        counts = targets >= 0
        found = minimise(
            self._photos,
            np.maximum(targets, 0),
            self._seen * counts[:, None],
            classes=len(self.vocab),
            start=self._start,
            tolerance=CV_TOLERANCE,
        )
        self._start = found.coefficients
        logits = found.logits[np.arange(len(targets)), self._judge].astype(np.float64)
        known = np.flatnonzero(counts[: self.n_train])
        temperature = fit_temperature(logits[known], targets[known], np.ones(len(known)))
        return np.asarray(softmax(logits / temperature, axis=1), np.float32)


def _features(learner: Learner) -> npt.NDArray[np.float32]:
    items = (*learner.train_items, *learner.valid.items)
    found = extract(
        [item.path for item in items],
        [item.hash for item in items],
        backbone=load_backbone(learner.config.arch),
        rule=learner.config.rule,
    )
    features = np.zeros((len(items), found.features.shape[1]), np.float32)
    features[list(found.kept)] = found.features  # a file may have vanished since; nobody asks about it
    return features
