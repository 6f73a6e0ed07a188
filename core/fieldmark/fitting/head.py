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
from functools import partial

import numpy as np
import numpy.typing as npt

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.fitting.blas import fitting_threads
from fieldmark.fitting.folds import together
from fieldmark.fitting.logistic import Coefficients, Photos, minimise
from fieldmark.fitting.softmax import best_factor, mean_loss, softmax

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Targets = npt.NDArray[np.intp]  # (n,), class indices

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of C that are tried, until the out-of-fold loss rises. Of classes that a plane parts, the last is the best."""
CV_TOLERANCE, TOLERANCE = 1e-4, 1e-6
"""Of the folds' heads (out-of-fold probabilities are then right to .003) and of the head that is kept."""
TEMPERATURES = (0.05, 20.0)
TEMPERATURE_SPREAD = 0.35
"""Standard deviation of its logarithm, before a photo is asked. Without it, a few photos that all came out right made
every answer certain: of 5 a class .10, .42 and .48 log loss on all others (bears, food, insects), with it .05, .29 and
.25 (`make bench-fit`, few). Where there are many photos it changes nothing: hands have the same calibration error."""


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
    folds: Indices,
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
    folds: Indices,
    balanced: bool,
    views: int,
    strengths: Sequence[float],
    start: HeadFit | None,
    callback: Callback,
) -> HeadFit:
    n = len(targets)
    own = _class_weights(targets, classes) if balanced else np.ones(n)
    asked = own * _know_the_class(targets, folds)
    weights = _weights(own, folds, views)
    solve = partial(minimise, photos, np.tile(targets, 1 + views), classes=classes)
    before = _same_problems(start, weights.shape[1])
    path: dict[float, Coefficients] = {}
    logits: list[Floats] = []  # out of fold
    losses: list[float] = []
    for strength in strengths:
        callback(Progress("Fitting", len(path), len(strengths)))
        begin = before.get(strength, next(reversed(path.values()), None))
        found = solve(weights * strength, start=begin, tolerance=CV_TOLERANCE)
        path[strength] = found.coefficients
        logits.append(found.logits[np.arange(n), folds].astype(np.float64))
        losses.append(mean_loss(logits[-1], targets, asked if asked.any() else own))
        if len(losses) > 1 and losses[-1] > losses[-2]:
            break
    callback(Progress("Fitting", len(strengths), len(strengths)))
    best = int(np.argmin(losses))
    strength = strengths[best]
    whole = solve(weights[:, -1:] * strength, start=path[strength][:, -1:], tolerance=TOLERANCE)
    temperature = _fit_temperature(logits[best], targets, asked)
    weight, bias = photos.on_raw_features(whole.coefficients[:, 0] / np.float32(temperature))
    oof = softmax(logits[best] / temperature).astype(np.float32)
    return HeadFit(Head(weight, bias), float(strength), temperature, oof, {**before, **path})


def _weights(own: Floats, folds: Indices, views: int) -> Floats:
    """Weights (n · (1 + views), folds + 1): no fold's head sees its own photos, the last head sees all."""
    heads = np.arange(folds.max() + 2)
    seen = folds[:, None] != heads
    return np.tile(seen * own[:, None] / (1 + views), (1 + views, 1))


def _know_the_class(targets: Targets, folds: Indices) -> npt.NDArray[np.bool_]:
    """Whether a photo is asked of a head that has seen others of its class; the others say nothing of heads."""
    return ~np.isin(targets, together(targets, folds))


def _same_problems(start: HeadFit | None, problems: int) -> dict[float, Coefficients]:
    """The heads of an earlier fit; none where a fold has come or gone, as when its only photo was dropped."""
    path = start.path if start else {}
    return {strength: heads for strength, heads in path.items() if heads.shape[1] == problems}


def _class_weights(targets: Targets, classes: int) -> Floats:
    counts = np.bincount(targets, minlength=classes)
    return np.asarray(len(targets) / (np.count_nonzero(counts) * counts[targets]), np.float64)


def _fit_temperature(logits: Floats, targets: Targets, weights: Floats) -> float:
    """The divisor that makes out-of-fold probabilities honest (Guo et al. 2017, arXiv 1706.04599); 1 if none counts."""
    if not weights.any():
        return 1.0
    coldest, hottest = TEMPERATURES
    low, high = 1 / hottest, 1 / coldest
    return 1 / best_factor(logits, targets, weights, low=low, high=high, spread=TEMPERATURE_SPREAD)
