"""A dataset of many photos: how long it takes to open, list, count and change, and how fast photos come in.

    make bench-catalog                          (or: python tests/bench/bench_catalog.py PHOTOS)

The catalog has 100,000 rows (its files are only listed, so none is there); the goal is to open and list it in
under 2 s. PHOTOS is a folder with a folder per class, for importing; without it the bears of ../shared/data
are taken, where they are. Every figure is the median of five.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from fieldmark.catalog import Catalog, decisions
from fieldmark.catalog.schema import Database
from fieldmark.importing import import_photos

ROWS = 100_000
CLASSES = 20
RUNS = 5
GOAL_S = 2.0
BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"

LIST = """
import sys
from time import perf_counter
started = perf_counter()
from fieldmark.catalog import Catalog
imported = perf_counter()
catalog = Catalog.open(sys.argv[1])
photos, counts = catalog.photos(), catalog.counts()
assert len(photos) == sum(counts.values()) == int(sys.argv[2])
print(perf_counter() - imported)
"""


def main() -> int:
    """Measure and print; 1 when the goal was missed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "set")
        fill(root)
        whole = measure_listing(root)
        measure_work(Catalog.open(root))
        measure_import(Path(sys.argv[1]) if len(sys.argv) > 1 else BEARS, Path(folder))
    print(f"goal of {GOAL_S:g} s to open and list {ROWS:,} photos: {'met' if whole < GOAL_S else 'MISSED'}")
    return 0 if whole < GOAL_S else 1


def fill(root: Path) -> None:
    """Write the rows of 100,000 photos."""
    Catalog.create(root)
    names = [f"class-{number:02}" for number in range(CLASSES)]
    with Database(root).writing() as connection:
        connection.executemany(
            "INSERT INTO label (name, folder) VALUES (?, ?)", zip(names, names, strict=True)
        )
        connection.executemany(
            """INSERT INTO photo (sha256, path, path_key, label_id, original_name, source, captured, split, width,
                   height, status, added_at)
               VALUES (?, ?, ?, ?, ?, 'bench', '2024-05-03T04:05:06', ?, 4000, 3000, 'present', '2024-05-04')""",
            map(row, range(ROWS)),
        )


def row(number: int) -> tuple[object, ...]:
    """One photo."""
    path = f"images/class-{number % CLASSES:02}/IMG_{number:06}.jpg"
    split = "valid" if number % 5 == 0 else "train"
    return f"{number:064x}", path, path.casefold(), number % CLASSES + 1, f"walk/IMG_{number:06}.jpg", split


def measure_listing(root: Path) -> float:
    """Open and list in processes of their own; the median seconds."""
    command = [sys.executable, "-c", LIST, str(root), str(ROWS)]
    times = []
    for _ in range(RUNS):
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
        times.append(float(done.stdout))
    print(f"open + photos() + counts() of {ROWS:,} photos: {median(times):.2f} s, worst {max(times):.2f} s")
    return median(times)


def measure_work(catalog: Catalog) -> None:
    """What somebody does while looking."""
    report("photos() of one class", lambda: catalog.photos(label="class-07"))
    report("counts()", catalog.counts)
    report("one photo", lambda: catalog.photo(ROWS // 2))
    report("note one decision", lambda: catalog.stage(ROWS // 2, decisions.keep, who="bench"))
    some = range(1, 1001)
    report("set the split of 1,000 photos", lambda: catalog.set_split(some, "test", who="bench"))
    report("undo it", lambda: catalog.undo(who="bench"))


def measure_import(photos: Path, work: Path) -> None:
    """Photos a second, decoded, hashed and copied; then again, when all are there already."""
    if not photos.is_dir():
        print(f"import: skipped, there are no photos in {photos}.")
        return
    first = [import_photos(photos, work / f"new-{run}", who="bench") for run in range(RUNS)]
    again = [import_photos(photos, work / f"new-{run}", who="bench") for run in range(RUNS)]
    n = first[0].added
    print(f"import of {n} photos: {n / median(r.seconds for r in first):.0f} photos/s")
    print(f"import of the same {n} again: {n / median(r.seconds for r in again):.0f} photos/s")


def report(what: str, work: Callable[[], object]) -> None:
    """Print how long something takes."""
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    print(f"{what}: {1000 * median(times):.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
