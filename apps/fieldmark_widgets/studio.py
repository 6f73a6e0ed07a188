"""The studio: every component in the order in which one needs them, on one or several datasets.

In a notebook:

    studio = Studio("datasets")
    display(studio)
    studio.workspace.project      # the dataset that is open

Nothing is kept here: which step somebody is at, the choices, the decisions and the trainings are in each dataset's
catalog, so a reload goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.catalog import is_catalog
from fieldmark.catalog.schema import FILE_NAME, HIDDEN
from fieldmark.errors import StoreError
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.checker import Checker
from fieldmark_widgets.cleaner import Cleaner
from fieldmark_widgets.component import Component
from fieldmark_widgets.exporter import Exporter
from fieldmark_widgets.guard import guard
from fieldmark_widgets.importer import Importer
from fieldmark_widgets.labeller import Labeller
from fieldmark_widgets.results import Results
from fieldmark_widgets.strings.studio import STUDIO
from fieldmark_widgets.studiosteps import STEPS, Standing, describe_steps, say_counts, standing_of
from fieldmark_widgets.trainer import Trainer
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.workspace import Workspace

STEP = "step"
"""Key of the step in the catalog's settings."""


class Studio(Component):
    """Photos → (Label →) Check → Train → Results → Clean → Export; Label is there while photos wait for a label.

    Messages from the browser: `go` (step), `open` (name of a dataset), `new`.
    """

    _esm = module("studio")
    _css = stylesheet("studio")

    step = traitlets.Enum(STEPS, "photos").tag(sync=True)
    """The step that is shown."""
    datasets = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the datasets in the folder, sorted."""
    dataset = traitlets.Unicode("").tag(sync=True)
    """Name of the one that is open; empty before there is one."""
    panel: Any = anywidget.WidgetTrait().tag(sync=True)
    """The component of the step."""

    _strings = traitlets.Dict(dict(STUDIO)).tag(sync=True)
    _steps = traitlets.List(traitlets.Dict()).tag(sync=True)
    _counts = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        folder: str | Path,
        *,
        served_path: Path | None = None,
        source: Path | None = None,
        **traits: Any,
    ) -> None:
        """Work on the datasets in a folder, which is made when the first one comes.

        Args:
            served_path: the model file that the classify app answers with; None leaves it to the exporter.
            source: a folder of photos that is offered for importing.
        """
        self.folder, self._source = Path(folder), source
        self.workspace = Workspace()
        self._panels: dict[str, Component] = {}
        self._standing: Standing | None = None
        self._served = {} if served_path is None else {"served_path": served_path}
        latest = _latest(self.folder)
        if latest is not None:
            self.workspace.open(latest)
        super().__init__(panel=self._make("photos"), **traits)
        self.on_msg(self._receive)
        self.workspace.observe(self._on_project, "project")
        self.workspace.observe(self._show_steps, ["changes", "trainings"])
        self.workspace.observe(self._show_staged, "decisions")
        self._on_project()

    def go(self, step: str) -> None:
        """Show a step, and remember it with the dataset; ValueError when there is none of this name."""
        if step not in STEPS:
            raise ValueError(f"{step!r} is none of {', '.join(STEPS)}")
        if step not in self._panels:
            self._make(step)
        self.panel, self.step = self._panels[step], step
        self._show_steps()
        project = self.workspace.project
        if project is not None and project.catalog.setting(STEP) != step:
            project.catalog.set_setting(STEP, step)

    def open_dataset(self, name: str) -> None:
        """Work on another dataset of the folder.

        Raises:
            StoreError: it is not there (`missing`), or cannot be used.
        """
        if name not in _names(self.folder):
            raise StoreError(
                f"There is no dataset {name!r} in this folder. It may have been moved.", code="missing"
            )
        self.workspace.open(self.folder / name)

    def new_dataset(self) -> None:
        """Begin another dataset: the photos that come next make it."""
        self.workspace.project = None

    def close(self) -> None:
        """Take it off the page and end its threads."""
        self.workspace.close()
        for panel in self._panels.values():
            panel.close()
        super().close()

    def _make(self, step: str) -> Component:
        """Make a step's component, when it is first looked at."""
        make: Mapping[str, Callable[[], Component]] = {
            "photos": self._make_importer,
            "label": lambda: Labeller(self.workspace),
            "check": lambda: Checker(self.workspace),
            "train": lambda: Trainer(self.workspace),
            "results": self._make_results,
            "clean": lambda: Cleaner(self.workspace),
            "export": lambda: Exporter(self.workspace, **self._served),
        }
        self._panels[step] = make[step]()
        return self._panels[step]

    def _make_importer(self) -> Importer:
        """The importer, whose photos without a label lead to the labeller."""
        return Importer(
            self.workspace,
            home=self.folder,
            source=self._source,
            collects=True,
            records=True,
            on_label=lambda: self.go("label"),
        )

    def _make_results(self) -> Results:
        """The results, whose photos can be handed over to the cleaner."""
        results = Results(self.workspace, offers_cleaning=True)
        results.observe(self._clean, "to_clean")
        return results

    def _clean(self, change: dict[str, Any]) -> None:
        self.go("clean")
        self._panels["clean"].only = change["new"]

    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.datasets = _names(self.folder)
        self.dataset = project.name if project else ""
        kept = project.catalog.setting(STEP) if project else None
        self.go(kept if isinstance(kept, str) and kept in STEPS else "photos")
        self._show_steps()

    @guard
    def _show_steps(self, _change: object = None) -> None:
        project = self.workspace.project
        self._standing = standing_of(project) if project else None
        self._counts = say_counts(self._standing) if self._standing else ""
        self._show_staged()

    @guard
    def _show_staged(self, _change: object = None) -> None:
        """Show how many decisions wait, which is all that a decision changes here."""
        project = self.workspace.project
        staged = len(project.catalog.staged()) if project else 0
        self._steps = describe_steps(self._standing, self.step, staged)

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        self.problem = ""
        if kind == "go" and message.get("step") in STEPS:
            self.go(message["step"])
        elif kind == "open":
            self.open_dataset(str(message.get("name", "")))
        elif kind == "new":
            self.new_dataset()


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if is_catalog(entry))


def _latest(folder: Path) -> Path | None:
    """The dataset that was changed last: where somebody stopped."""
    datasets = [folder / name for name in _names(folder)]
    return max(datasets, key=lambda path: (path / HIDDEN / FILE_NAME).stat().st_mtime, default=None)
