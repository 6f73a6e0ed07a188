"""Killed while applying 500 decisions, a hundred times: nothing lost or half moved, undo byte for byte."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter

PHOTOS = 500
TIMES = 100 if not os.environ.get("QUICK") else 10


def run(_shared: Path, work: Path) -> bool:
    """Kill and look; the test that CI runs a few times."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from core.catalog.test_journal import kill_many_times

    started = perf_counter()
    half_done = kill_many_times(work / "set", photos=PHOTOS, times=TIMES, longest_s=0.25)
    print(
        f"killed {TIMES} times while applying {PHOTOS} decisions, {half_done} times in the middle of it: every file "
        f"whole and in its place, undone byte for byte ({perf_counter() - started:.0f} s)"
    )
    return half_done > 0
