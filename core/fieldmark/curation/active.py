"""Which labels help most: how to choose, of photos without a label, the few that somebody should look at next.

Before there is a model: photos that stand for many others, one of each group that looks alike (Hacohen, Dekel &
Weinshall 2022). With one: margin sampling (Scheffer, Decomain & Wrobel 2001), because between which two classes a model
hesitates most is where a label tells it most; of the least sure ones a varied part (Zhdanov 2019, "Diverse mini-batch
active learning"), because the second of two that look alike teaches nothing that the first did not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldmark.features import Features

MOST_USEFUL = 20
"""Photos that are asked for together."""
WIDER = 5
"""So many times as many of the least sure are looked at, to take a varied part of them."""
TURNS, STARTS = 10, 3
"""Of k-means: groups need to be good enough to choose from, no more."""

Probs = npt.NDArray[np.float32]  # (photos, classes)


def margins_of(probs: Probs) -> npt.NDArray[np.float32]:
    """Distance between the two most probable classes of each photo, 0 … 1."""
    if probs.shape[1] < 2:
        return np.ones(len(probs), np.float32)
    two = np.partition(probs, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def pick_useful(probs: Probs, features: Features, n: int, *, seed: int = 0) -> list[int]:
    """Give the places of n photos, the least sure first: the least sure ones are grouped by their looks into n groups,
    and the least sure of each group is asked for.
    """
    margins = margins_of(probs)
    order = np.argsort(margins, kind="stable")[: WIDER * max(0, n)]
    if len(order) <= n or not len(order):
        return [int(place) for place in order]
    group, _ = _group(_unit(features[order]), n, seed)
    _, first = np.unique(group, return_index=True)  # within a group, the order is from the least sure on
    return [int(order[place]) for place in _filled(sorted(first.tolist()), len(order), n)]


def pick_varied(features: Features, n: int, *, seed: int = 0) -> list[int]:
    """Give the places of n photos that stand for all: the middle one of each of n groups, the largest group first."""
    n = max(0, n)
    if len(features) <= n or not n:
        return list(range(min(n, len(features))))
    near = _unit(features)
    group, likeness = _group(near, n, seed)
    sizes = np.bincount(group, minlength=n)
    largest_first = [number for number in np.argsort(-sizes, kind="stable") if sizes[number]]
    middle = [
        int(np.argmax(np.where(group == number, likeness[:, number], -np.inf))) for number in largest_first
    ]
    return _filled(middle, len(features), n)


def _filled(chosen: list[int], among: int, n: int) -> list[int]:
    """Fill up with the next ones where groups were empty, as among copies."""
    taken = set(chosen)
    return [*chosen, *[place for place in range(among) if place not in taken][: n - len(chosen)]]


def _group(near: Features, n: int, seed: int) -> tuple[npt.NDArray[np.intp], Features]:
    """Group photos by k-means on the sphere: (photos,) the number of each one's group, (photos, n) likeness to each."""
    found = [_grouped(near, _spread(near, n, seed + turn)) for turn in range(STARTS)]
    likeness = max(found, key=lambda alike: float(alike.max(axis=1).sum()))
    return np.argmax(likeness, axis=1), likeness


def _grouped(near: Features, centres: Features) -> Features:
    """Move centres into the middle of their groups; gives the likeness of all photos to each."""
    for _ in range(TURNS):
        group = np.argmax(near @ centres.T, axis=1)
        own = [near[group == number] for number in range(len(centres))]
        centres = _unit(
            np.stack(
                [
                    photos.mean(axis=0) if len(photos) else old
                    for photos, old in zip(own, centres, strict=True)
                ]
            )
        )
    return np.asarray(near @ centres.T)


def _spread(near: Features, n: int, seed: int) -> Features:
    """Begin k-means at n photos far from each other, drawn by k-means++."""
    rng = np.random.default_rng(seed)
    chosen = [int(rng.integers(len(near)))]
    distance = 1 - near @ near[chosen[0]]
    while len(chosen) < n:
        weight = np.maximum(distance, 0).astype(np.float64)
        total = weight.sum()
        chosen.append(int(rng.choice(len(near), p=weight / total if total > 0 else None)))
        distance = np.minimum(distance, 1 - near @ near[chosen[-1]])
    return near[chosen]


def _unit(features: Features) -> Features:
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9))
