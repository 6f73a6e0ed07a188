"""Many logistic regressions on the same photos at once: every fold's, and that of all photos.

Each minimises, over its W and b,

    Σ_i w_i · CE(y_i, softmax(W x_i + b))  +  ½ ‖W‖²

by Newton's method, the Newton step by conjugate gradients. They differ only in which photos have weight 0, so one
wide matrix product serves all of them: several times faster than one L-BFGS after the other. The photos are seen in
their principal axes, where the Hessian is nearly diagonal: dividing by its diagonal leaves little to do.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldmark.fitting.blas import fitting_threads

Rows = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Coefficients = npt.NDArray[np.float32]  # (axes + 1, problems, classes), the bias last

SPAN_TOLERANCE = 1e-6
"""Axes with less than this share of the largest variance are rounding noise."""
NEWTON_STEPS, CG_STEPS, HALVINGS = 30, 100, 10
ROUGHEST, FINEST = 0.5, 0.1
"""Shares of the gradient that a Newton step may leave: much while its parabola is far from the truth, little near
the end (Eisenstat and Walker 1996, choice 2). Less is work that the next step does anyway."""
GOOD_ENOUGH = 0.1
"""Share of the tolerance below which what a Newton step leaves is of no account: after one changed label most
problems are nearly solved, and a tenth of nearly nothing took hundreds of products."""
MOST_FACTOR = 1e8
"""Of a conjugate gradient's step: honest ones are near 1, since the axes are scaled by their curvature."""
BIAS_CURVATURE = 1e-3
"""Keeps the bias of a class that a fold does not have from running away in one step."""


@dataclass(frozen=True)
class Photos:
    """Features of photos in their principal axes: turned once, fitted any number of times."""

    x: Rows
    """(n, axes + 1); the last column is 1, for the bias."""
    basis: Rows
    """(dim, axes), orthonormal."""
    centre: Rows
    """(dim,)"""
    scale: float
    """What features are divided by: the root of their mean variance."""

    @classmethod
    def of(cls, features: Rows) -> Photos:
        """Turn raw features (n, dim); at most n axes are needed, and no distance changes."""
        scale = float(np.sqrt(features.var(axis=0).mean())) or 1.0
        centre = features.mean(axis=0)
        with fitting_threads(features.size):
            turned, basis = principal_axes((features - centre) / np.float32(scale))
        ones = np.ones((len(features), 1), np.float32)
        return cls(np.concatenate([turned, ones], axis=1), basis, centre, scale)

    def only(self, rows: npt.NDArray[np.intp]) -> Photos:
        """Some of the photos, in the same axes."""
        return Photos(np.ascontiguousarray(self.x[rows]), self.basis, self.centre, self.scale)

    @cached_property
    def squares(self) -> Rows:
        """(axes + 1, n), for the diagonal of the Hessian."""
        return np.ascontiguousarray((self.x * self.x).T)

    def on_raw_features(self, coefficients: npt.NDArray[np.float32]) -> tuple[Rows, Rows]:
        """Weight (classes, dim) and bias (classes,) that do the same to raw features."""
        weight = (self.basis @ coefficients[:-1]).T / np.float32(self.scale)
        return weight, coefficients[-1] - weight @ self.centre


def principal_axes(x: Rows) -> tuple[Rows, Rows]:
    """Turn (n, d) into its principal axes: coordinates (n, r) and the orthonormal basis (d, r); distances stay."""
    n, d = x.shape
    if n >= d:
        _, basis = np.linalg.eigh(x.T @ x)
        return x @ basis, basis
    squares, left = np.linalg.eigh(x @ x.T)
    real = squares > squares[-1] * SPAN_TOLERANCE
    basis = x.T @ (left[:, real] / np.sqrt(squares[real]))
    return x @ basis, basis


@dataclass(frozen=True)
class Solution:
    """What came of it."""

    coefficients: Coefficients
    logits: Rows
    """(n, problems, classes) of every photo, whether it had weight or not."""


class _Problems:
    """The regressions: losses, gradients and curvatures of all of them at once."""

    def __init__(self, photos: Photos, targets: npt.NDArray[np.intp], weights: Floats, classes: int) -> None:
        self.photos, self.shape = photos, (photos.x.shape[1], weights.shape[1], classes)
        self.weights = weights.astype(np.float32)[:, :, None]  # (n, problems, 1)
        self.wanted = np.eye(classes, dtype=np.float32)[targets][:, None, :] * self.weights
        self.ridge = np.ones((self.shape[0], 1, 1), np.float32)
        self.ridge[-1] = 0  # the bias is free

    def only(self, some: npt.NDArray[np.intp]) -> _Problems:
        """Some of the regressions, for as long as the others are solved."""
        if len(some) == self.shape[1]:
            return self
        part = copy(self)
        part.shape = (self.shape[0], len(some), self.shape[2])
        part.weights, part.wanted = self.weights[:, some], self.wanted[:, some]
        return part

    def logits(self, coefficients: Coefficients) -> Rows:
        """(n, problems, classes)."""
        x, (axes, problems, classes) = self.photos.x, self.shape
        flat = x @ coefficients.reshape(axes, problems * classes)
        return np.asarray(flat.reshape(len(x), problems, classes))

    def back(self, residuals: Rows) -> Coefficients:
        """From (n, problems, classes) to the coefficients."""
        return np.asarray((self.photos.x.T @ residuals.reshape(len(residuals), -1)).reshape(self.shape))

    def losses(self, logits: Rows, coefficients: Coefficients) -> tuple[Floats, Rows]:
        """The objective of each problem, and log probabilities."""
        shifted = logits - logits.max(axis=2, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
        return 0.5 * _dots(coefficients * self.ridge, coefficients) - _dots(self.wanted, log_probs), log_probs

    def preconditioner(self, probs: Rows) -> Coefficients:
        """Diagonal of the Hessian (axes + 1, problems, 1), the mean over classes."""
        curvature = (probs * (1 - probs)).mean(axis=2) * self.weights[:, :, 0]
        diagonal = (self.photos.squares @ curvature)[:, :, None] + self.ridge
        diagonal[-1] += BIAS_CURVATURE
        return np.asarray(diagonal)


def minimise(
    photos: Photos,
    targets: npt.NDArray[np.intp],
    weights: Floats,
    *,
    classes: int,
    start: Coefficients | None = None,
    tolerance: float,
) -> Solution:
    """Fit every problem, for cross-validation; deterministic for given inputs and number of threads.

    Args:
        targets: (n,) class indices.
        weights: (n, problems), the strength C multiplied in; 0 where a problem must not see a photo.
        start: where to begin: a solution for nearly the same labels or a neighbouring strength.
        tolerance: the share of the objective that one more step would win at most.
    """
    problems = _Problems(photos, targets, weights, classes)
    w = np.zeros(problems.shape, np.float32) if start is None else start.copy()
    z = problems.logits(w)
    unsolved = np.arange(problems.shape[1])
    sizes = np.zeros(len(unsolved))  # of the gradients one step before; 0 where there was none
    for _ in range(NEWTON_STEPS):
        part = problems.only(unsolved)
        w[:, unsolved], z[:, unsolved], sizes, wins = _improved(
            part, w[:, unsolved], z[:, unsolved], sizes, tolerance
        )
        going_on = wins > tolerance
        unsolved, sizes = unsolved[going_on], sizes[going_on]
        if not len(unsolved):
            break
    return Solution(w, z)


def _improved(
    problems: _Problems, w: Coefficients, z: Rows, sizes: Floats, tolerance: float
) -> tuple[Coefficients, Rows, Floats, Floats]:
    """Take one Newton step, as far as it leads down.

    Args:
        sizes: (problems,) of the gradients one step before.
    Returns:
        Coefficients, logits, sizes of the gradients, and the share of the objective that such a step wins.
    """
    losses, log_probs = problems.losses(z, w)
    probs = np.exp(log_probs)
    gradient = problems.back(problems.weights * probs - problems.wanted) + problems.ridge * w
    enough = GOOD_ENOUGH * tolerance * losses
    step, rise, sizes = _newton_step(problems, probs, gradient, sizes, enough)
    slopes = _dots(gradient, step)
    length = np.ones(len(slopes))
    for _ in range(HALVINGS):
        factor = _column(length)
        next_w, next_z = w + factor * step, z + factor * rise
        next_losses, _ = problems.losses(next_z, next_w)
        too_far = next_losses > losses + 1e-4 * length * slopes + 1e-7 * np.abs(losses)
        if not too_far.any():
            break
        length[too_far] /= 2
    return next_w, next_z, sizes, -slopes / np.maximum(losses, np.finfo(np.float64).tiny)


def _newton_step(
    problems: _Problems, probs: Rows, gradient: Coefficients, before: Floats, enough: Floats
) -> tuple[Coefficients, Rows, Floats]:
    """Solve Hessian · step = -gradient by conjugate gradients.

    Args:
        before: (problems,) sizes of the gradients one step before, or 0.
        enough: (problems,) sizes at which what is left no longer matters.
    Returns:
        The step, what it adds to the logits, and the sizes of the gradients: their products with themselves,
        each number divided by its curvature, which is what could be won if the Hessian were diagonal.
    """
    diagonal = problems.preconditioner(probs)
    weighted = problems.weights * probs
    step, rise = np.zeros_like(gradient), np.zeros_like(probs)
    residual = -gradient
    direction = residual / diagonal
    size = first = _dots(residual, direction)
    share = np.clip(np.where(before > 0, first / np.maximum(before, 1e-30), ROUGHEST), FINEST, ROUGHEST)
    enough = np.maximum(enough, share**2 * first)
    for _ in range(CG_STEPS):
        along = problems.logits(direction)
        bent = weighted * (along - (probs * along).sum(axis=2, keepdims=True))
        image = problems.back(bent) + problems.ridge * direction
        bend = _dots(direction, image)
        is_flat = bend * MOST_FACTOR <= size  # all that is left is rounding noise, as in a fold of one class
        factor = _column(np.where(is_flat, 0, size / np.where(is_flat, 1, bend)))
        step += factor * direction
        rise += factor * along
        residual -= factor * image
        scaled = residual / diagonal
        last, size = size, _dots(residual, scaled)
        if (size <= enough).all():
            break
        direction = scaled + _column(size / np.maximum(last, 1e-30)) * direction
    return step, rise, first


def _dots(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> Floats:
    """Scalar product of each problem (axis 1), summed in double precision."""
    return np.asarray((a * b).sum(axis=(0, 2), dtype=np.float64))


def _column(values: Floats) -> npt.NDArray[np.float32]:
    return values.astype(np.float32)[None, :, None]
