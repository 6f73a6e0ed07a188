"""Fitting and answering, against its targets: time, memory, calibration.

    make bench-fit                              (or: python tests/bench/bench_fit.py [SECTION…]; FULL=1: every set)

Each target is said with its figure and "met" or "missed". Times are medians; whole processes where it says so. The
photos are those of ../shared/data, where they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt
from bench_spine import fieldmark as command
from bytecode import as_installed
from prepared import set_up

from fieldmark.cachefolder import CACHE_VARIABLE
from fieldmark.dataset import Dataset, Item, read_dataset
from fieldmark.errors import BadImageError
from fieldmark.features import feature_cache, trusted_precision
from fieldmark.fitting import head
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.loading import load_squares
from fieldmark.learner import Learner
from fieldmark.models.engine import BATCH_SIZE, native_precision
from fieldmark.predictor import Predictor
from fieldmark.sources.scan import list_photos
from fieldmark.splits import Split, make_splits

DATA = Path(__file__).parents[3] / "shared" / "data"
SETS = ("bears", "pizza_steak_sushi", "ants_bees", "sign_digits") if os.environ.get("FULL") else ("bears",)
Floats = npt.NDArray[np.float64]

FRESH = """
import sys, time
start = time.perf_counter()
from fieldmark.predictor import Predictor
Predictor.load(sys.argv[1]).predict([sys.argv[2]])
seconds = time.perf_counter() - start
from pathlib import Path
lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
print(seconds, next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024)
"""
CLASSES = """
import resource, sys, time
from pathlib import Path
import numpy as np
from fieldmark.backbones import load_backbone
from fieldmark.dataset import Dataset, Item
from fieldmark.features import feature_cache, trusted_precision
from fieldmark.learner import Learner
from fieldmark.splits import Split
from fieldmark.fitting.trainconfig import TrainConfig
rng, config, backbone = np.random.default_rng(0), TrainConfig(), load_backbone()
classes, each = 1000, 6
centres = rng.gamma(0.5, 1.0, (classes, backbone.arch.dim))
rows = np.concatenate([np.maximum(0, centres + rng.normal(0, 1.2, centres.shape)) for _ in range(each)])
items = tuple(
    Item(Path(f"{i}.png"), f"class {i % classes:04}", f"{i:064x}") for i in range(classes * each)
)
cache = feature_cache(backbone, config.rule, trusted_precision(backbone, config.rule))
cache.add([item.hash for item in items], rows.astype(np.float32))
dataset = Dataset(Path("many"), items, tuple(sorted({item.label for item in items})))
n = classes * (each - 1)
learner, start = Learner(dataset, Split(tuple(range(n)), tuple(range(n, len(items))))), time.perf_counter()
learner.fit()
fitted = time.perf_counter()
learner.export(sys.argv[1])
right = (learner.oof_probs.argmax(axis=1) == np.arange(n) % classes).mean()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(fitted - start, time.perf_counter() - fitted, peak, right)
"""
EXTRACT = """
import resource, sys, time
from pathlib import Path
from fieldmark.backbones import load_backbone
from fieldmark.features import extract
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.resize import ResizeRule
from fieldmark.sources.scan import list_photos
paths = list_photos(Path(sys.argv[1]))[:: int(sys.argv[2])]
hashes, backbone = [file_hash(path) for path in paths], load_backbone()
start = time.perf_counter()
found = extract(paths, hashes, backbone=backbone, rule=ResizeRule())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - found.features.nbytes / 2**20
print(len(found.kept), time.perf_counter() - start, peak)
"""


def main() -> int:
    """Measure and print."""
    sections: dict[str, Callable[[Path], None]] = {
        "train": folder_to_model, "one": one_photo, "folder": folder_of_photos, "refit": refit_at_5000,
        "fresh": fresh_process, "scale": ten_times_the_photos, "ece": calibration,
        "few": few_photos,
        "classes": thousand_classes,
    }  # fmt: skip
    if not DATA.is_dir():
        print(f"Skipped: there are no photos in {DATA}.")
        return 0
    print(f"{os.cpu_count()} cores, {native_precision()}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder, "prepared"))
        for name in sys.argv[1:] or sections:
            sections[name](Path(folder))
    return 0


def say(target: str, met: bool, figure: str) -> None:
    """One line a target."""
    print(f"{'met   ' if met else 'MISSED'} {target}: {figure}", flush=True)


def folder_to_model(work: Path) -> None:
    """Whole processes of `fieldmark train`, nothing cached but the prepared backbone."""
    for name in SETS:
        times = []
        for run in range(3):
            cache = work / f"{name}-{run}"
            shutil.copytree(work / "prepared", cache)
            seconds, said = command(
                "train", str(DATA / name), "--out", str(work / f"{name}.onnx"), "--json", cache=cache
            )
            times.append(seconds)
        parts = {step: value for step, value in said["seconds"].items() if value > 0.05}
        say(f"{name}, folder to model in 3 s", median(times) <= 3, f"{median(times):.2f} s; last run {parts}")


def model_of(work: Path, name: str = "bears") -> Path:
    """A model of a set, made where the section before has not."""
    path = work / f"{name}.onnx"
    if not path.exists():
        fitted(name).export(path)
    return path


def fitted(name: str, seed: int = 1) -> Learner:
    """A learner of a set, its split drawn, or as its folders say."""
    dataset = read_dataset(DATA / name)
    return Learner(dataset, make_splits(dataset.items, seed=seed), TrainConfig(seed=seed)).fit()


def one_photo(work: Path) -> None:
    """From the path of a photo to its answer, in a process that has the model."""
    predictor, paths = Predictor.load(model_of(work)), list_photos(DATA / "bears")[:60]
    times = [timed(lambda p=path: predictor.predict([p])) for path in paths]  # type: ignore[misc]
    say("one photo ≥ 10 × faster than 28 ms", median(times) <= 0.0028, f"{1000 * median(times):.1f} ms")


def folder_of_photos(work: Path) -> None:
    """Against 1 / (1 / decode + 1 / forward), each alone on all cores, in the same minute."""
    predictor, paths = Predictor.load(model_of(work)), list_photos(DATA / "bears")
    squares = [s for s in load_squares(paths, predictor.info.rule) if not isinstance(s, BadImageError)]
    batches = [np.stack(squares[i : i + BATCH_SIZE]) for i in range(0, len(squares), BATCH_SIZE)]
    predictor.predict(paths[:16])
    shares, rates = [], []
    for _ in range(3):
        decode = timed(lambda: list(load_squares(paths, predictor.info.rule)))
        forward = timed(lambda: list(predictor._engine(BATCH_SIZE).result().stream(batches)))
        both = timed(lambda: list(predictor.stream(paths)))
        shares.append((decode + forward) / both)
        rates.append(len(paths) / both)
    say("folder at ≥ 85 % of the limit", median(shares) >= 0.85, f"{100 * median(shares):.0f} %")
    print(f"       {median(rates):.0f} photos a second")


def refit_at_5000(work: Path) -> None:
    """Features of hands, and copies of them with a little noise, as if 5,000 photos had been looked at."""
    base = fitted("sign_digits")
    rows, items = base._done.material.features, base.train_items
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(items), size=5000)
    jitter = rng.normal(size=(5000, rows.shape[1])).astype(np.float32) * rows.std(axis=0) / 2
    faked = tuple(Item(Path(f"{i}.png"), items[k].label, f"{i:064x}") for i, k in enumerate(drawn))
    dataset = Dataset(work, faked, base.vocab)
    with_cache(work / "faked")
    backbone, rule = base._done.backbone, base.config.rule
    cache = feature_cache(backbone, rule, trusted_precision(backbone, rule))
    cache.add([i.hash for i in faked], rows[drawn] + jitter)
    learner = Learner(dataset, make_splits(faked), base.config)
    whole = timed(learner.fit)
    times = [timed(lambda c=c: learner.refit({faked[c].hash: "0"})) for c in (1, 2, 3)]  # type: ignore[misc]
    say(
        "refit at 5,000 photos ≤ 1 s",
        median(times) <= 1,
        f"{median(times):.2f} s; the fit before {whole:.1f} s",
    )


def with_cache(folder: Path) -> None:
    """From here on, this process caches there, as on a machine that was just set up."""
    os.environ[CACHE_VARIABLE] = str(set_up(folder))


def thousand_classes(work: Path) -> None:
    """5 photos of each of 1,000 classes: made-up features around a centre each, fitted and saved; one process."""
    said = python(CLASSES, str(work / "many.onnx"), cache=work / "prepared")
    fit_s, export_s, peak, right = map(float, said.split())
    size = (work / "many.onnx").stat().st_size / 1e6
    say("1,000 classes, 5,000 photos: model file ≤ 30 MB", size <= 30, f"{size:.1f} MB")
    answer_ms = 1000 * timed(
        lambda: Predictor.load(work / "many.onnx").predict(list_photos(DATA / "bears")[:1])
    )
    print(
        f"       fit {fit_s:.0f} s, export {export_s:.0f} s, {peak:.0f} MiB at the highest, {100 * right:.0f} % right "
        f"out of fold; loaded and first answer {answer_ms:.0f} ms"
    )


def fresh_process(work: Path) -> None:
    """Import, load, first answer."""
    photo, runs = list_photos(DATA / "bears")[0], []
    for _ in range(5):
        said = python(FRESH, str(model_of(work)), str(photo))
        runs.append(tuple(map(float, said.split())))
    seconds, mib = median(r[0] for r in runs), median(r[1] for r in runs)
    say("fresh process ≤ 0.8 s", seconds <= 0.8, f"{seconds:.2f} s")
    say("fresh process ≤ 180 MB", mib <= 180, f"{mib:.0f} MiB (PSS)")


def ten_times_the_photos(work: Path) -> None:
    """Features of a tenth of the hands and of all of them; memory beyond the matrix itself."""
    found = []
    for step in (10, 1):
        shutil.copytree(work / "prepared", work / f"scale-{step}")
        said = python(EXTRACT, str(DATA / "sign_digits"), str(step), cache=work / f"scale-{step}")
        found.append(tuple(map(float, said.split())))
    (n, seconds, peak), (more, longer, higher) = found
    say(
        "10 × the photos ≤ 10 × the time",
        longer / seconds <= more / n,
        f"{more / n:.1f} ×: {longer / seconds:.1f} ×",
    )
    say("memory flat (± 50 MB)", abs(higher - peak) <= 50, f"{peak:.0f} and {higher:.0f} MiB at the highest")


def python(code: str, *arguments: str, cache: Path | None = None) -> str:
    """Run in a process of its own."""
    environment = {**as_installed(), **({CACHE_VARIABLE: str(cache)} if cache else {})}
    return subprocess.check_output([sys.executable, "-c", code, *arguments], text=True, env=environment)


def calibration(work: Path) -> None:
    """Of hands, out of fold: 15 bins of equal mass; the interval from 200 draws of the photos."""
    learner = fitted("sign_digits")
    right = np.array([learner.vocab[k] for k in learner.oof_probs.argmax(axis=1)])
    hits = (right == [item.label for item in learner.train_items]).astype(float)
    top, rng = learner.oof_probs.max(axis=1).astype(float), np.random.default_rng(0)
    draws = (rng.integers(len(top), size=len(top)) for _ in range(200))
    low, high = np.quantile([ece(top[d], hits[d]) for d in draws], [0.025, 0.975])
    say(
        "ECE of hands ≤ .03",
        ece(top, hits) <= 0.03,
        f"{ece(top, hits):.4f} (95 % {low:.3f}–{high:.3f}), n {len(top)}",
    )


def few_photos(work: Path) -> None:
    """Log loss on all photos but five a class, eight draws: with the temperature's prior, and without."""
    for name in ("bears", "pizza_steak_sushi", "ants_bees"):
        dataset, prior, losses = read_dataset(DATA / name), head.TEMPERATURE_SPREAD, dict[float, float]()
        for spread in (np.inf, prior):  # ends as it was
            head.TEMPERATURE_SPREAD = spread
            losses[spread] = float(
                np.mean([five_a_class(dataset, seed).valid.mean_loss for seed in range(8)])
            )
        plain, ours = losses[np.inf], losses[prior]
        say(
            f"{name}, 5 photos a class: no more log loss than without prior",
            ours <= plain,
            f"{ours:.3f}, {plain:.3f}",
        )


def five_a_class(dataset: Dataset, seed: int) -> Learner:
    """Fitted on five photos of each class, judged by all others."""
    dice, items = np.random.default_rng(seed), dataset.items
    order = [int(place) for place in dice.permutation(len(items))]
    train = {p for k in dataset.vocab for p in [p for p in order if items[p].label == k][:5]}
    valid = tuple(place for place in range(len(items)) if place not in train)
    return Learner(dataset, Split(tuple(sorted(train)), valid), TrainConfig(seed=seed)).fit()


def ece(top: Floats, hits: Floats) -> float:
    """Expected calibration error."""
    bins = np.array_split(np.argsort(top), 15)
    return float(sum(len(b) * abs(top[b].mean() - hits[b].mean()) for b in bins) / len(top))


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
