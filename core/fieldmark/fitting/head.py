"""The head: multinomial logistic regression on frozen features, its strength found by cross-validation.

Objective, for features x (n, d) divided by one common scale, labels y and weights w:

    minimise over W, b:   C · Σ_i w_i · CE(y_i, softmax(W x_i + b))  +  ½ ‖W‖²

which is scikit-learn's multinomial `LogisticRegression(C=C)`, the oracle in the tests. It is strictly
convex in W, so there is one answer, wherever the search begins. That is what makes fitting again quick: after
a few changed labels it begins at the heads from before, each fold's at its own, so no photo's label ever
reaches a head that must not have seen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.fitting.blas import fitting_threads
from fieldmark.fitting.logistic import Coefficients, Photos, minimise
from fieldmark.fitting.softmax import best_factor, mean_loss, softmax

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]  # (n,), class indices

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of C that are tried, until the out-of-fold loss rises; the best lay inside on every set measured."""
FOLDS = 5
CV_TOLERANCE, TOLERANCE = 1e-4, 1e-6
"""Of the folds' heads (out-of-fold probabilities are then right to .003) and of the head that is kept."""
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True)
class Head:
    """A linear classifier on raw features: logits = features · weightᵀ + bias."""

    weight: npt.NDArray[np.float32]
    """(classes, dim), already divided by the temperature."""
    bias: npt.NDArray[np.float32]
    """(classes,)"""

    def logits(self, features: Features) -> npt.NDArray[np.float32]:
        """Score raw features (n, dim) → (n, classes)."""
        return features @ self.weight.T + self.bias

    def probs(self, features: Features) -> npt.NDArray[np.float32]:
        """Probabilities (n, classes); rows sum to 1."""
        return softmax(self.logits(features))


@dataclass(frozen=True)
class HeadFit:
    """A fitted head and what cross-validation said on the way."""

    head: Head
    strength: float
    """The C that was chosen."""
    temperature: float
    """What out-of-fold logits were divided by; above 1 the raw head was too sure of itself."""
    oof_probs: npt.NDArray[np.float32]
    """(n, classes): each photo's probabilities from a head that never saw it nor its duplicates."""
    path: Mapping[float, Coefficients]
    """The heads of every fold and of all photos, for each strength that was tried: where a refit begins."""


def fit_head(
    features: Features | Photos,
    targets: Targets,
    *,
    classes: int,
    folds: npt.NDArray[np.intp],
    balanced: bool = False,
    views: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    start: HeadFit | None = None,
    callback: Callback = silent,
) -> HeadFit:
    """Fit the head for the trainer; deterministic for given inputs and number of threads.

    Args:
        features: (n, dim) raw features, then as many rows again for each augmented view; or `Photos.of` them.
        targets: (n,) class indices below `classes`.
        folds: (n,) number of the fold in which each photo is held out, 0 … from `assign_folds`.
        balanced: weigh classes equally, however many photos each has.
        views: augmented views of each photo. They are learned from, with a share of their photo's weight, and
            held out with it; only the photos themselves are asked.
        start: an earlier fit of nearly the same labels, on the same photos and folds, to begin from.
    """
    photos = features if isinstance(features, Photos) else Photos.of(features)
    with fitting_threads(len(photos.x) * len(photos.basis)):
        return _fit(photos, targets, classes, folds, balanced, views, strengths, start, callback)


def _fit(
    photos: Photos,
    targets: Targets,
    classes: int,
    folds: npt.NDArray[np.intp],
    balanced: bool,
    views: int,
    strengths: Sequence[float],
    start: HeadFit | None,
    callback: Callback,
) -> HeadFit:
    n = len(targets)
    own = _class_weights(targets, classes) if balanced else np.ones(n)
    seen = np.stack([folds != fold for fold in range(int(folds.max()) + 1)] + [np.ones(n, bool)], axis=1)
    repeated, weights = (
        np.tile(targets, 1 + views),
        np.tile(seen * own[:, None] / (1 + views), (1 + views, 1)),
    )
    path: dict[float, Coefficients] = {}
    logits: list[Floats] = []  # out of fold
    losses: list[float] = []
    for strength in strengths:
        callback(Progress("Fitting", len(path), len(strengths)))
        found = minimise(
            photos,
            repeated,
            weights * strength,
            classes=classes,
            start=_start(strength, start, path),
            tolerance=CV_TOLERANCE,
        )
        path[strength] = found.coefficients
        logits.append(found.logits[np.arange(n), folds].astype(np.float64))
        losses.append(mean_loss(logits[-1], targets, own))
        if len(losses) > 1 and losses[-1] > losses[-2]:
            break
    callback(Progress("Fitting", len(strengths), len(strengths)))
    best = int(np.argmin(losses))
    whole = minimise(
        photos,
        repeated,
        weights[:, -1:] * strengths[best],
        classes=classes,
        start=path[strengths[best]][:, -1:],
        tolerance=TOLERANCE,
    )
    temperature = _fit_temperature(logits[best], targets, own)
    weight, bias = photos.on_raw_features(whole.coefficients[:, 0] / np.float32(temperature))
    oof = softmax(logits[best] / temperature).astype(np.float32)
    return HeadFit(
        Head(weight, bias),
        float(strengths[best]),
        temperature,
        oof,
        {**(start.path if start else {}), **path},
    )


def _start(strength: float, start: HeadFit | None, path: Mapping[float, Coefficients]) -> Coefficients | None:
    """Where a strength begins: at its own earlier solution, else where the last strength ended."""
    if start is not None and strength in start.path:
        return start.path[strength]
    return list(path.values())[-1] if path else None


def assign_folds(
    targets: Targets, groups: npt.NDArray[np.intp], *, seed: int, folds: int = FOLDS
) -> npt.NDArray[np.intp]:
    """Deal photos into folds, class by class, with the members of a group together.

    Args:
        groups: (n,) duplicates and bursts share a number.
    Returns:
        (n,) fold of each photo. A class with fewer groups than folds is missing from some of them.
    """
    rng = np.random.default_rng(seed)
    fold_of_group: dict[int, int] = {}
    turn = 0
    for target in np.unique(targets):
        own = [g for g in dict.fromkeys(groups[targets == target].tolist()) if g not in fold_of_group]
        for group in rng.permutation(own):
            fold_of_group[int(group)] = turn % folds
            turn += 1
    return np.array([fold_of_group[int(g)] for g in groups], dtype=np.intp)


def _class_weights(targets: Targets, classes: int) -> Floats:
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (np.count_nonzero(counts) * counts))[targets]


def _fit_temperature(logits: Floats, targets: Targets, weights: Floats) -> float:
    """The divisor that makes out-of-fold probabilities honest (Guo et al. 2017, arXiv 1706.04599)."""
    coldest, hottest = TEMPERATURES
    return 1 / best_factor(logits, targets, weights, low=1 / hottest, high=1 / coldest)
