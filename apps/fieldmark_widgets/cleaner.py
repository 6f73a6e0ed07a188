"""The cleaner: photos with the most surprising label first, and a decision for each at one key.

In a notebook:

    cleaner = Cleaner("datasets/bears")
    display(cleaner)
    cleaner.decide(relabel("grizzly"), [photo_id])
    cleaner.changes.apply()

Decisions are in the catalog the moment they are made, so a filter, a reload or a killed kernel loses none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark import decisions
from fieldmark.callbacks import Progress
from fieldmark.catalog_schema import FILE_NAME, HIDDEN
from fieldmark.decisions import Decision, StagedDecision
from fieldmark.errors import Cancelled
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.cleanerwords import say_surprise
from fieldmark_widgets.component import Component
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.galleryrows import chosen_in, focus_on, row_of, target_of
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.photorows import Judgement, PhotoRow, judge, rank
from fieldmark_widgets.rowfilter import RowFilter, photo_name
from fieldmark_widgets.stagedchanges import StagedChanges
from fieldmark_widgets.staging import Staging
from fieldmark_widgets.strings_cleaner import CLEANER
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace

FILTERS = ("label", "side", "decision", "disagrees", "text", "only")
MANY = 25
"""Above so many photos at once, deciding is left to the worker: each is written to the disk by itself."""
MOST_TOLD = 3
"""Decisions of somebody else that were replaced, and are told of one by one."""


class Cleaner(Component):
    """Shows photos to decide about: keep, delete, relabel or unsure.

    Messages from the browser: `decide` (what: keep, delete, unsure, accept or relabel, with to), `take_back`,
    `undo_decision`, all about the photos chosen in the gallery; `show_all`, which ends `only`; `cancel`; and `look`,
    now and then, which is when other pages' decisions are seen.
    """

    _esm = module("cleaner")
    _css = stylesheet("cleaner")
    set_by_page = frozenset({"label", "side", "decision", "disagrees", "text"})

    label = traitlets.Unicode("").tag(sync=True)
    """Show only photos of this class; empty for all."""
    side = traitlets.Enum(("all", "train", "valid"), "all").tag(sync=True)
    """Show only photos that were learned from, or held out."""
    decision = traitlets.Enum(("any", "open", "staged"), "any").tag(sync=True)
    """Show only photos without, or with, a decision that waits."""
    disagrees = traitlets.Bool(False).tag(sync=True)
    """Show only photos where the model says something else than the label."""
    text = traitlets.Unicode("").tag(sync=True)
    """Show only photos with this in their name."""
    only = traitlets.Tuple()
    """Show only these CatalogPhotos, such as `Results.to_clean`; empty for all."""
    shown = traitlets.Tuple()
    """The PhotoRows that are shown, in their order."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photos yet · busy: the model is asked, photos can be decided about already · ready."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of `shown`."""
    changes: Any = anywidget.WidgetTrait().tag(sync=True)
    """The StagedChanges: the diff, apply, undo, redo, and training again."""

    _strings = traitlets.Dict(dict(CLEANER)).tag(sync=True)
    _classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _summary = traitlets.Unicode("").tag(sync=True)
    _notice = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)
    _n_only = traitlets.Int(0).tag(sync=True)
    _n_shown = traitlets.Int(0).tag(sync=True)
    _target = traitlets.Dict().tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Clean a workspace's project, or the dataset folder at a path."""
        self.workspace = as_workspace(workspace)
        self.staging: Staging | None = None
        self._judgements: Mapping[int, Judgement] = {}
        self._rows: list[PhotoRow] = []
        self._by_id: dict[int, PhotoRow] = {}
        self._cards: dict[int, tuple[StagedDecision | None, GalleryRow]] = {}
        self._root = Path()
        self._n_wrong = 0
        self._watch: Watch | None = None
        self._seen_ns = 0
        self._deciding = False
        super().__init__(gallery=Gallery(), changes=StagedChanges(self.workspace), **traits)
        self.on_msg(self._receive)
        self.gallery.observe(self._show_target, ["selected", "focus"])
        self.workspace.observe(self._on_project, "project")
        self.workspace.observe(self._on_training, "trainings")
        self.workspace.observe(self._on_change, "changes")
        self._on_project()

    # --- Deciding ---

    def decide(self, decision: Decision, photo_ids: Sequence[int] | None = None) -> None:
        """Stage a decision about photos, by id; about those chosen in the gallery where none are given.

        Raises:
            KeyError: there is no such photo.
            StoreError: the catalog cannot be written.
        """
        ids = self.chosen() if photo_ids is None else photo_ids
        self._stage(dict.fromkeys(ids, decision))

    def accept(self, photo_ids: Sequence[int] | None = None) -> None:
        """Take the model's suggestion: relabel to what it says, or keep where it agrees."""
        ids = self.chosen() if photo_ids is None else photo_ids
        rows = [self._by_id[photo_id] for photo_id in ids if photo_id in self._by_id]
        self._stage({row.photo.id: _suggested(row) for row in rows if row.said is not None})

    def take_back(self, photo_ids: Sequence[int] | None = None) -> None:
        """Let photos wait for nothing any more."""
        if self.staging is not None:
            self.staging.take_back(self.chosen() if photo_ids is None else photo_ids)
            self._say_decided()

    def undo_decision(self) -> None:
        """Undo the last thing that was decided or taken back, and go to its photos."""
        if self.staging is None:
            return
        undone = self.staging.undo_last()
        self._say_decided()
        if undone:
            focus_on(self.gallery, undone[0])

    def chosen(self) -> list[int]:
        """The photos that a decision is about, by id: the selected ones, else the one that has the focus."""
        return chosen_in(self.gallery)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until what was begun is done.

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
            self.gallery.close()
            self.changes.close()
        super().close()

    def _stage(self, wanted: Mapping[int, Decision]) -> None:
        staging = self.staging
        if staging is None or not wanted:
            return
        if len(wanted) <= MANY:
            self._take_staged(staging.decide(wanted), wanted)
            return
        self.workspace.worker.submit(
            lambda: staging.decide(wanted), lambda done: self._take_many(done, wanted)
        )

    @guard
    def _take_many(self, done: Future[list[StagedDecision]], wanted: Mapping[int, Decision]) -> None:
        self._take_staged(done.result(), wanted)

    def _take_staged(self, surprises: Sequence[StagedDecision], wanted: Mapping[int, Decision]) -> None:
        following = self._following(wanted)
        self._notice = " ".join(
            say_surprise(theirs, photo_name(self._by_id[theirs.photo_id]), wanted[theirs.photo_id])
            for theirs in surprises[:MOST_TOLD]
            if theirs.photo_id in self._by_id
        )
        self._say_decided()
        self.gallery.selected = ()
        if following is not None:
            focus_on(self.gallery, following)

    def _following(self, decided: Collection[int]) -> int | None:
        """The photo to look at next: the one behind the last that was decided about."""
        ids = [row.photo.id for row in self.shown]
        last = max((place for place, photo_id in enumerate(ids) if photo_id in decided), default=len(ids))
        return next(iter(ids[last + 1 :]), None)

    def _say_decided(self) -> None:
        """Show what was decided here, and tell the others."""
        self._seen_ns = self._written_ns()
        self._show()
        self._deciding = True
        try:
            self.workspace.say_changed()
        finally:
            self._deciding = False

    # --- From the catalog to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.problem = self._notice = self._progress = ""
        self._watch, self._judgements, self.only = None, {}, ()
        self.staging = Staging(project.catalog, self.workspace.who) if project else None
        self._read()
        self._on_training()

    @guard
    def _on_training(self, _change: object = None) -> None:
        """Rank by the latest learner, which a new kernel fits again first."""
        project = self.workspace.project
        if project is None or not (project.learner or (project.is_trained and not project.train_blockers())):
            return
        watch = self._watch = Watch(self._show_progress)
        self.state, self._progress = "busy", CLEANER["fitting"]
        self.workspace.worker.submit(
            lambda: judge(project.learner or project.fitted(watch), project.catalog),
            lambda done: self._take_judgements(done, project),
        )

    @guard
    def _take_judgements(self, done: Future[dict[int, Judgement]], project: Project) -> None:
        if project is not self.workspace.project:
            return  # another dataset was opened meanwhile
        self._watch, self._progress = None, ""
        untouched = bool(self.shown) and self.gallery.focus == self.shown[0].photo.id
        self._judgements = {} if done.exception() else done.result()
        self._read()
        if untouched and self.shown:  # nobody has begun: begin with the most surprising one
            focus_on(self.gallery, self.shown[0].photo.id)
        error = done.exception()
        if error is not None and not isinstance(error, Cancelled):
            self.problem = explain_error(error)

    @guard
    def _on_change(self, _change: object = None) -> None:
        if not self._deciding:
            self._read()

    def _read(self) -> None:
        """Read photos and decisions anew."""
        project = self.workspace.project
        if project is None or self.staging is None:
            self._rows = []
        else:
            self._root = project.root
            self._seen_ns = self._written_ns()
            self.staging.read()
            self._rows = rank(project.catalog.photos(), self._judgements)
        self._by_id = {row.photo.id: row for row in self._rows}
        self._cards.clear()
        self._classes = sorted({row.photo.label for row in self._rows})
        self._n_wrong = sum(row.disagrees for row in self._rows)
        if self._watch is None:
            self.state = "ready" if self._rows else "empty"
        self._show()

    @traitlets.observe(*FILTERS)
    @guard
    def _on_filter(self, _change: object = None) -> None:
        self._n_only = len(self.only)
        self._show()

    def _show(self) -> None:
        """Show the photos that the filters take, with what was decided about them."""
        waiting = self.staging.decisions if self.staging else {}
        only = frozenset(photo.id for photo in self.only)
        wanted = RowFilter(self.label, self.side, self.decision, self.disagrees, self.text, only)
        self.shown = tuple(row for row in self._rows if wanted.takes(row, waiting.get(row.photo.id)))
        new = sorted({s.decision.to for s in waiting.values() if s.decision.to} - set(self._classes))
        self._labels = [*self._classes, *new]
        self._n_shown = len(self.shown)
        summary = CLEANER["ranked" if self._judgements else "unranked"]
        self._summary = summary.format(shown=self._n_shown, n=len(self._rows), wrong=self._n_wrong)
        self.gallery.rows = tuple(self._card(row, waiting.get(row.photo.id)) for row in self.shown)
        self._show_target()

    def _card(self, row: PhotoRow, staged: StagedDecision | None) -> GalleryRow:
        """A photo as the gallery shows it, made anew only when something was decided about it."""
        kept = self._cards.get(row.photo.id)
        if kept is None or kept[0] != staged:
            kept = self._cards[row.photo.id] = (staged, row_of(self._root, row, staged))
        return kept[1]

    def _show_target(self, _change: object = None) -> None:
        """Say in the bar which photos a decision is about."""
        rows = [self._by_id[photo_id] for photo_id in self.chosen() if photo_id in self._by_id]
        waiting = self.staging.decisions if self.staging else {}
        self._target = target_of(rows, waiting.get(rows[0].photo.id) if rows else None)

    def _written_ns(self) -> int:
        """When the catalog was written last, by whomever."""
        project = self.workspace.project
        return (project.root / HIDDEN / FILE_NAME).stat().st_mtime_ns if project else 0

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            self._progress = CLEANER["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "look":
            self._look()
            return
        self.problem = self._notice = ""
        if kind == "decide":
            self._decide_as_told(str(message.get("what")), message.get("to"))
        elif kind == "take_back":
            self.take_back()
        elif kind == "undo_decision":
            self.undo_decision()
        elif kind == "show_all":
            self.only = ()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()

    def _decide_as_told(self, what: str, to: object) -> None:
        if what == "relabel" and isinstance(to, str):
            self.decide(decisions.relabel(to.strip()))
        elif what == "accept":
            self.accept()
        elif what in ("keep", "delete", "unsure"):
            self.decide(getattr(decisions, what))

    def _look(self) -> None:
        """See whether another page has changed something."""
        if self._written_ns() != self._seen_ns:
            self.workspace.say_changed()


def _suggested(row: PhotoRow) -> Decision:
    return decisions.relabel(row.said) if row.said and row.disagrees else decisions.keep
