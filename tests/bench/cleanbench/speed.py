"""How long somebody waits: a decision on disk, and the list ranked anew."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from fieldmark.catalog import Catalog, decisions
from fieldmark.catalog.planning import NewPhoto
from fieldmark.fitting.leaveout import LeaveOut
from fieldmark.imaging.hashing import file_hash
from fieldmark.issues.labelerrors import find_label_errors

PHOTOS, DECISIONS, GOAL_MS = 5000, 500, 20.0
CLASSES, DIM, RUNS, GOAL_S = 10, 1280, 5, 1.0


def run(_shared: Path, work: Path) -> bool:
    """Measure and print; whether the goals were met."""
    return staged(work) & ranked()


def staged(work: Path) -> bool:
    """From a decision to its row on disk, synchronised."""
    catalog = Catalog.create(work / "set")
    photos = []
    for number in range(DECISIONS):
        file = catalog.incoming / f"{number}.jpg"
        file.write_bytes(f"photo {number}".encode())
        photos.append(NewPhoto(file, file_hash(file), f"class {number % CLASSES}", file.name, 4, 3))
    catalog.add(photos, who="bench", why="bench")
    times = []
    for photo_id in range(1, DECISIONS + 1):
        started = perf_counter()
        catalog.stage(photo_id, decisions.delete, who="bench")
        times.append(1000 * (perf_counter() - started))
    p95 = float(np.percentile(times, 95))
    print(f"decision → staged: median {median(times):.1f} ms, p95 {p95:.1f} ms, of {DECISIONS}")
    return p95 <= GOAL_MS


def ranked() -> bool:
    """From changed labels to a new ranking of 5,000 photos."""
    dice = np.random.default_rng(0)
    targets = dice.integers(0, CLASSES, PHOTOS)
    features = dice.standard_normal((PHOTOS, DIM), dtype=np.float32)
    features[np.arange(PHOTOS), targets] += 3
    started = perf_counter()
    judge = LeaveOut(features, np.arange(PHOTOS))
    penalty = judge.opinion(targets, CLASSES).penalty
    first = perf_counter() - started
    times = []
    for run in range(RUNS):
        targets[run] = (targets[run] + 1) % CLASSES
        started = perf_counter()
        find_label_errors(judge.opinion(targets, CLASSES, penalty=penalty).probs, targets)
        times.append(perf_counter() - started)
    print(
        f"{PHOTOS:,} photos ranked: first {first:.2f} s, after a decision {median(times):.2f} s (median of {RUNS})"
    )
    return median(times) <= GOAL_S
