"""The head: multinomial logistic regression on frozen features, its strength found by cross-validation.

Objective, for features x (n, d) divided by one common scale, labels y and weights w:

    minimise over W, b:   C · Σ_i w_i · CE(y_i, softmax(W x_i + b))  +  ½ ‖W‖²

which is scikit-learn's multinomial `LogisticRegression(C=C)`, the oracle in the tests. It is strictly
convex in W, so there is one answer. Three exact shortcuts make it fast: everything happens in the
principal axes of the photos (at most n of them), turned once for all folds; in those axes the Hessian
is nearly diagonal, so dividing by its root makes every direction equally steep and L-BFGS needs some
twenty steps instead of hundreds; and each fold walks from strong to weak regularisation, starting
where the last strength ended.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from fieldmark.callbacks import Callback, Progress, silent

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]  # (n,), class indices

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of C that are tried; the best lay inside on every set in docs/benchmarks.md."""
FOLDS = 5
GRADIENT_TOLERANCE = 1e-4
"""Largest gradient, per unit of C and photo, at which a fit counts as done."""
LOSS_TOLERANCE = 1e-9
"""Share of the objective that a step must still win."""
CURVATURE = 0.05
"""A typical p(1 - p) for the preconditioner: any value gives the same answer, this one soonest."""
SPAN_TOLERANCE = 1e-6
"""Axes with less than this share of the largest variance are rounding noise."""
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
        return np.asarray(softmax(self.logits(features), axis=1))


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


def fit_head(
    features: Features,
    targets: Targets,
    *,
    classes: int,
    folds: npt.NDArray[np.intp],
    balanced: bool = False,
    views: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    callback: Callback = silent,
) -> HeadFit:
    """Fit the head for the trainer; deterministic for given inputs and number of threads.

    Args:
        features: (n, dim) raw features, then as many rows again for each augmented view.
        targets: (n,) class indices below `classes`.
        folds: (n,) number of the fold in which each photo is held out, from `assign_folds`.
        balanced: weigh classes equally, however many photos each has.
        views: augmented views of each photo. They are learned from, with a share of their photo's weight, and
            held out with it; only the photos themselves are asked.
    """
    n = len(targets)
    targets, folds = np.tile(targets, 1 + views), np.tile(folds, 1 + views)
    scale = float(np.sqrt(features.var(axis=0).mean())) or 1.0
    centre = features.mean(axis=0)
    x, basis = _principal_axes((features - centre) / scale)
    weights = (_class_weights(targets, classes) if balanced else np.ones(len(targets))) / (1 + views)
    # One BLAS thread a fold, folds side by side: five times faster on matrices this narrow, and the
    # sums come out the same on any number of cores.
    with threadpool_limits(1, "blas"):
        logits = _out_of_fold(x, targets, weights, classes, folds, strengths, callback)[:, :n]
        losses = [_mean_loss(logits[i], targets[:n], weights[:n]) for i in range(len(strengths))]
        best = int(np.argmin(losses))
        coefficients = _path(x, targets, weights, classes, strengths[: best + 1])[-1]
    temperature = _fit_temperature(logits[best], targets[:n], weights[:n])
    weight = (basis @ coefficients[:-1]).T / (scale * temperature)  # (classes, dim)
    bias = coefficients[-1] / temperature - weight @ centre
    head = Head(weight.astype(np.float32), bias.astype(np.float32))
    oof = softmax(logits[best] / temperature, axis=1).astype(np.float32)
    return HeadFit(head, float(strengths[best]), temperature, oof)


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


def _principal_axes(x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn (n, d) into its principal axes: coordinates (n, r) and the orthonormal basis (d, r)."""
    n, d = x.shape
    if n >= d:
        _, basis = np.linalg.eigh(x.T @ x)
        return np.ascontiguousarray(x @ basis), basis
    squares, left = np.linalg.eigh(x @ x.T)
    real = squares > squares[-1] * SPAN_TOLERANCE
    basis = x.T @ (left[:, real] / np.sqrt(squares[real]))
    return np.ascontiguousarray(x @ basis), basis


def _class_weights(targets: Targets, classes: int) -> Floats:
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (np.count_nonzero(counts) * counts))[targets]


def _out_of_fold(
    x: npt.NDArray[np.float32],
    targets: Targets,
    weights: Floats,
    classes: int,
    folds: npt.NDArray[np.intp],
    strengths: Sequence[float],
    callback: Callback,
) -> Floats:
    """Logits (strengths, n, classes) from heads that never saw the photo's fold."""
    logits = np.zeros((len(strengths), len(x), classes))
    numbers = np.unique(folds)

    def hold_out(fold: int) -> None:
        seen, held = folds != fold, folds == fold
        fits = _path(x[seen], targets[seen], weights[seen], classes, strengths)
        logits[:, held] = [x[held] @ fit[:-1] + fit[-1] for fit in fits]

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="fold") as pool:
        for done, _ in enumerate(pool.map(hold_out, numbers), start=1):
            callback(Progress("Fitting", done, len(numbers)))
    return logits


def _path(
    x: npt.NDArray[np.float32], targets: Targets, weights: Floats, classes: int, strengths: Sequence[float]
) -> list[Floats]:
    """Coefficients (features + 1, classes), bias last, for each C from strong to weak regularisation."""
    start = np.zeros((x.shape[1] + 1, classes))
    fits: list[Floats] = []
    for strength in strengths:
        start = _minimised(x, targets, weights * strength, start)
        fits.append(start)
    return fits


def _minimised(x: npt.NDArray[np.float32], targets: Targets, weights: Floats, start: Floats) -> Floats:
    """Minimise the objective above from `start`; `weights` hold C already."""
    onehot = np.eye(start.shape[1])[targets] * weights[:, None]
    root = _hessian_root(x, weights)

    def objective(flat: Floats) -> tuple[float, Floats]:
        coefficients = flat.reshape(start.shape) / root
        log_probs = log_softmax(x @ coefficients[:-1].astype(np.float32) + coefficients[-1], axis=1)
        residual = np.exp(log_probs) * weights[:, None] - onehot  # (n, classes)
        gradient = np.empty_like(coefficients)
        gradient[:-1] = x.T @ residual.astype(np.float32) + coefficients[:-1]
        gradient[-1] = residual.sum(axis=0)
        loss = -float((onehot * log_probs).sum()) + 0.5 * float((coefficients[:-1] ** 2).sum())
        return loss, (gradient / root).ravel()

    found = minimize(
        objective,
        (start * root).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": 200,
            "maxcor": 20,
            "gtol": GRADIENT_TOLERANCE * float(weights.max()),
            "ftol": LOSS_TOLERANCE,
        },
    )
    return np.asarray(found.x).reshape(start.shape) / root


def _hessian_root(x: npt.NDArray[np.float32], weights: Floats) -> Floats:
    """Square root of the Hessian's diagonal (features + 1, 1), the bias last."""
    data = CURVATURE * (weights @ (x.astype(np.float64) ** 2))
    return np.asarray(np.sqrt(np.append(1.0 + data, 1e-3 + CURVATURE * weights.sum()))[:, None])


def _mean_loss(logits: Floats, targets: Targets, weights: Floats) -> float:
    losses = -log_softmax(logits, axis=1)[np.arange(len(targets)), targets]
    return float(np.average(losses, weights=weights))


def _fit_temperature(logits: Floats, targets: Targets, weights: Floats) -> float:
    """The divisor that makes out-of-fold probabilities honest (Guo et al. 2017, arXiv 1706.04599)."""
    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda log_t: _mean_loss(logits / np.exp(log_t), targets, weights),
        bounds=(low, high),
        method="bounded",
    )
    return float(np.exp(found.x))
