"""Fine-tune: train the trunk as well as the head, in minutes, where frozen features are not enough.

The fastai book's recipe with its numbers (schedule.py, batchaugment.py, tuner.py), started from a fitted
learner, so that it begins where `fit` ended. After each epoch the held-out photos are judged through the graph
that would be served, not through torch, and a checkpoint is written; the best epoch is kept, and that may be
the fit itself. What comes out is a learner: it is judged and exported like any other.

Importing this needs no torch; fine-tuning does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fieldmark.callbacks import Callback, silent
from fieldmark.errors import FieldmarkError, NotTrainedError, StoreError
from fieldmark.finetuning.allocation import freed_memory_kept
from fieldmark.finetuning.finetuned import EpochResult, FineTuned
from fieldmark.finetuning.finetunerun import FineTuneRun
from fieldmark.finetuning.schedule import FineTuneConfig
from fieldmark.learner import Learner

__all__ = ["EpochResult", "FineTuneConfig", "FineTuned", "best_so_far", "fine_tune", "is_running"]


def fine_tune(
    learner: Learner,
    config: FineTuneConfig | None = None,
    *,
    workdir: str | Path,
    callback: Callback = silent,
    resume: bool = True,
) -> FineTuned:
    """Train trunk and head of a fitted learner, for photos that frozen features cannot tell apart.

    Args:
        workdir: keeps pixels and the checkpoint; with the same folder a killed run goes on at its last epoch.
        resume: False starts again, whatever lies there.
    Raises:
        NotTrainedError: the learner was not fitted.
        FieldmarkError: `out_of_memory`, even with the smallest chunks; `busy`: another process trains there.
        StoreError: `workdir` cannot be written, or its checkpoint is damaged.
        Cancelled: the callback asked to stop; `best_so_far` gives the best epoch, calling again goes on.
    """
    run = FineTuneRun(learner, config or FineTuneConfig(), Path(workdir), callback)
    with _alone(Path(workdir)), freed_memory_kept(), closing(run):
        if not (resume and run.take_up()):
            run.begin()
        while not run.is_over:
            run.epoch()
        return run.result()


def best_so_far(
    learner: Learner,
    config: FineTuneConfig | None = None,
    *,
    workdir: str | Path,
    callback: Callback = silent,
) -> FineTuned:
    """Give the best epoch of a run that was cancelled or killed, without going on.

    Raises:
        NotTrainedError: nothing of such a run lies in `workdir`.
    """
    run = FineTuneRun(learner, config or FineTuneConfig(), Path(workdir), callback)
    if not run.take_up():
        raise NotTrainedError("There is no epoch of this fine-tuning yet. Start it first.")
    with suppress(FieldmarkError), _alone(Path(workdir)):  # where it goes on elsewhere, that is not over
        run.close()
    return run.result()


def is_running(workdir: str | Path) -> bool:
    """Whether a fine-tuning is under way in the folder, in this process or another."""
    if not Path(workdir).is_dir():
        return False
    lock = FileLock(Path(workdir) / "lock")
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError) as exc:
        return isinstance(exc, Timeout)
    lock.release()
    return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep every other process out of the folder; the lock of a process that was killed is gone with it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock").acquire(timeout=0)
    except Timeout as exc:
        raise FieldmarkError(
            f"Another fine-tuning is running in {str(folder)!r}. Wait for it, or choose another folder.",
            code="busy",
        ) from exc
    except OSError as exc:
        raise StoreError(
            f"{str(folder)!r} cannot be written: {exc.strerror}. Choose another folder.", code="cannot_save"
        ) from exc
    with lock:
        yield
