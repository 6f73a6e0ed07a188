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
another collection, and practically all drawings, other animals, textures and documents (`make bench-unfamiliar`
measures it anew). Augmented views and plain folds as calibration did worse. So did
other scores: Mahalanobis in 16 to 64 principal directions, or relative to one Gaussian of all classes, no longer
flagged food, bears and most drawings for a model of insects. A camera at a place never seen is told as unfamiliar
where the training does not know which camera took what (two of three in camtrap_varanger); where it knows, whole
cameras are held out, and the flag stays down for the next one's animals and up for anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.fitting.folds import apart
from fieldmark.fitting.logistic import principal_axes

Features = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Scores = npt.NDArray[np.float32]  # (n,), higher is stranger
Floats = npt.NDArray[np.float64]

NEIGHBOURS = 5
NEIGHBOURHOODS = 6
"""Parts of each class, of photos most alike, of which one is held out at a time to find the limits."""
PHOTOS_A_NEIGHBOURHOOD = 8
"""Fewer photos than that a part: then the class has fewer parts, but two."""
BANK_SIZE = 4000
"""Training photos kept in the model file to measure distances to: 2.6 KB each. A class takes as much as four of them
elsewhere in the file, so with a thousand classes there are fewer, that it stays below 30 MB."""
K_MEANS_STEPS = 10
ROUNDED = 1e-3
"""Share of the photos' squared lengths below which what lies within classes, as in one with a single photo, would drown
in the rounding of a difference; then it is summed by itself."""


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
    """Scores of training photos, each without its own group, in the photos' order."""
    mahalanobis: Scores
    """Scores of the same photos, each out of fold."""
    far_knn: Scores
    """Scores of training photos, each without its neighbourhood."""
    far_mahalanobis: Scores
    """The same of the other score."""


def fit_familiarity(
    features: Features, targets: Indices, *, groups: Indices, folds: Indices, seed: int
) -> Familiarity:
    """Learn what is familiar from the training photos' raw features (n, dim)."""
    unit, groups = unit_length(features), apart(targets, groups)
    chosen = _balanced_sample(targets, _bank_size(targets), seed)
    x, basis = _in_their_span(unit)
    covariance = _Covariance.fit(x, targets, _products(x), dim=unit.shape[1])
    parts = neighbourhoods(unit, targets, groups, seed=seed)
    knn, far_knn = _knn_without_own(unit, chosen, groups, parts)
    return Familiarity(
        bank=unit[chosen],
        whitening=covariance.whitening_outside(basis),
        means=np.asarray(covariance.means @ covariance.whitening @ basis.T, np.float32),
        knn=knn,
        mahalanobis=_mahalanobis_out_of_fold(x, targets, folds, covariance),
        far_knn=far_knn,
        far_mahalanobis=_mahalanobis_out_of_fold(x, targets, parts, covariance),
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
    """The score that at most this share of new photos exceeds."""
    place = int(np.ceil((1 - share) * (len(scores) + 1))) - 1
    return float(np.sort(scores)[min(place, len(scores) - 1)])


def neighbourhoods(unit: Features, targets: Indices, groups: Indices, *, seed: int) -> Indices:
    """Divide each class into parts of photos that look alike (k-means), members of a group in one: (n,)."""
    parts = np.zeros(len(unit), dtype=np.intp)
    for target in np.unique(targets):
        own = np.flatnonzero(targets == target)
        count = min(NEIGHBOURHOODS, max(2, len(own) // PHOTOS_A_NEIGHBOURHOOD), len(own))
        parts[own] = _k_means(unit[own], count, np.random.default_rng(seed))
    first = dict(zip(groups.tolist(), parts.tolist(), strict=True))
    joined = np.array([first[group] for group in groups.tolist()], dtype=np.intp)
    are_apart = joined.min() < joined.max()  # of few large groups, such as two cameras, all may come together
    return joined if are_apart else groups


def _k_means(rows: Features, count: int, rng: np.random.Generator) -> Indices:
    """Number rows (n, dim) by the nearest of `count` centres (k-means++, Arthur and Vassilvitskii 2007): (n,)."""
    lengths = np.square(rows, dtype=np.float64).sum(axis=1)
    centres = rows[[int(rng.integers(len(rows)))]]
    while len(centres) < count:
        near = _squares(rows, lengths, centres).min(axis=1).clip(0)
        chances = near / near.sum() if near.sum() > 0 else None
        centres = np.concatenate([centres, rows[[int(rng.choice(len(rows), p=chances))]]])
    for _ in range(K_MEANS_STEPS):
        parts = _squares(rows, lengths, centres).argmin(axis=1)
        members = np.eye(count, dtype=np.float32)[:, parts]  # (count, n)
        sizes = members.sum(axis=1, keepdims=True)
        centres = np.where(sizes > 0, members @ rows / np.maximum(sizes, 1), centres)
    return np.asarray(_squares(rows, lengths, centres).argmin(axis=1), np.intp)


def _squares(rows: Features, lengths: Floats, centres: Features) -> Floats:
    """Squared distances (rows, centres); `lengths` (rows,) are the squared lengths of rows."""
    return np.asarray(lengths[:, None] - 2 * (rows @ centres.T) + np.square(centres).sum(axis=1))


def unit_length(features: Features) -> Features:
    """Divide each row by its length."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-6), np.float32)


def _bank_size(targets: Indices) -> int:
    return BANK_SIZE - 5 * (len(np.unique(targets)) // 10)


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


def _knn_without_own(unit: Features, bank: Indices, *numberings: Indices) -> tuple[Scores, ...]:
    """Mean cosine distance to the nearest photos of the bank without the photo's own number, for each numbering."""
    scores = tuple(np.empty(len(unit), dtype=np.float32) for _ in numberings)
    for start in range(0, len(unit), 512):
        rows = slice(start, start + 512)
        similarity = unit[rows] @ unit[bank].T
        for numbers, own in zip(numberings, scores, strict=True):
            others = np.where(numbers[rows, None] == numbers[bank], np.float32(-1), similarity)
            nearest = np.partition(others, -min(NEIGHBOURS, len(bank)), axis=1)[:, -NEIGHBOURS:]
            own[rows] = 1.0 - nearest.mean(axis=1)
    return scores


def _mahalanobis_out_of_fold(x: Features, targets: Indices, folds: Indices, whole: _Covariance) -> Scores:
    """Distances of each photo to classes that were described without its fold, shrunk as those of all photos."""
    scores, products, dim = np.empty(len(x), dtype=np.float32), _products(x), x.shape[1]
    for fold in np.unique(folds):
        held = folds == fold
        left = products - _products(x[held])
        without = _Covariance.fit(x[~held], targets[~held], left, dim=dim, shrinkage=whole.shrinkage)
        scores[held] = without.distances(x[held])
    return scores


def _products(x: Features) -> Floats:
    """Sums of products of every two coordinates (r, r), which can be taken away again from a larger sum."""
    return np.asarray(x.T @ x, np.float64)


def _in_their_span(unit: Features) -> tuple[Features, Features]:
    """Fewer photos than features: turn them into the space they span, where every distance is the same.

    Returns:
        Coordinates (n, r) and the orthonormal basis (dim, r).
    """
    n, dim = unit.shape
    return (unit, np.eye(dim, dtype=np.float32)) if n >= dim else principal_axes(unit)


@dataclass(frozen=True)
class _Shrinkage:
    """How far a covariance is drawn towards a ball (Ledoit and Wolf 2004)."""

    share: float
    """0 … 1; 1 is the ball."""
    floor: float
    """Variance in every direction that no training photo has."""

    @classmethod
    def of(cls, sample: Floats, lengths: Floats, dim: int) -> _Shrinkage:
        """Find it for centred photos that lie in `dim` dimensions.

        Args:
            sample: (r, r) their covariance as it is.
            lengths: (n,) their squared lengths.
        """
        mu = np.trace(sample) / dim
        spread = np.square(sample).sum() - dim * mu * mu  # |S - mu I|² over all `dim` dimensions
        noise = (np.square(lengths).mean() - np.square(sample).sum()) / len(lengths)
        share = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0.01, 1.0))
        return cls(share, float(share * max(mu, 1e-9)))

    def shrunk(self, sample: Floats) -> Floats:
        """Draw it."""
        return np.asarray((1 - self.share) * sample + self.floor * np.eye(len(sample)))


@dataclass(frozen=True)
class _Covariance:
    """Class means and one covariance for all, shrunk."""

    means: Features  # (classes, r)
    whitening: Features  # (r, r)
    shrinkage: _Shrinkage

    @classmethod
    def fit(
        cls, x: Features, targets: Indices, products: Floats, *, dim: int, shrinkage: _Shrinkage | None = None
    ) -> _Covariance:
        """Describe photos (n, r).

        Args:
            dim: length of the features that x was turned from.
            shrinkage: that of more photos, of which these are some. By itself a part is shrunk further, and what is
                held out of it would seem less strange than a new photo does beside all of them.
        """
        order = np.argsort(targets, kind="stable")
        _, starts, counts = np.unique(targets[order], return_index=True, return_counts=True)
        rows = x[order]
        means = np.add.reduceat(rows, starts) / counts[:, None].astype(np.float32)
        apart = rows - np.repeat(means, counts, axis=0)  # (n, r)
        lengths = np.einsum("ij,ij->i", apart, apart)
        within = products - (means.T * counts) @ means
        if lengths.sum() < ROUNDED * np.trace(products):
            within = np.asarray(apart.T.astype(np.float64) @ apart, np.float64)
        sample = within / len(x)
        found = shrinkage or _Shrinkage.of(sample, lengths.astype(np.float64), dim)
        lower = np.asarray(np.linalg.cholesky(found.shrunk(sample)), np.float32)
        return cls(np.asarray(means, np.float32), _inverse_of_lower(lower).T, found)

    def whitening_outside(self, basis: Features) -> Features:
        """The whitening (dim, dim) of photos that may leave the span of the training photos."""
        dim, r = basis.shape
        if r == dim:
            return self.whitening
        outside = np.float32(1 / np.sqrt(self.shrinkage.floor))
        inside = self.whitening - outside * np.eye(r, dtype=np.float32)
        return np.asarray((basis @ inside) @ basis.T + outside * np.eye(dim, dtype=np.float32))

    def distances(self, x: Features) -> Scores:
        """Squared distance of each row to the nearest class mean."""
        white, means = x @ self.whitening, self.means @ self.whitening
        lengths = np.square(white, dtype=np.float64).sum(axis=1)
        return np.asarray(_squares(white, lengths, means).min(axis=1), np.float32)


def _inverse_of_lower(lower: Features) -> Features:
    """Invert a lower triangular matrix by halves, which is nearly all matrix products."""
    half = len(lower) // 2
    if half < 32:
        return np.linalg.inv(lower)
    inverse = np.zeros_like(lower)
    first, last = _inverse_of_lower(lower[:half, :half]), _inverse_of_lower(lower[half:, half:])
    inverse[:half, :half], inverse[half:, half:] = first, last
    inverse[half:, :half] = -last @ (lower[half:, :half] @ first)
    return inverse
