"""The results: how good the model is, what it takes for what, and the photos behind every figure.

In a notebook:

    results = Results("datasets/bears")
    display(results)
    results.select("grizzly", "black")
    results.selection           # the photos of that cell
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.errors import Cancelled
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.closeups import CloseUps
from fieldmark_widgets.figures import behind, describe_figures, flipped_in, title_of
from fieldmark_widgets.gallery import Gallery, LazyRows
from fieldmark_widgets.galleryrows import row_of
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.marks import Key
from fieldmark_widgets.measures import MEASURES, Measured, measure
from fieldmark_widgets.photorows import Judgement, PhotoRow, judge, rank
from fieldmark_widgets.resultstables import describe_answer, describe_left_out, describe_matrix
from fieldmark_widgets.since import changed_since
from fieldmark_widgets.strings.results import RESULTS
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

TOP_LOSSES = 12
"""Photos to look at first, before somebody chose a cell."""


@dataclass(frozen=True)
class _Found:
    """What the worker brings back."""

    catalog: Catalog
    learner: Learner
    judgements: dict[int, Judgement]
    closeups: CloseUps
    photos: dict[int, CatalogPhoto]
    """Those that were judged, by id, wherever they lie now."""


class Results(WorkspaceComponent):
    """Shows what the model of a project gets right and wrong on photos it never saw.

    Messages from the browser: `cell` (actual, said; without them none is chosen), `mark` (key of a bar or a point),
    `measure` (what: "field", "curve" or "test"), `clean`, `train`, `cancel`.
    """

    _esm = module("results")
    _css = stylesheet("results")

    selected_cell = traitlets.Tuple().tag(sync=True)
    """(what the photos are, what the model said) of the chosen cell; empty when none is."""
    selected_mark = traitlets.Tuple().tag(sync=True)
    """Key of the bar or point that is chosen in another figure, such as ("found", "grizzly"); empty when none is."""
    selection = traitlets.Tuple()
    """The CatalogPhotos of the chosen cell or mark, the most surprising label first."""
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
    _figures = traitlets.Dict().tag(sync=True)
    _title = traitlets.Unicode("").tag(sync=True)
    _left_out = traitlets.Dict().tag(sync=True)
    _notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)
    _n_selected = traitlets.Int(0).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Show the results of a workspace's project, or of the dataset folder at a path."""
        self._found: _Found | None = None
        self._wrong: dict[Key, frozenset[str]] = {}
        self._watch: Watch | None = None
        super().__init__(workspace, gallery=Gallery(), **traits)
        self.on_msg(self._receive)
        self._follow(self._on_project, "project")
        self._follow(self._on_training, "trainings")
        self._follow(self._on_change, "changes")
        self._on_project()

    def select(self, actual: str, said: str) -> None:
        """Choose a cell of the confusion matrix; one without photos gives an empty selection."""
        self.selected_cell = (actual, said)

    def select_mark(self, *key: str) -> None:
        """Choose a bar or a point: ("found", class), ("right", class), ("f1", class), ("bin", number) of the calibration,
        ("mended" or "spoilt", time of a training), or what was measured: ("field", condition), ("curve", photos).
        """
        self.selected_mark = key

    def deselect(self) -> None:
        """Choose no cell: the most surprising photos are shown."""
        self.selected_cell = self.selected_mark = ()

    def train(self) -> None:
        """Train on the photos as they are now."""
        self.workspace.train(self._begin(RESULTS["training"]), self._end_training)

    def measure(self, what: str) -> None:
        """Judge on altered photos ("field"), after fewer photos ("curve"), or by the sealed test ("test")."""
        project, who = self.workspace.project, self.workspace.who
        if project is None or self._found is None or what not in MEASURES:
            return
        watch = self._begin(RESULTS["measuring"])
        self.workspace.worker.submit(lambda: measure(what, project, who, watch), self._take_measured)

    # --- From the project to what is shown ---

    def _on_project(self, _change: object = None) -> None:
        self._found = self._watch = None
        self.deselect()
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
        watch = self._begin(RESULTS["fitting"])
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
        self._found, self._wrong = found, {}
        learner = found.learner
        self._answer = describe_answer(learner)
        self._matrix = describe_matrix(learner.valid)
        self._figures = describe_figures(project, learner.valid)
        self._left_out = describe_left_out(learner)
        self._notes = [*learner.split.notes, *learner.limits]
        self.stale = changed_since(project, learner)
        self._show_photos()

    @guard
    def _take_measured(self, done: Future[Measured]) -> None:
        self._end(done)
        if done.exception() is None:
            measured = done.result()
            self._wrong |= measured.wrong
            self._figures = {**self._figures, measured.figure["name"]: measured.figure}

    def _begin(self, step: str) -> Watch:
        self.problem = ""
        self.state, self._progress = "busy", step
        watch = self._watch = Watch(self._show_progress)
        return watch

    def _end(self, done: Future[Any]) -> None:
        """Say how long work ended; what was shown before stays where it failed."""
        self._watch, self._progress = None, ""
        error = done.exception()
        if error is not None and not isinstance(error, Cancelled):
            self.problem = explain_error(error)
        if self._found or error is None:
            self.state = "ready"
        else:
            self.state = "empty" if isinstance(error, Cancelled) else "failed"

    def _end_training(self, done: Future[Any]) -> None:
        if done.exception() is not None:  # else the photos are being judged already, by `_on_training`
            self._end(done)

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            self._progress = RESULTS["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    # --- The photos behind the figures ---

    @traitlets.observe("selected_cell", "selected_mark")
    @guard
    def _show_photos(self, change: Any = None) -> None:
        if change and change["new"]:  # one of the two is chosen at a time
            other = "selected_mark" if change["name"] == "selected_cell" else "selected_cell"
            setattr(self, other, ())
        found = self._found
        if found is None:
            self.selection, self._n_selected, self.gallery.rows = (), 0, ()
            return
        is_chosen = bool(self.selected_cell or self.selected_mark)
        rows = self._rows_behind(found)
        self.selection = tuple(row.photo for row in rows) if is_chosen else ()
        self._n_selected = len(self.selection)
        self._title = self._say_title()
        shown = rows if is_chosen else rows[:TOP_LOSSES]
        by_id = {row.photo.id: row for row in shown}
        self.gallery.rows = LazyRows(
            list(by_id), lambda photo_id: row_of(found.catalog.root, by_id[photo_id])
        )
        self.gallery.look_closely_with(lambda photo_id: found.closeups.of(by_id[photo_id]))

    def _rows_behind(self, found: _Found) -> list[PhotoRow]:
        """The held-out photos behind what is chosen, the most surprising label first."""
        held_out = {i: judged for i, judged in found.judgements.items() if judged.side == "valid"}
        rows = rank((found.photos[photo_id] for photo_id in held_out), held_out)
        if self.selected_cell:
            actual, said = self.selected_cell
            return [row for row in rows if _trained_as(row) == actual and row.said == said]
        if self.selected_mark:
            hashes = self._hashes_behind(found, self.selected_mark)
            return [row for row in rows if row.photo.hash in hashes]
        return rows

    def _hashes_behind(self, found: _Found, key: Key) -> Collection[str]:
        """The photos behind a mark, by SHA-256; none for a key that is none."""
        if key in self._wrong:
            return self._wrong[key]
        project = self.workspace.project
        if project is not None and (changed := flipped_in(project, key)) is not None:
            return changed
        valid = found.learner.valid
        inside = behind(valid, found.catalog, key)
        return set() if inside is None else {valid.items[place].hash for place in inside.nonzero()[0]}

    def _say_title(self) -> str:
        if self.selected_cell:
            actual, said = self.selected_cell
            key = "cell_right_title" if actual == said else "cell_title"
            return RESULTS[key].format(actual=actual, said=said)
        if self._found and self.selected_mark and self.selection:
            return title_of(self._found.learner.valid, self.selected_mark)
        return ""

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "cell":
            cell = (message.get("actual"), message.get("said"))
            self.selected_cell = cell if all(isinstance(label, str) for label in cell) else ()
        elif kind == "mark":
            key = message.get("key")
            is_key = isinstance(key, list) and all(isinstance(part, str) for part in key)
            self.selected_mark = tuple(key or ()) if is_key else ()
        elif kind == "clean":
            self.to_clean = self.selection
        elif kind == "measure":
            self.measure(str(message.get("what")))
        elif kind == "train":
            self.train()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()


def _find(project: Project, watch: Watch) -> _Found:
    """Give the latest learner, fitted again where this kernel has none, and what it says."""
    learner = project.learner or project.fitted(watch)
    judgements = judge(learner, project.catalog)
    photos = project.catalog.photos(ids=judgements.keys(), status=None)
    closeups = CloseUps(project.catalog, learner)
    return _Found(project.catalog, learner, judgements, closeups, {photo.id: photo for photo in photos})


def _trained_as(row: PhotoRow) -> str | None:
    return row.judgement.trained_as if row.judgement else None
