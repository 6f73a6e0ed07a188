"""Does the backbone in 8 bits make more errors than in float32, and how much faster are answers?

    make bench-int8                      (or: python tests/bench/bench_int8.py errors | speed [SET…])

Errors: the same sets, splits and head as a fit, on the features of either; paired photo by photo over five splits, with
the interval of the difference. Speed: `predict` of one folder by a model of either, in turns, after its start, and the
network alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
from bench_data import find_set
from bench_depths import Judged, judge
from pairs import paired

from fieldmark.backbones import EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_8BIT, load_backbone
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.features import Features, extract, feature_engine
from fieldmark.fitting.trainconfig import FIT_SIZE_PX, TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.models.engine import BATCH_SIZE
from fieldmark.predictor import Predictor
from fieldmark.splits import make_splits

FLOATS, BYTES = EFFICIENTNET_LITE0.name, EFFICIENTNET_LITE0_8BIT.name
SETS = (
    "bears",
    "pizza_steak_sushi",
    "ants_bees",
    "sign_digits",
    "camtrap_ena24",
    "camtrap_borneo",
    "camtrap_varanger",
)
SEEDS = (1, 2, 3, 4, 5)
TURNS, PHOTOS, BATCHES = 5, 200, 25


def main() -> int:
    """Measure and print."""
    parts = {"errors": errors, "speed": speed}
    named = [argument for argument in sys.argv[1:] if argument in parts] or list(parts)
    sets = [argument for argument in sys.argv[1:] if argument not in parts]
    for part in named:
        parts[part](sets)
    return 0


def errors(sets: list[str]) -> None:
    """Print the errors on held-out photos, set by set and in all."""
    judged: dict[str, list[Judged]] = {FLOATS: [], BYTES: []}
    for name in sets or SETS:
        folder = find_set(name)
        if folder is None:
            print(f"{name}: skipped, it is not here")
            continue
        dataset = read_dataset(folder)
        found = {arch: features_of(dataset, arch) for arch in judged}
        own = {
            arch: [judge(name, whole, rows, seed) for seed in SEEDS] for arch, (whole, rows) in found.items()
        }
        likeness = cosines(found[FLOATS][1], found[BYTES][1])
        say(
            f"{name} (features' cosine {likeness.mean():.4f}, lowest {likeness.min():.4f})",
            own[FLOATS],
            own[BYTES],
        )
        for arch, rows in own.items():
            judged[arch] += rows
    say("all", judged[FLOATS], judged[BYTES])


def say(name: str, floats: list[Judged], whole: list[Judged]) -> None:
    """Print one line: errors of either, and the difference with its interval."""
    pair = paired(whole, floats)  # type: ignore[arg-type]
    if pair is None:
        return
    low, high = (100 * edge for edge in pair.interval)
    wrong = [sum(len(row.wrong) for row in rows) for rows in (floats, whole)]
    print(
        f"{name}: of {pair.n} float32 {wrong[0]} wrong, 8 bits {wrong[1]}: {100 * pair.difference:+.2f} points "
        f"(95 % {low:+.2f} to {high:+.2f})",
        flush=True,
    )


def features_of(dataset: Dataset, arch: str) -> tuple[Dataset, Features]:
    """The photos that can be read, and their features as a fit takes them."""
    items = dataset.items
    found = extract(
        [item.path for item in items],
        [item.hash for item in items],
        backbone=load_backbone(arch),
        rule=ResizeRule(FIT_SIZE_PX),
    )
    readable = tuple(items[place] for place in found.kept)
    return Dataset(root=dataset.root, items=readable, vocab=dataset.vocab), found.features


def cosines(one: Features, two: Features) -> Features:
    """Of each photo's two features."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    return np.asarray((one * two).sum(axis=1) / lengths, np.float32)


def speed(sets: list[str]) -> None:
    """Print photos a second of `predict` and of the network, in turns."""
    folder = find_set((sets or ["bears"])[0]) or find_set("sample")
    assert folder is not None  # the sample is always at hand
    dataset = read_dataset(folder)
    paths = [item.path for item in dataset.items[:: max(1, len(dataset.items) // PHOTOS)]]
    split = make_splits(dataset.items, seed=1)
    rule, rng = ResizeRule(FIT_SIZE_PX), np.random.default_rng(0)
    batch = rng.integers(0, 256, (BATCH_SIZE, rule.size_px, rule.size_px, 3), np.uint8)
    models, engines = {}, {}
    with tempfile.TemporaryDirectory() as work:
        for arch in (FLOATS, BYTES):
            path = Path(work, f"{arch}.onnx")
            Learner(dataset, split, TrainConfig(arch=arch)).fit().export(path)
            models[arch], engines[arch] = Predictor.load(path), feature_engine(load_backbone(arch), rule)
            models[arch].predict(paths[:32])
            print(f"{arch}: a file of {path.stat().st_size / 1e6:.1f} MB", flush=True)
    rates: dict[str, list[tuple[float, float, float]]] = {arch: [] for arch in models}
    for _ in range(TURNS):
        for arch, own in rates.items():
            start, busy = perf_counter(), process_time()
            models[arch].predict(paths)
            taken, used = perf_counter() - start, process_time() - busy
            start = perf_counter()
            for _ in engines[arch].stream([batch] * BATCHES):
                pass
            network = BATCHES * BATCH_SIZE / (perf_counter() - start)
            own.append((len(paths) / taken, 1000 * used / len(paths), network))
            print(f"  {arch}: {own[-1][0]:.0f} photos/s", flush=True)
    for arch, own in rates.items():
        predict, used, network = (median(column) for column in zip(*own, strict=True))
        print(
            f"{arch}: predict {predict:.0f} photos/s ({used:.1f} ms of CPU each), network alone {network:.0f}"
        )
    ratios = [whole[0] / floats[0] for whole, floats in zip(rates[BYTES], rates[FLOATS], strict=True)]
    print(f"predict in 8 bits: {median(ratios):.2f} × ({min(ratios):.2f}–{max(ratios):.2f}, {TURNS} turns)")


if __name__ == "__main__":
    sys.exit(main())
