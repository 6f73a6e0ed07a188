"""Cleaners for tests, and what is in them."""

from __future__ import annotations

from pathlib import Path

from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark_widgets.cleaner import Cleaner
from fieldmark_widgets.workspace import Workspace


def open_cleaner(root: Path, *, who: str = "anna", learner: Learner | None = None) -> Cleaner:
    """Without a learner, as a new kernel would."""
    project = Project.open(root)
    project.learner = learner
    cleaner = Cleaner(Workspace(project, who=who))
    cleaner.wait()
    return cleaner


def ids(cleaner: Cleaner) -> list[int]:
    """The photos that are shown."""
    return [row.photo.id for row in cleaner.shown]


def waiting(root: Path) -> dict[int, str]:
    """What is staged in a dataset."""
    return {staged.photo_id: staged.decision.kind for staged in Project.open(root).catalog.staged()}


def focus(cleaner: Cleaner, photo_id: int) -> None:
    """As the arrows would."""
    cleaner.gallery.focus = photo_id
