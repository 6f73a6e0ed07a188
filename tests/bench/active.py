"""How many labels a model needs that asks for the most useful photos, against any order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from bench_data import find_set
from scipy.stats import t

from fieldmark.backbones import load_backbone
from fieldmark.curation.active import MOST_USEFUL, pick_useful, pick_varied
from fieldmark.dataset import read_dataset
from fieldmark.features import Features, extract
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.head import Head, fit_head
from fieldmark.fitting.trainconfig import TrainConfig

Targets = npt.NDArray[np.intp]
SETS = {"bears": range(1, 9), "sign_digits": range(1, 4)}
"""Seeds of each; a seed deals the photos into those that are held out (a fifth) and those that may be labelled."""
ONLY_SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "").split()]
"""Those that are measured, as in SEEDS="1 2"; none: all."""
GOAL = 0.5


@dataclass(frozen=True)
class Run:
    """One seed: labels until as few are wrong as with all of them."""

    n: int
    held_out: int
    wrong: int
    """With all labels."""
    asked: int
    any_order: int


def compare_sampling(sets: Sequence[str] = tuple(SETS)) -> Iterator[str]:
    """Say for each set, and on the average, what share of the labels either way needs."""
    shares: list[npt.NDArray[np.float64]] = []
    for name in sets:
        folder = find_set(name)
        if folder is None:
            yield f"labels: {name} is not here. “make bench-data” fetches it."
            continue
        features, targets = _features(str(folder))
        runs = [_run(features, targets, seed) for seed in ONLY_SEEDS or SETS[name]]
        share = np.array([[run.asked / run.n, run.any_order / run.n] for run in runs])
        shares.append(share)
        yield (
            f"{name}: {runs[0].n} labels leave {[run.wrong for run in runs]} of {runs[0].held_out} wrong ({len(runs)} seeds). For as "
            f"few: {_say(share[:, 0])} of the labels when asked for, {[run.asked for run in runs]}; {_say(share[:, 1])} in any "
            f"order, {[run.any_order for run in runs]}; asked for, it takes {share[:, 0].sum() / share[:, 1].sum():.0%} of the labels"
        )
    if shares:
        means = np.array([share.mean(axis=0) for share in shares])
        asked, anyhow = means.mean(axis=0)
        verdict = "reached" if asked <= GOAL else "missed"
        yield f"on the average of the sets: {asked:.0%} of the labels when asked for (goal {GOAL:.0%}: {verdict}), {anyhow:.0%} in any order: {asked / anyhow:.0%} of those"


def _say(shares: npt.NDArray[np.float64]) -> str:
    """The mean, and its 95 % interval over seeds (Student's t)."""
    if len(shares) == 1:
        return f"{shares[0]:.0%}"
    half = t.ppf(0.975, len(shares) - 1) * shares.std(ddof=1) / np.sqrt(len(shares))
    return f"{shares.mean():.0%} (95 % {max(0, shares.mean() - half):.0%}–{min(1, shares.mean() + half):.0%})"


def _features(folder: str) -> tuple[Features, Targets]:
    dataset, config = read_dataset(folder), TrainConfig()
    backbone = load_backbone(config.arch, size_px=config.rule.size_px)
    found = extract(
        [i.path for i in dataset.items], [i.hash for i in dataset.items], backbone=backbone, rule=config.rule
    )
    return found.features, np.array([dataset.vocab.index(dataset.items[place].label) for place in found.kept])


def _run(features: Features, targets: Targets, seed: int) -> Run:
    order = np.random.default_rng(seed).permutation(len(targets))
    held, pool = order[: len(order) // 5], order[len(order) // 5 :]
    goal = _wrong(_fit(features[pool], targets[pool]), features[held], targets[held])
    needed = [_needed(features, targets, held, pool, goal, asks=asks) for asks in (True, False)]
    return Run(len(pool), len(held), goal, *needed)


def _needed(
    features: Features, targets: Targets, held: Targets, pool: Targets, goal: int, *, asks: bool
) -> int:
    """Label twenty at a time, those that are asked for or just the next ones, until as few are wrong."""
    left, labelled = list(pool), list[int]()
    known: tuple[Head, Targets] | None = None
    while left:
        chosen = (
            _choose(features[left], known[0] if known else None)
            if asks
            else range(min(MOST_USEFUL, len(left)))
        )
        labelled += [left[place] for place in chosen]
        left = [photo for place, photo in enumerate(left) if place not in set(chosen)]
        known = _fit(features[labelled], targets[labelled])
        if known is not None and _wrong(known, features[held], targets[held]) <= goal:
            break
    return len(labelled)


def _choose(left: Features, head: Head | None) -> list[int]:
    """As `fieldmark.curation.asking` does."""
    return (
        pick_varied(left, MOST_USEFUL) if head is None else pick_useful(head.probs(left), left, MOST_USEFUL)
    )


def _fit(features: Features, targets: Targets) -> tuple[Head, Targets] | None:
    """Fit what suggests, and tell the classes it knows; None before there are two."""
    classes, places = np.unique(targets, return_inverse=True)
    if len(classes) < 2:
        return None
    folds = assign_folds(
        places, np.arange(len(places)), seed=0, folds=2
    )  # their answers are not looked at here
    return fit_head(features, places, classes=len(classes), folds=folds, strengths=(1.0,)).head, classes


def _wrong(known: tuple[Head, Targets] | None, features: Features, targets: Targets) -> int:
    assert known is not None
    head, classes = known
    return int((classes[head.probs(features).argmax(axis=1)] != targets).sum())


if __name__ == "__main__":
    for line in compare_sampling(sys.argv[1:] or tuple(SETS)):
        print(line, flush=True)
