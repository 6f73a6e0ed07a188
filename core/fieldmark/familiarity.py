"""Is a photo anything like the training photos? Two scores, what they mean, and when to speak up.

On features of length 1 (Mahalanobis++, arXiv 2505.18032): the mean cosine distance to the five nearest
training photos, and the squared Mahalanobis distance to the nearest class with one shrunk covariance for
all. Each becomes a p-value by comparing it with the scores of training photos that were held out of it
(split conformal prediction): the share of training photos that look at least as strange. Of two p-values
the smaller counts, doubled.

Which photos are near is decided by features that were never fitted to these photos, so a photo's own
duplicates are left out when its score is taken.

The p-value is right for more photos of the same source, and only for them: photos of one scrape have
neighbours in it that photos from elsewhere do not have, so a flag at p < 5 % went up for 8 to 18 % of photos
that show the same things in another way. So the flag has limits of its own, from scores of training photos
whose whole *neighbourhood* was held out: up to a sixth of the photos, those most alike, is left out at a time,
and a photo is unfamiliar when it is stranger than nearly all of them were then. When this was chosen, at 5 % it
flagged 1–3 % of the same source, at most 5 % of photos made smaller, blurred, darker or compressed, 3 % of
another collection, and practically all drawings, other animals, textures and documents (`make bench-fit` measures
it anew). Augmented views and plain folds as calibration did worse. What it does not help with: a camera that
looks at a place never seen is told as unfamiliar (two of three in camtrap_varanger), and it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2
from scipy.linalg import cholesky, solve_triangular

Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Scores = npt.NDArray[np.float32]  # (n,), higher is stranger

NEIGHBOURS = 5
NEIGHBOURHOODS = 6
"""Parts of each class, of photos most alike, of which one is held out at a time to find the limits."""
PHOTOS_A_NEIGHBOURHOOD = 8
"""Fewer photos than that a part: then the class has fewer parts, but two."""
BANK_SIZE = 4000
"""Training photos kept in the model file to measure distances to: 2.6 KB each."""


@dataclass(frozen=True)
class Familiarity:
    """What the model file needs to score a photo, and the scores that known photos had."""

    bank: Features
    """(m, dim) features of length 1, balanced over the classes."""
    whitening: Features
    """(dim, dim): features · whitening have unit covariance within a class."""
    means: Features
    """(classes, dim) class means, whitened."""
    knn: Scores
    """Scores of training photos, each without its own group; sorted."""
    mahalanobis: Scores
    """Scores of training photos, each out of fold; sorted."""
    far_knn: Scores
    """Scores of training photos, each without its neighbourhood; sorted."""
    far_mahalanobis: Scores
    """The same of the other score."""


def fit_familiarity(
    features: Features, targets: Indices, *, groups: Indices, folds: Indices, seed: int
) -> Familiarity:
    """Learn what is familiar from the training photos' raw features (n, dim)."""
    unit = unit_length(features)
    chosen = _balanced_sample(targets, BANK_SIZE, seed)
    x, basis = _in_their_span(unit)
    covariance = _Covariance.fit(x, targets, dim=unit.shape[1])
    parts = neighbourhoods(unit, targets, groups, seed=seed)
    return Familiarity(
        bank=unit[chosen],
        whitening=covariance.whitening_outside(basis).astype(np.float32),
        means=(covariance.means @ covariance.whitening @ basis.T).astype(np.float32),
        knn=np.sort(_knn_without_own_group(unit[chosen], groups[chosen])),
        mahalanobis=np.sort(_mahalanobis_out_of_fold(x, targets, folds, dim=unit.shape[1])),
        far_knn=np.sort(_knn_without_own_group(unit[chosen], parts[chosen])),
        far_mahalanobis=np.sort(_mahalanobis_out_of_fold(x, targets, parts, dim=unit.shape[1])),
    )


def limits_at(familiarity: Familiarity, level: float) -> tuple[float, float]:
    """Scores (knn, mahalanobis) above which a photo is unfamiliar: one of them suffices, so each at half the level.

    The highest score where there are too few to tell (split conformal quantile).
    """
    near = (familiarity.knn, familiarity.mahalanobis)
    far = (familiarity.far_knn, familiarity.far_mahalanobis)
    knn, mahalanobis = (
        max(_upper(n, level / 2), _upper(f, level / 2)) for n, f in zip(near, far, strict=True)
    )
    return knn, mahalanobis


def _upper(scores: Scores, share: float) -> float:
    """The sorted score that at most this share of new photos exceeds."""
    place = int(np.ceil((1 - share) * (len(scores) + 1))) - 1
    return float(scores[min(place, len(scores) - 1)])


def neighbourhoods(unit: Features, targets: Indices, groups: Indices, *, seed: int) -> Indices:
    """Divide each class into parts of photos that look alike (k-means), members of a group in one: (n,)."""
    parts = np.zeros(len(unit), dtype=np.intp)
    for target in np.unique(targets):
        own = np.flatnonzero(targets == target)
        count = min(NEIGHBOURHOODS, max(2, len(own) // PHOTOS_A_NEIGHBOURHOOD), len(own))
        _, parts[own] = kmeans2(unit[own], count, minit="++", rng=np.random.default_rng(seed))
    first = dict(zip(groups.tolist(), parts.tolist(), strict=True))
    return np.array([first[group] for group in groups.tolist()], dtype=np.intp)


def unit_length(features: Features) -> Features:
    """Divide each row by its length."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-6), np.float32)


def _balanced_sample(targets: Indices, size: int, seed: int) -> Indices:
    """At most `size` places, as many of each class as it has or as there is room for."""
    if len(targets) <= size:
        return np.arange(len(targets))
    order = np.random.default_rng(seed).permutation(len(targets))
    rank = np.empty(len(targets), dtype=np.intp)  # how many of its class come before it
    for target in np.unique(targets):
        own = order[targets[order] == target]
        rank[own] = np.arange(len(own))
    return np.sort(np.argsort(rank, kind="stable")[:size])


def _knn_without_own_group(unit: Features, groups: Indices) -> Scores:
    """Mean cosine distance to the nearest photos that are no duplicates of the photo itself."""
    scores = np.empty(len(unit), dtype=np.float32)
    for start in range(0, len(unit), 512):
        rows = slice(start, start + 512)
        similarity = unit[rows] @ unit.T
        similarity[groups[rows, None] == groups[None, :]] = -1.0
        nearest = np.partition(similarity, -min(NEIGHBOURS, len(unit)), axis=1)[:, -NEIGHBOURS:]
        scores[rows] = 1.0 - nearest.mean(axis=1)
    return scores


def _mahalanobis_out_of_fold(x: Features, targets: Indices, folds: Indices, *, dim: int) -> Scores:
    """Distances of each photo to classes that were described without its fold."""
    scores = np.empty(len(x), dtype=np.float32)
    for fold in np.unique(folds):
        held = folds == fold
        scores[held] = _Covariance.fit(x[~held], targets[~held], dim=dim).distances(x[held])
    return scores


def _in_their_span(unit: Features) -> tuple[Features, Features]:
    """Fewer photos than features: turn them into the space they span, where every distance is the same.

    Returns:
        Coordinates (n, r) and the orthonormal basis (dim, r).
    """
    n, dim = unit.shape
    if n >= dim:
        return unit, np.eye(dim, dtype=np.float32)
    basis, _ = np.linalg.qr(unit.T)
    return unit @ basis, basis


@dataclass(frozen=True)
class _Covariance:
    """Class means and one covariance for all, shrunk towards a ball (Ledoit and Wolf 2004)."""

    means: npt.NDArray[np.float64]  # (classes, r)
    whitening: npt.NDArray[np.float64]  # (r, r)
    floor: float
    """Variance in every direction that no training photo has."""

    @classmethod
    def fit(cls, x: Features, targets: Indices, *, dim: int) -> _Covariance:
        """Describe photos (n, r); `dim` is the length of the features that x was turned from."""
        present = np.unique(targets)
        means = np.stack([x[targets == target].mean(axis=0) for target in present]).astype(np.float64)
        centred = x - means[np.searchsorted(present, targets)]
        covariance, floor = _shrunk(centred.astype(np.float64), dim)
        lower = cholesky(covariance, lower=True)
        whitening = solve_triangular(lower, np.eye(len(lower)), lower=True).T
        return cls(means, whitening, floor)

    def whitening_outside(self, basis: Features) -> npt.NDArray[np.float64]:
        """The whitening (dim, dim) of photos that may leave the span of the training photos."""
        dim, r = basis.shape
        inside = basis @ self.whitening @ basis.T
        return inside if r == dim else inside + (np.eye(dim) - basis @ basis.T) / np.sqrt(self.floor)

    def distances(self, x: Features) -> Scores:
        """Squared distance of each row to the nearest class mean."""
        white, means = x @ self.whitening, self.means @ self.whitening
        squares = [np.square(white - mean).sum(axis=1) for mean in means]
        return np.asarray(np.min(squares, axis=0), dtype=np.float32)


def _shrunk(centred: npt.NDArray[np.float64], dim: int) -> tuple[npt.NDArray[np.float64], float]:
    """Ledoit–Wolf covariance of centred rows (n, r) that lie in `dim` dimensions, and its floor."""
    n, r = centred.shape
    sample = centred.T @ centred / n
    mu = np.trace(sample) / dim
    spread = np.square(sample).sum() - dim * mu * mu  # |S - mu I|² over all `dim` dimensions
    noise = (np.square(np.square(centred).sum(axis=1)).sum() / n - np.square(sample).sum()) / n
    share = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0.01, 1.0))
    floor = share * max(mu, 1e-9)
    return (1 - share) * sample + floor * np.eye(r), float(floor)
