"""What the components have in common that work on a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget

from fieldmark.project import Project
from fieldmark_widgets.component import Component
from fieldmark_widgets.workspace import Workspace, as_workspace


class WorkspaceComponent(Component):
    """Works on what its page shares, or on a dataset of its own; what it follows there it lets go when it is closed."""

    _followed: Sequence[tuple[Callable[[Any], None], list[str]]] = ()

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Work on a workspace's project, or on the dataset folder at a path."""
        self.workspace = as_workspace(workspace)
        super().__init__(**traits)

    def wait(self, timeout_s: float = 120.0) -> None:
        """Block until what was begun is done.

        Raises:
            TimeoutError: it took longer.
        """
        self.workspace.worker.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page, with the components that it shows."""
        for handler, names in self._followed:
            self.workspace.unobserve(handler, names)
        self._followed = ()
        for name, trait in self.traits().items():
            if isinstance(trait, anywidget.WidgetTrait) and (part := getattr(self, name)) is not None:
                part.close()
        super().close()

    def _follow(self, handler: Callable[[Any], None], *names: str) -> None:
        """Call a handler when these traits of the workspace change."""
        self.workspace.observe(handler, names)
        self._followed = [*self._followed, (handler, [*names])]
