"""Folder to model against what people use otherwise: same photos, same splits, same backbone weights.

    make bench-train                (or: python tests/bench/bench_train.py [--sets bears,ants_bees] [--seeds 1,2])
    FULL=1 make bench-train         every set and seed that was not measured on this machine yet: hours

Each system runs in a process of its own, one after the other, timed from its start to its end. Ours begins with an
empty feature cache, writes the model file and tries it in a fresh process; the others only train and judge. The
peers: fastai's `fine_tune(4)` as in the book, fastai with the trunk frozen for one epoch, and a plain probe of timm
and scikit-learn. Every run becomes a row of docs/benchmarks.json; docs/benchmarks.md and its picture are made of all
rows (report.py), so that a long measurement can be taken up again. `make bench-data` fetches the photos.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench_data import find_set
from peers import fastai_python, needs_fastai
from report import write_report
from rows import Row, done, load_rows, plain, save_rows
from systems import OURS, OURS_TUNED, run, write_split

FULL = bool(os.environ.get("FULL"))
SETS = ("bears", "pizza_steak_sushi", "ants_bees", "sign_digits")
SEEDS = (1, 2, 3, 4, 5)
SYSTEMS = (OURS, "timm + scikit-learn", "fastai frozen", "fastai fine_tune(4)", OURS_TUNED)


def main(systems: Sequence[str] = SYSTEMS, *, sets: str = ",".join(SETS if FULL else SETS[:1])) -> int:
    """Measure what was asked for, keep every row, write the report."""
    chosen = _arguments(systems, sets)
    systems = chosen.systems.split(",")
    if fastai_python() is None and any(map(needs_fastai, systems)):
        print("fastai: skipped: not installed. Name an interpreter that has it in FASTAI_PYTHON.")
        systems = [system for system in systems if not needs_fastai(system)]
    for name in chosen.sets.split(","):
        photos = find_set(name)
        if photos is None:
            print(f"{name}: skipped: its photos are not here. `make bench-data` fetches them.")
            continue
        for seed in map(int, chosen.seeds.split(",")):
            measure(systems, photos, seed, again=chosen.again)
    rows = load_rows()
    print(write_report(rows) if rows else "Nothing was measured.")
    return 0


def measure(systems: Sequence[str], photos: Path, seed: int, *, again: bool) -> list[Row]:
    """Run the systems on one split; each row is kept as soon as it is there."""
    made: list[Row] = []
    wanted = [s for s in systems if again or not done(load_rows(), s, photos.name, seed)]
    if not wanted:
        return made
    with tempfile.TemporaryDirectory() as folder:
        split = write_split(photos, Path(folder), seed)
        for system in wanted:
            made.append(run(system, photos, split, Path(folder), seed))
            save_rows([*load_rows(), made[-1]])
            print(plain(made[-1]), flush=True)
    return made


def _arguments(systems: Sequence[str], sets: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sets", default=sets, help=f"of: sample, {', '.join(SETS)}")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS if FULL else SEEDS[:1])))
    parser.add_argument("--systems", default=",".join(systems), help=f"of: {', '.join(SYSTEMS)}")
    parser.add_argument(
        "--again",
        action="store_true",
        default=not FULL,
        help="measure also what was measured here before; the default without FULL=1",
    )
    parser.add_argument("--missing", dest="again", action="store_false", help="only what was not")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
