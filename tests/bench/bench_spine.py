"""Folder to model file, and photos to answers: what the README says of speed and error.

    make bench-spine                            (or: python tests/bench/bench_spine.py PHOTOS)

Every figure is of whole processes of the command line, as a user would run them. PHOTOS is a folder with
a folder per class; without it the bears of ../shared/data are taken, where they are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bytecode import as_installed
from prepared import set_up

from fieldmark.stats import wilson

SEEDS = (1, 2, 3, 4, 5)
WITHOUT_BEARS = ("pizza_steak_sushi", "ants_bees")
BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"


def main() -> int:
    """Measure and print."""
    photos = Path(sys.argv[1]) if len(sys.argv) > 1 else BEARS
    if not photos.is_dir():
        print(f"Skipped: there are no photos in {photos}.")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        set_up(work / "prepared", demo=work / "demo.onnx")
        measure_training(photos, work)
        measure_prediction(photos, work)
    return 0


def measure_training(photos: Path, work: Path) -> None:
    """Train with each seed, from a cold and from a warm feature cache."""
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    wrong = n = 0
    for seed in SEEDS:
        cache = work / f"cache-{seed}"
        shutil.copytree(work / "prepared", cache)
        for state in times:
            out, seconds = train(photos, work / "model.onnx", seed, cache)
            times[state].append(seconds)
        wrong, n = wrong + out["n_wrong"], n + out["n_valid"]
    for state, values in times.items():
        print(
            f"train, {state} cache: median {median(values):.2f} s, worst {max(values):.2f} s of {len(values)}"
        )
    low, high = wilson(wrong, n)
    print(f"error: {wrong} of {n} pooled over {len(SEEDS)} seeds, {wrong / n:.2%} ({low:.1%} to {high:.1%})")


def measure_prediction(photos: Path, work: Path) -> None:
    """Photos a second after start-up: whole process on all photos less whole process on one."""
    cache, one = work / "cache-1", next(path for path in sorted(photos.rglob("*")) if path.is_file())
    model = str(work / "model.onnx")
    rates, demo = [], {}
    for _ in range(5):
        start, _ = fieldmark("predict", model, str(one), "--json", cache=cache)
        whole, out = fieldmark("predict", model, str(photos), "--json", cache=cache)
        rates.append((len(out["predictions"]) - 1) / (whole - start))
    print(
        f"predict: median {median(rates):.0f} photos/s of {len(rates)} runs, {len(out['predictions'])} photos"
    )
    _, demo = fieldmark("predict", str(work / "demo.onnx"), str(photos), "--json", cache=cache)
    if photos == BEARS:
        print(f"demo model, trained on none of these: {named_right(demo['predictions'])}")
        others = [str(photos.parent / name) for name in WITHOUT_BEARS]
        _, demo = fieldmark("predict", str(work / "demo.onnx"), *others, "--json", cache=cache)
        print(f"demo model, other pictures: {called_a_bear(demo['predictions'])}")


def named_right(predictions: list[dict[str, Any]]) -> str:
    """How often the demo model's label begins with the name of the photo's folder."""
    right = sum(p["label"].startswith(Path(p["path"]).parent.name) for p in predictions)
    low, high = wilson(right, len(predictions))
    return f"{right} of {len(predictions)} right ({low:.1%} to {high:.1%})"


def called_a_bear(predictions: list[dict[str, Any]]) -> str:
    """How often the demo model finds a bear where there is none."""
    read = [p for p in predictions if "label" in p]
    called = sum(p["label"] != "no bear" for p in read)
    low, high = wilson(called, len(read))
    return f"{called} of {len(read)} called a bear ({low:.1%} to {high:.1%})"


def train(photos: Path, out: Path, seed: int, cache: Path) -> tuple[dict[str, Any], float]:
    """Run `fieldmark train`; what it says, and the seconds of the whole process."""
    options = ("--out", str(out), "--valid-pct", "0.2", "--seed", str(seed), "--json")
    seconds, said = fieldmark("train", str(photos), *options, cache=cache)
    return said, seconds


def fieldmark(*arguments: str, cache: Path) -> tuple[float, dict[str, Any]]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "fieldmark", *arguments]
    environment = {**as_installed(), "FIELDMARK_CACHE": str(cache)}
    started = perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds = perf_counter() - started
    return seconds, json.loads(done.stdout) if "--json" in arguments else {}


if __name__ == "__main__":
    sys.exit(main())
