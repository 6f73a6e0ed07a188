"""Fine-tunings of the command line: what is kept of those that were stopped, for how long, and what is said."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from fieldmark.finetuning.sofar import SoFar
from fieldmark.tuningruns import KEPT_DAYS, KEPT_NEWEST, say_stopped, sweep


def abandon(root: Path, name: str, *, days_ago: float) -> Path:
    """A run that was stopped so long ago."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "fine-tune.safetensors").write_bytes(b"weights")
    (folder / "pixels.u8").write_bytes(b"pixels")
    moment = time.time() - days_ago * 24 * 3600
    os.utime(folder, (moment, moment))
    return folder


def test_runs_that_nobody_went_on_with_go_after_some_weeks(tmp_path: Path) -> None:
    old, new = (abandon(tmp_path, f"{days}", days_ago=days) for days in (KEPT_DAYS + 1, KEPT_DAYS - 1))
    sweep(tmp_path, but=tmp_path / "mine")
    assert (old.exists(), new.exists()) == (False, True)


def test_or_when_there_are_a_few_newer_ones(tmp_path: Path) -> None:
    runs = [abandon(tmp_path, f"{days}", days_ago=days) for days in range(KEPT_NEWEST + 2)]
    sweep(tmp_path, but=tmp_path / "mine")
    assert [run.exists() for run in runs] == [True] * KEPT_NEWEST + [False] * 2


def test_one_that_is_under_way_and_the_one_to_go_on_with_stay_however_old(tmp_path: Path) -> None:
    running, mine = (abandon(tmp_path, name, days_ago=99) for name in ("running", "mine"))
    with FileLock(running / "lock"):
        os.utime(running, (0, 0))
        sweep(tmp_path, but=mine)
    assert (running / "fine-tune.safetensors").exists()
    assert (mine / "fine-tune.safetensors").exists()


@pytest.mark.parametrize(
    ("so_far", "words"),
    [
        (None, "before the first epoch was done"),
        (SoFar(0, 0, 5), "before the first epoch was done"),
        (
            SoFar(2, 0, 5),
            "after epoch 2 of 5. The same command goes on from there; no epoch is better than the fit yet.",
        ),
        (SoFar(3, 2, 5), "with --take-best it saves the best so far, the weights after epoch 2."),
    ],
)
def test_ctrl_c_is_answered_with_how_to_go_on_and_what_there_is_to_take(
    so_far: SoFar | None, words: str
) -> None:
    assert words in say_stopped(so_far)
