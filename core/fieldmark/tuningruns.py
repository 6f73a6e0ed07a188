"""Tuning runs: fine-tunings of the command line, each in a folder of the cache named by all that decides how it goes."""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fieldmark.cachefolder import cache_folder
from fieldmark.callbacks import Callback
from fieldmark.errors import Cancelled
from fieldmark.finetune import FineTuneConfig, FineTuned, best_so_far, fine_tune
from fieldmark.finetuning.sofar import SoFar, read_so_far
from fieldmark.learner import Learner

FOLDER = "fine-tune"
KEPT_NEWEST, KEPT_DAYS = 3, 21
"""Runs that were stopped and not gone on with are kept up to this many, and this long."""


def run_folder(learner: Learner, tuning: FineTuneConfig) -> Path:
    """Where a fine-tuning keeps what it goes on from; only the same one is gone on with."""
    sides = [
        [learner.dataset.items[p].hash for p in side] for side in (learner.split.train, learner.split.valid)
    ]
    labels = [item.label for item in learner.dataset.items]
    parts = repr((sides, labels, learner.config, tuning))
    return cache_folder(FOLDER, hashlib.sha256(parts.encode()).hexdigest()[:16])


def run_tuning(
    learner: Learner, tuning: FineTuneConfig, workdir: Path, *, take_best: bool, callback: Callback
) -> FineTuned:
    """Fine-tune a fitted learner, going on where the same run was stopped.

    Args:
        take_best: do not go on, give the best epoch that there is.
    Raises:
        Cancelled: stopped, also by Ctrl-C; says how to go on, and how to take what there is.
        NotTrainedError: there is no epoch to take.
        FieldmarkError, StoreError: as `fine_tune`.
    """
    sweep(workdir.parent, but=workdir)
    if take_best:
        return best_so_far(learner, tuning, workdir=workdir, callback=callback)
    try:
        return fine_tune(learner, tuning, workdir=workdir, callback=callback)
    except (KeyboardInterrupt, Cancelled) as exc:
        raise Cancelled(say_stopped(read_so_far(workdir))) from exc


def say_stopped(so_far: SoFar | None) -> str:
    """Say how to go on with a run that was stopped, and how to take the best of it."""
    if so_far is None or not so_far.done:
        return "Stopped before the first epoch was done. The same command starts again."
    said = f"Stopped after epoch {so_far.done} of {so_far.epochs}. The same command goes on from there"
    if not so_far.best:
        return f"{said}; no epoch is better than the fit yet."
    return f"{said}; with --take-best it saves the best so far, the weights after epoch {so_far.best}."


def sweep(root: Path, *, but: Path) -> None:
    """Remove runs that nobody went on with; never one that is under way."""
    others = sorted((folder for folder in root.iterdir() if folder.is_dir() and folder != but), key=_age_s)
    for place, folder in enumerate(others):
        if place >= KEPT_NEWEST or _age_s(folder) > KEPT_DAYS * 24 * 3600:
            with suppress(Timeout, OSError), FileLock(folder / "lock").acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


def _age_s(folder: Path) -> float:
    """Seconds since the last epoch, or since it began."""
    with suppress(OSError):  # another process has just removed it
        return time.time() - folder.stat().st_mtime
    return 0.0
