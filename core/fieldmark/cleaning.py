"""Cleaning: what is probably wrong with the photos of a fitted learner, worst first.

    learner = Learner(dataset, split).fit()
    for issue in find_issues(learner):
        print(issue.score, issue.kind, issue.path, issue.sentence)

Nothing is changed here: somebody decides (`decisions`), and the catalog applies what was decided as one act.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from fieldmark.project import Project

__all__ = [
    "KINDS",
    "Issue",
    "IssueFinder",
    "IssueKind",
    "find_issues",
    "fit_folder",
    "folder_issues",
    "project_issues",
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


class IssueFinder:
    """Lists issues and lists them anew after each decision, for a screen that follows somebody who cleans.

    finder = IssueFinder(learner)
    finder.issues
    finder.after({photo_hash: "black"}, dropped=[other_hash])
    """

    def __init__(self, learner: Learner, callback: Callback = silent) -> None:
        """Find all issues; raises as `find_issues`. May be made in a thread."""
        self._suspects = take_suspects(learner, callback)
        self.issues: list[Issue] = _ranked(_all_issues(self._suspects, callback))
        """As the photos are labelled now, worst first."""

    def after(self, labels: Mapping[str, str], dropped: Collection[str] = ()) -> list[Issue]:
        """List the issues as they are once decisions are applied; wrong labels are judged anew.

        A quarter of a second for 5,000 photos. Copies, odd ones and poor photos are as they were found, but for
        those of photos that were decided about.

        Args:
            labels: decided labels, by SHA-256; a photo to keep has its own.
            dropped: SHA-256 of photos to delete.
        """
        decided = {*labels, *dropped}
        anew = label_issues(self._suspects.relabelled(labels, dropped))
        others = (issue for issue in self.issues if issue.kind != "label")
        return _ranked(issue for issue in (*anew, *others) if issue.hash not in decided)


def project_issues(
    project: Project, *, kinds: Collection[IssueKind] = KINDS, callback: Callback = silent
) -> list[Issue]:
    """List what is probably wrong with a project's photos as they are now; fits where that was not done yet.

    Raises:
        FieldmarkError: as `Project.fitted`.
    """
    return find_issues(project.fitted(callback), kinds=kinds, callback=callback)


def folder_issues(
    folder: str | Path, *, kinds: Collection[IssueKind] = KINDS, callback: Callback = silent
) -> list[Issue]:
    """List what is probably wrong with a folder of photos or a dataset, which is only read.

    Raises:
        DatasetError: the folder cannot be used.
    """
    return find_issues(fit_folder(folder, callback=callback), kinds=kinds, callback=callback)


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
