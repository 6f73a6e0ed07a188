"""How many labels a model needs that asks for the photos it is least sure of, against any order."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from bench_data import find_set

from fieldmark.active import pick_useful
from fieldmark.backbones import load_backbone
from fieldmark.dataset import read_dataset
from fieldmark.features import Features, extract
from fieldmark.head import Head, assign_folds, fit_head
from fieldmark.resize import ResizeRule

Targets = npt.NDArray[np.intp]
Pick = Callable[[Head | None, Features, Sequence[int], int], list[int]]
SEEDS = (1, 2, 3)


def compare_sampling(sets: Sequence[str] = ("bears", "sign_digits")) -> Iterator[str]:
    """Say for each set how many labels either way needs for the accuracy of all labels."""
    for name in sets:
        folder = find_set(name)
        if folder is None:
            yield f"labels: {name} is not here. “make bench-data” fetches it."
            continue
        dataset = read_dataset(folder)
        found = extract([i.path for i in dataset.items], [i.hash for i in dataset.items],
                        backbone=load_backbone("efficientnet_lite0"), rule=ResizeRule(224))  # fmt: skip
        targets = np.array([dataset.vocab.index(dataset.items[place].label) for place in found.kept])
        results = [_both(found.features, targets, seed) for seed in SEEDS]
        n, wrong = results[0][0], [result[1] for result in results]
        ours, theirs = ([result[place] for result in results] for place in (2, 3))
        yield (
            f"{name}: {n} labels leave {wrong} of {len(targets) - n} wrong (seeds {SEEDS}); as few with labels of the least sure: "
            f"{ours}, median {statistics.median(ours) / n:.0%}; in random order: {theirs}, median {statistics.median(theirs) / n:.0%}"
        )


def _both(features: Features, targets: Targets, seed: int) -> tuple[int, int, int, int]:
    """Labels in all, what they leave wrong, and how many of them either way needs for as few."""
    order = np.random.default_rng(seed).permutation(len(targets))
    held, pool = order[: len(order) // 5], order[len(order) // 5 :]
    goal = _wrong(_fit(features[pool], targets[pool]), features[held], targets[held])
    step = max(10, len(pool) // 40)

    def least_sure(head: Head | None, left: Features, places: Sequence[int], n: int) -> list[int]:
        if head is None:
            return list(places[:n])
        return [places[place] for place in pick_useful(head.probs(left), left, n)]

    def any_order(head: Head | None, left: Features, places: Sequence[int], n: int) -> list[int]:
        return list(places[:n])

    def needed(pick: Pick) -> int:
        left, labelled = list(range(len(pool))), list[int]()
        head: Head | None = None
        while left:
            chosen = pick(head, features[pool[left]], left, step)
            labelled += chosen
            left = [place for place in left if place not in set(chosen)]
            known = pool[labelled]
            if len(set(targets[known])) < len(set(targets)):
                continue  # a class that nobody has seen yet
            head = _fit(features[known], targets[known])
            if _wrong(head, features[held], targets[held]) <= goal:
                break
        return len(labelled)

    return len(pool), goal, needed(least_sure), needed(any_order)


def _fit(features: Features, targets: Targets) -> Head:
    folds = assign_folds(targets, np.arange(len(targets)), seed=0)
    return fit_head(features, targets, classes=int(targets.max()) + 1, folds=folds, strengths=(1.0,)).head


def _wrong(head: Head, features: Features, targets: Targets) -> int:
    return int((head.probs(features).argmax(axis=1) != targets).sum())
