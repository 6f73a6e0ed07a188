"""Labels that help most: which unlabelled photos the model is least sure of, and what it would call them.

Margin sampling (Scheffer, Decomain & Wrobel 2001): between which two classes a model hesitates most is where a label
tells it most. The photos asked for together are kept apart from each other, because the second of two that look alike
teaches nothing the first did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldmark.callbacks import Callback, silent
from fieldmark.errors import BadImageError
from fieldmark.features import Features, extract
from fieldmark.hashing import hash_files
from fieldmark.learner import Learner

MOST_USEFUL = 20
"""Photos that are asked for together."""
WIDER = 4
"""So many times as many of the least sure are looked at, to take a varied part of them."""

Probs = npt.NDArray[np.float32]  # (photos, classes)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the model makes of a photo that has no label yet."""

    path: Path
    hash: str
    """SHA-256 of its bytes, hex."""
    label: str
    """The most probable class."""
    prob: float
    margin: float
    """To the next class, 0 … 1; small means that a label would tell much."""


@dataclass(frozen=True)
class Suggestions:
    """What the model makes of photos without labels."""

    photos: tuple[Suggestion, ...]
    """In the order asked for."""
    failures: dict[Path, BadImageError]
    """Why the others could not be read."""
    features: Features
    """(photos, dim), in the same order."""
    probs: Probs

    def most_useful(self, n: int = MOST_USEFUL) -> list[Suggestion]:
        """Give the photos whose labels would help most, the most useful first."""
        return [self.photos[place] for place in pick_useful(self.probs, self.features, n)]

    def surest(self) -> list[Suggestion]:
        """Give all photos, those first that need only a nod."""
        return sorted(self.photos, key=lambda photo: -photo.margin)


def suggest(learner: Learner, photos: Sequence[Path], *, callback: Callback = silent) -> Suggestions:
    """Ask a fitted learner about photos that have no label; features are kept, so asking again costs nothing.

    Raises:
        NotTrainedError: the learner was not fitted.
        Cancelled: the callback asked to stop.
    """
    backbone, head = learner.backbone, learner.head
    hashed = list(zip(photos, hash_files(photos, callback=callback), strict=True))
    readable = [(path, digest) for path, digest in hashed if isinstance(digest, str)]
    found = extract(
        [path for path, _ in readable], [digest for _, digest in readable], backbone=backbone, rule=learner.config.rule, callback=callback
    )  # fmt: skip
    probs = head.probs(found.features) if found.kept else np.empty((0, len(learner.vocab)), np.float32)
    failures = {readable[place][0]: error for place, error in found.failures.items()}
    failures |= {
        p: BadImageError(f"Unreadable: {e.strerror}.", code="unreadable")
        for p, e in hashed
        if isinstance(e, OSError)
    }
    margins = margins_of(probs)
    told = (
        Suggestion(*readable[place], learner.vocab[int(row.argmax())], float(row.max()), float(margin))
        for place, row, margin in zip(found.kept, probs, margins, strict=True)
    )
    return Suggestions(tuple(told), failures, found.features, probs)


def margins_of(probs: Probs) -> npt.NDArray[np.float32]:
    """Distance between the two most probable classes of each photo, 0 … 1."""
    if probs.shape[1] < 2:
        return np.ones(len(probs), np.float32)
    two = np.partition(probs, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def pick_useful(probs: Probs, features: Features, n: int) -> list[int]:
    """Give the places of n photos: of the least sure ones, the least sure first, then always the farthest from those
    taken.
    """
    order = np.argsort(margins_of(probs), kind="stable")[: WIDER * n]
    if len(order) <= 1 or n <= 0:
        return [int(place) for place in order[: max(0, n)]]
    near = features[order] / np.maximum(np.linalg.norm(features[order], axis=1, keepdims=True), 1e-9)
    taken = [0]
    similarity = near @ near[0]  # to the nearest one taken
    while len(taken) < min(n, len(order)):
        similarity[taken] = np.inf
        following = int(np.argmin(similarity))
        taken.append(following)
        similarity = np.maximum(similarity, near @ near[following])
    return [int(order[place]) for place in taken]
