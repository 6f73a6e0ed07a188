"""What a fitted model may say of itself: thresholds chosen on photos it had not seen, figures, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fieldmark.interp import Interpretation
from fieldmark.modelfile import Calibration, Flagged, ModelCard, Sureness
from fieldmark.models.familiarity import Familiarity, Scores, limits_at
from fieldmark.stats import wilson

LEVELS = ((200, 0.01), (40, 0.05))
"""Known photos needed for a level: two p-values at half of it must be able to fall below it."""
MOST_NAMED = 4
"""Classes that a sentence names."""
SURE_TARGET = 0.95
"""Share of sure answers that should be right."""
SURE_CHOICES = tuple(np.arange(0.5, 1.0, 0.05).round(2))


def choose_sureness(probs: npt.NDArray[np.floating], targets: npt.NDArray[np.intp]) -> Sureness:
    """Find the lowest probability from which on answers are right often enough, on out-of-fold photos.

    Args:
        probs: (n, classes) out-of-fold probabilities.
    Returns:
        The lowest of .50, .55 … .95 whose sure answers are at least 95 % right; .95 where none is.
    """
    top, right = probs.max(axis=1), probs.argmax(axis=1) == targets
    for prob_min in SURE_CHOICES:
        sure = top >= prob_min
        if sure.any() and right[sure].mean() >= SURE_TARGET:
            break
    return Sureness(float(prob_min), int(right[sure].sum()), int(sure.sum()))


def calibration_of(familiarity: Familiarity) -> Calibration:
    """Scores of known photos, for the model file, and the level that so many of them allow."""
    n = len(familiarity.knn)
    level = next((level for needed, level in LEVELS if n >= needed), None)
    knn, mahalanobis = (
        tuple(np.sort(s).astype(float).round(6)) for s in (familiarity.knn, familiarity.mahalanobis)
    )
    limits = None if level is None else limits_at(familiarity, level)
    return Calibration(tuple(map(float, knn)), tuple(map(float, mahalanobis)), level, limits)


def flagged_by(limits: tuple[float, float] | None, familiarity: Familiarity) -> Flagged | None:
    """Count the known photos that these limits (knn, mahalanobis) would have called unfamiliar."""
    if limits is None:
        return None

    def count(knn: Scores, mahalanobis: Scores) -> int:
        return int(((knn > limits[0]) | (mahalanobis > limits[1])).sum())

    return Flagged(
        alone=count(familiarity.knn, familiarity.mahalanobis),
        n=len(familiarity.knn),
        apart=count(familiarity.far_knn, familiarity.far_mahalanobis),
        n_apart=len(familiarity.far_knn),
    )


def with_verdicts(card: ModelCard, sureness: Sureness | None, flagged: Flagged | None) -> ModelCard:
    """Add to a card how far its verdicts could be trusted, as figures and in words."""
    limits = (*card.limits, *_say_verdicts(sureness, flagged))
    return replace(card, sureness=sureness, flagged=flagged, limits=limits)


def _say_verdicts(sureness: Sureness | None, flagged: Flagged | None) -> Iterator[str]:
    if sureness and sureness.n:
        wrong = _say_share(sureness.n - sureness.right, sureness.n)
        yield f"Of the answers that it did not call unsure, on photos it had not seen, {wrong} were wrong."
    if flagged:
        yield (
            "A photo that shows one of its classes may be called unfamiliar all the same: of known photos, "
            f"{_say_share(flagged.alone, flagged.n)} were while each was held out, and "
            f"{_say_share(flagged.apart, flagged.n_apart)} while it was held out with all photos most like it."
        )


def _say_share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits} of {n} ({100 * hits / n:.1f} %, 95 % {100 * low:.1f} to {100 * high:.1f})"


def summary_of(valid: Interpretation, n_train: int) -> str:
    """How good it is, in two sentences with n and interval."""
    if not valid.items:
        return f"Learned from {n_train} photos; none was held out, so nothing says how good it is."
    low, high = wilson(valid.n_wrong, len(valid.items))
    return (
        f"{valid.n_wrong} of {len(valid.items)} photos wrong on photos it never saw; the true error is "
        f"between {100 * low:.1f} and {100 * high:.1f} % (95 %). Learned from {n_train} photos."
    )


def limits_of_one_group(labels: Sequence[str]) -> tuple[str, ...]:
    """What to know of classes whose training photos all belong together; nothing where there are none."""
    if not labels:
        return ()
    names = ", ".join(labels[:MOST_NAMED]) + (
        f" and {len(labels) - MOST_NAMED} more" if labels[MOST_NAMED:] else ""
    )
    return (
        f"All photos of {names} that it learned from belong together (one place, one burst, or copies): it may be too "
        "sure of photos from elsewhere. Add photos taken at other places and times.",
    )


def limits_of(counts: Counter[str]) -> tuple[str, ...]:
    """What it will not do well, a sentence each."""
    fewest, n = min(counts.items(), key=lambda pair: pair[1])
    limits = [
        "It answers with one of its classes, whatever the photo shows: look at the verdict, not only the label.",
        "Photos taken otherwise than the training photos (at night, from afar, drawn) are harder than the "
        "figure above says.",
    ]
    if n < 20:
        limits.append(f"It saw only {n} photos of {fewest}.")
    return tuple(limits)
