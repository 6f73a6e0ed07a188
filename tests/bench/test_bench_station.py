"""The station under kills and faults, in short; `make bench-station` has the long versions."""

from __future__ import annotations

from pathlib import Path

from stationbench.faults import day
from stationbench.kills import kill


def test_nothing_is_lost_or_doubled_when_the_worker_is_killed_again_and_again(tmp_path: Path) -> None:
    kill(tmp_path, 9)


def test_every_fault_of_a_bad_day_is_on_the_wall_and_passes_without_a_restart(tmp_path: Path) -> None:
    day(tmp_path)
