"""Would maps of several depths of the backbone, averaged and their maxima, make fewer errors than the last map's mean?

    make bench-depths                    (or: python tests/bench/bench_depths.py [SET…])

Sets, splits and head are those of a fit; only the features differ. Errors are paired photo by photo over five splits,
with the interval of the difference; the cost is a forward pass and a fit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
from pairs import paired

from fieldmark.backbones import EFFICIENTNET_LITE0, load_backbone
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import BadImageError
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.head import fit_head
from fieldmark.fitting.trainconfig import FIT_SIZE_PX
from fieldmark.imaging.loading import in_batches, load_squares
from fieldmark.imaging.resize import ResizeRule
from fieldmark.issues.duplicates import near_duplicates_of
from fieldmark.models.backbone import Backbone
from fieldmark.models.engine import BATCH_SIZE, Engine
from fieldmark.models.graphs import GraphWriter
from fieldmark.splits import make_splits

DATA = Path(__file__).parents[3] / "shared" / "data"
SETS = ("bears", "pizza_steak_sushi", "ants_bees")
SEEDS = (1, 2, 3, 4, 5)
DEPTHS = {"late": "fmap", "middle": "_blocks.11._expand_conv.out", "early": "_blocks.5._expand_conv.out"}
"""Maps with a 32nd, a 16th and an 8th of the photo's side; the widest ones of their size."""
WAYS = {
    "mean of the last map": ("late.mean",),
    "and its maxima": ("late.mean", "late.max"),
    "means of three depths": ("late.mean", "middle.mean", "early.mean"),
    "means and maxima of three depths": tuple(
        f"{depth}.{how}" for depth in DEPTHS for how in ("mean", "max")
    ),
}
Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """One fit, judged by the photos it never saw."""

    photos: str
    seed: int
    n: int
    wrong: tuple[str, ...]
    machine: str = ""


def main() -> int:
    """Measure and print."""
    if not DATA.is_dir():
        print(f"Skipped: there are no photos in {DATA}.")
        return 0
    judged: dict[str, list[Judged]] = {way: [] for way in WAYS}
    fit_s = dict.fromkeys(WAYS, 0.0)
    for name in sys.argv[1:] or SETS:
        dataset = read_dataset(DATA / name)
        start = perf_counter()
        found = all_depths(dataset, load_backbone(EFFICIENTNET_LITE0.name))
        print(f"{name}: {len(dataset.items)} photos, all maps in {perf_counter() - start:.0f} s", flush=True)
        for way, parts in WAYS.items():
            start = perf_counter()
            features = np.concatenate([evened(found[part]) for part in parts], axis=1)
            judged[way] += [judge(name, dataset, features, seed) for seed in SEEDS]
            fit_s[way] += perf_counter() - start
    usual, *others = WAYS
    for way in WAYS:
        n, wrong = sum(j.n for j in judged[way]), sum(len(j.wrong) for j in judged[way])
        print(f"{way}: {wrong} of {n} wrong, {100 * wrong / n:.2f} %; fits {fit_s[way]:.1f} s")
    for way in others:
        pair = paired(judged[way], judged[usual])  # type: ignore[arg-type]
        assert pair is not None
        low, high = pair.interval
        print(
            f"{way} against the {usual}: {100 * pair.difference:+.2f} points (95 % {100 * low:+.2f} to {100 * high:+.2f})"
        )
    return 0


def all_depths(dataset: Dataset, backbone: Backbone) -> dict[str, Features]:
    """Means and maxima of every depth's map, by name: (photos, channels); a photo that cannot be read is left blank."""
    rule = ResizeRule(FIT_SIZE_PX)
    g = GraphWriter(backbone.graph())
    for depth, tensor in DEPTHS.items():
        for how, op in (("mean", "GlobalAveragePool"), ("max", "GlobalMaxPool")):
            pooled = g.add(op, tensor, name=f"{depth}.{how}.map")
            g.output(g.add("Flatten", pooled, name=f"{depth}.{how}"), ["N", f"{depth}"])
    engine = Engine(g.model("depths").SerializeToString(), size_px=rule.size_px)
    blank = np.zeros((rule.size_px, rule.size_px, 3), np.uint8)
    squares = load_squares([item.path for item in dataset.items], rule)
    whole = (blank if isinstance(square, BadImageError) else square for square in squares)
    outputs = list(engine.stream(in_batches(whole, BATCH_SIZE)))
    return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}


def evened(features: Features) -> Features:
    """Centred, with a mean variance of 1, so that no depth outweighs another by its scale."""
    centred = features - features.mean(axis=0)
    return np.asarray(centred / np.sqrt(np.square(centred).mean()), np.float32)


def judge(name: str, dataset: Dataset, features: Features, seed: int) -> Judged:
    """Fit the head on one split and ask it about the other side."""
    items, groups = dataset.items, near_duplicates_of(dataset.items)
    split = make_splits(items, seed=seed, groups=groups)
    targets = np.array([dataset.vocab.index(item.label) for item in items], np.intp)
    number = np.arange(len(items))
    for group in groups:
        number[list(group)] = group[0]
    train, valid = list(split.train), list(split.valid)
    folds = assign_folds(targets[train], number[train], seed=seed)
    fit = fit_head(features[train], targets[train], classes=len(dataset.vocab), folds=folds)
    said = fit.head.logits(features[valid]).argmax(axis=1)
    wrong = tuple(
        str(items[place].path) for place, answer in zip(valid, said, strict=True) if answer != targets[place]
    )
    return Judged(name, seed, len(valid), wrong)


if __name__ == "__main__":
    sys.exit(main())
