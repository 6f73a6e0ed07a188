"""The results: how good the model is, what it takes for what, and the photos behind every figure.

In a notebook:

    results = Results("datasets/bears")
    display(results)
    results.select("grizzly", "black")
    results.selection           # the photos of that cell
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import CatalogPhoto
from fieldmark.errors import Cancelled
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.component import Component
from fieldmark_widgets.gallery import Gallery
from fieldmark_widgets.galleryrows import row_of
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.photorows import Judgement, PhotoRow, judge, rank
from fieldmark_widgets.resultstables import (
    describe_answer,
    describe_classes,
    describe_left_out,
    describe_matrix,
)
from fieldmark_widgets.since import changed_since
from fieldmark_widgets.strings_results import RESULTS
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace

TOP_LOSSES = 12
"""Photos to look at first, before somebody chose a cell."""


@dataclass(frozen=True)
class _Found:
    """What the worker brings back."""

    root: Path
    learner: Learner
    judgements: dict[int, Judgement]
    photos: dict[int, CatalogPhoto]
    """Those that were judged, by id, wherever they lie now."""


class Results(Component):
    """Shows what the model of a project gets right and wrong on photos it never saw.

    Messages from the browser: `cell` (actual, said; without them none is chosen), `clean`, `train`, `cancel`.
    """

    _esm = module("results")
    _css = stylesheet("results")

    selected_cell = traitlets.Tuple().tag(sync=True)
    """(what the photos are, what the model said) of the chosen cell; empty when none is."""
    selection = traitlets.Tuple()
    """The CatalogPhotos of the chosen cell, the most surprising label first."""
    to_clean = traitlets.Tuple()
    """The selection at the moment somebody asked to clean it; observe it, and give it to `Cleaner.only`."""
    offers_cleaning = traitlets.Bool(False).tag(sync=True)
    """Whether there is a button that sets `to_clean`."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: something is missing first, said in `blockers` · busy: fitting · ready: shown · failed: `problem`."""
    blockers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What is missing before there are results, as sentences."""
    stale = traitlets.Unicode("").tag(sync=True)
    """What changed since this training, as a sentence; empty when nothing did."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of the chosen cell's photos, or of the most surprising ones."""

    _strings = traitlets.Dict(dict(RESULTS)).tag(sync=True)
    _answer = traitlets.Dict().tag(sync=True)
    _matrix = traitlets.Dict().tag(sync=True)
    _classes = traitlets.List(traitlets.Dict()).tag(sync=True)
    _left_out = traitlets.Dict().tag(sync=True)
    _notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)
    _n_selected = traitlets.Int(0).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Show the results of a workspace's project, or of the dataset folder at a path."""
        self.workspace = as_workspace(workspace)
        self._found: _Found | None = None
        self._watch: Watch | None = None
        super().__init__(gallery=Gallery(), **traits)
        self.on_msg(self._receive)
        self.workspace.observe(self._on_project, "project")
        self.workspace.observe(self._on_training, "trainings")
        self.workspace.observe(self._on_change, "changes")
        self._on_project()

    def select(self, actual: str, said: str) -> None:
        """Choose a cell of the confusion matrix; one without photos gives an empty selection."""
        self.selected_cell = (actual, said)

    def deselect(self) -> None:
        """Choose no cell: the most surprising photos are shown."""
        self.selected_cell = ()

    def train(self) -> None:
        """Train on the photos as they are now."""
        self._begin(RESULTS["training"])
        assert self._watch is not None
        self.workspace.train(self._watch, self._end_training)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until the results are there.

        Raises:
            TimeoutError: it took longer.
        """
        self.workspace.worker.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page."""
        if self.comm is not None:  # not closed yet
            self.workspace.unobserve(self._on_project, "project")
            self.workspace.unobserve(self._on_training, "trainings")
            self.workspace.unobserve(self._on_change, "changes")
        super().close()

    # --- From the project to what is shown ---

    def _on_project(self, _change: object = None) -> None:
        self._found = self._watch = None
        self.selected_cell = ()
        self._show_photos()
        self._on_training()

    @guard
    def _on_training(self, _change: object = None) -> None:
        """Judge the photos by the latest learner, which a new kernel fits again first."""
        self.problem = ""
        project = self.workspace.project
        self.blockers = [RESULTS["no_project"]] if project is None else project.result_blockers()
        if project is None or (self.blockers and project.learner is None):
            self.state = "empty"
            return
        self._begin(RESULTS["fitting"])
        watch = self._watch
        self.workspace.worker.submit(lambda: _find(project, watch), lambda done: self._take(done, project))

    @guard
    def _on_change(self, _change: object = None) -> None:
        project = self.workspace.project
        if self._found is None or project is None:
            if self.state == "empty":
                self._on_training()
            return
        self.stale = changed_since(project, self._found.learner)

    @guard
    def _take(self, done: Future[_Found], project: Project) -> None:
        if project is not self.workspace.project:
            return
        self._end(done)
        if done.exception() is None:
            self._show(project, done.result())

    def _show(self, project: Project, found: _Found) -> None:
        self._found = found
        learner = found.learner
        self._answer = describe_answer(learner)
        self._matrix = describe_matrix(learner.valid)
        self._classes = describe_classes(learner.valid)
        self._left_out = describe_left_out(learner)
        self._notes = list(learner.split.notes)
        self.stale = changed_since(project, learner)
        self._show_photos()

    def _begin(self, step: str) -> None:
        self.problem = ""
        self.state, self._progress = "busy", step
        self._watch = Watch(self._show_progress)

    def _end(self, done: Future[Any]) -> None:
        """Say how long work ended; what was shown before stays where it failed."""
        self._watch, self._progress = None, ""
        error = done.exception()
        if error is not None and not isinstance(error, Cancelled):
            self.problem = explain_error(error)
        self.state = (
            "ready" if self._found or error is None else "empty" if isinstance(error, Cancelled) else "failed"
        )

    def _end_training(self, done: Future[Any]) -> None:
        if done.exception() is not None:  # else the photos are being judged already, by `_on_training`
            self._end(done)

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            self._progress = RESULTS["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    # --- The photos behind the figures ---

    @traitlets.observe("selected_cell")
    @guard
    def _show_photos(self, _change: object = None) -> None:
        found = self._found
        if found is None:
            self.selection, self._n_selected, self.gallery.rows = (), 0, ()
            return
        held_out = {i: judged for i, judged in found.judgements.items() if judged.side == "valid"}
        rows = rank((found.photos[photo_id] for photo_id in held_out), held_out)
        if self.selected_cell:
            actual, said = self.selected_cell
            rows = [row for row in rows if _trained_as(row) == actual and row.said == said]
        chosen = tuple(row.photo for row in rows)
        self.selection = chosen if self.selected_cell else ()
        self._n_selected = len(self.selection)
        shown = rows if self.selected_cell else rows[:TOP_LOSSES]
        self.gallery.rows = tuple(row_of(found.root, row) for row in shown)

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "cell":
            cell = (message.get("actual"), message.get("said"))
            self.selected_cell = cell if all(isinstance(label, str) for label in cell) else ()
        elif kind == "clean":
            self.to_clean = self.selection
        elif kind == "train":
            self.train()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()


def _find(project: Project, watch: Watch | None) -> _Found:
    """Give the latest learner, fitted again where this kernel has none, and what it says."""
    learner = project.learner or project.fitted(watch) if watch else project.fitted()
    judgements = judge(learner, project.catalog)
    photos = project.catalog.photos(ids=judgements.keys(), status=None)
    return _Found(project.root, learner, judgements, {photo.id: photo for photo in photos})


def _trained_as(row: PhotoRow) -> str | None:
    return row.judgement.trained_as if row.judgement else None
