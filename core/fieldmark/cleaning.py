"""Cleaning: what is probably wrong with the photos of a fitted learner, worst first.

    learner = fit_folder("photos")          # or of a dataset: Project.open("bears").fitted()
    for issue in find_issues(learner):
        print(issue.score, issue.kind, issue.path, issue.sentence)

Nothing is changed here: somebody decides (`decisions`), and the catalog applies what was decided as one act.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import read_dataset
from fieldmark.issues.copies import copy_issues
from fieldmark.issues.doubts import label_issues, odd_issues
from fieldmark.issues.duplicates import near_duplicates_of
from fieldmark.issues.issue import KINDS, Issue, IssueKind
from fieldmark.issues.notphotos import not_photo_issues
from fieldmark.issues.poorphotos import poor_issues
from fieldmark.issues.suspects import Suspects, take_suspects
from fieldmark.learner import Learner
from fieldmark.splits import SplitConfig
from fieldmark.training import choose_split

__all__ = [
    "KINDS",
    "Issue",
    "IssueKind",
    "find_issues",
    "fit_folder",
]


def find_issues(
    learner: Learner, *, kinds: Collection[IssueKind] = KINDS, callback: Callback = silent
) -> list[Issue]:
    """List what is probably wrong with the photos that a learner was trained on and judged by.

    Args:
        learner: fitted; of a plain folder or of a dataset.
        kinds: what to look for.
    Returns:
        Worst first; a photo is listed once for each thing that is wrong with it.
    Raises:
        NotTrainedError: `fit` was not called.
        Cancelled: the callback asked to stop.
    """
    suspects = take_suspects(learner, callback)
    return _ranked(issue for issue in _all_issues(suspects, callback) if issue.kind in kinds)


def fit_folder(folder: str | Path, *, callback: Callback = silent) -> Learner:
    """Fit on a folder of photos or a dataset, which is only read.

    Raises:
        DatasetError: the folder cannot be used.
    """
    dataset = read_dataset(folder, callback=callback)
    groups = near_duplicates_of(dataset.items, callback=callback)
    split = choose_split(dataset, groups, SplitConfig())
    return Learner(dataset, split, groups=groups).fit(callback)


def _ranked(found: Iterable[Issue]) -> list[Issue]:
    return sorted(found, key=lambda issue: (-issue.score, issue.path, issue.kind))


def _all_issues(suspects: Suspects, callback: Callback) -> Iterator[Issue]:
    steps = (label_issues, odd_issues, not_photo_issues, copy_issues, poor_issues)
    for done, step in enumerate(steps):
        callback(Progress("Looking for mistakes", done, len(steps)))
        yield from step(suspects)
    callback(Progress("Looking for mistakes", len(steps), len(steps)))
