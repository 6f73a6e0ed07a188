"""Workspace: what the components of one page share — the project, one worker, and word of what changed.

    workspace = Workspace("datasets/bears")
    display(Trainer(workspace), Results(workspace), Cleaner(workspace))

A component alone makes its own: `Cleaner("datasets/bears")`.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

import traitlets
from ipykernel.connect import get_connection_file

from fieldmark.callbacks import Callback
from fieldmark.project import Project
from fieldmark.staying import sign_beside, staying
from fieldmark_widgets.worker import Worker

How = Literal["fit", "fine_tune", "take_best"]
"""The method of a project that trains."""


class Workspace(traitlets.HasTraits):
    """Shared by components; they observe its traits, and call `say_changed` and `train`."""

    project = traitlets.Instance(Project, allow_none=True)
    """The dataset folder that is worked on; None before one is chosen."""
    changes = traitlets.Int(0)
    """Counts changes of photos, labels or choices, by whichever component; decisions may have changed as well."""
    decisions = traitlets.Int(0)
    """Counts what was decided or taken back, where photos and labels are as they were: to show that costs little."""
    trainings = traitlets.Int(0)
    """Counts trainings that ended well; `project.learner` is the latest."""

    def __init__(self, project: Project | str | Path | None = None, *, who: str = "") -> None:
        """Work on a project, or on the dataset folder at a path.

        Raises:
            StoreError: the folder is no dataset, or cannot be used.
        """
        super().__init__()
        self.worker = Worker("workspace")
        self.who = who or _user_name()
        """Who is written down for what is changed."""
        if project is not None:
            self.project = project if isinstance(project, Project) else Project.open(project)

    def open(self, folder: str | Path) -> None:
        """Work on another dataset folder; raises as the constructor."""
        self.project = Project.open(folder)

    def say_changed(self) -> None:
        """Tell every component that photos, labels or decisions are not what they were."""
        self.changes += 1

    def say_decided(self) -> None:
        """Tell those who show what waits that decisions were staged or taken back, and nothing else."""
        self.decisions += 1

    def train(self, callback: Callback, then: Callable[[Future[Any]], None], *, how: How = "fit") -> None:
        """Train in the worker, then tell every component, then call `then(future)`; it may hold an error.

        Args:
            how: fit; fine-tune in minutes; or take the best epoch of a fine-tuning that was stopped.
        """
        project = self.project
        if project is None:
            raise ValueError("no project is open")

        def finish(done: Future[Any]) -> None:
            if done.exception() is None and self.project is project:
                self.trainings += 1
            then(done)

        work = getattr(project, how)

        def run() -> Any:
            with staying(_sign_of_kernel()):  # closing the page does not end it
                return work(callback)

        self.worker.submit(run, finish)

    def close(self) -> None:
        """End the worker."""
        self.worker.close()


def as_workspace(given: Workspace | Project | str | Path | None) -> Workspace:
    """Take what a component was given."""
    return given if isinstance(given, Workspace) else Workspace(given)


def _sign_of_kernel() -> Path | None:
    """Where this kernel's sign is; None in a script, which is not asked to import what a kernel is made of."""
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return None
    return sign_beside(get_connection_file())


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a user database
        return "somebody"
