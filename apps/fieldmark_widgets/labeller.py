"""The labeller: photos without a label, the most useful ones first, each with what it probably is.

In a notebook:

    labeller = Labeller("datasets/bears")
    display(labeller)
    labeller.decide(relabel("grizzly"), [photo_id])
    labeller.changes.apply()

Labels are in the catalog the moment they are given, as decisions that wait: a reload or a killed kernel loses none, and
what suggests learns from them at once. Applying puts the photos into their classes, as one act that can be undone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import CatalogPhoto, decisions
from fieldmark.catalog.decisions import Decision
from fieldmark.curation.active import MOST_USEFUL
from fieldmark.curation.asking import Asked, Suggestion, ask
from fieldmark.errors import Cancelled
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.cleanerwords import say_surprise
from fieldmark_widgets.component import Component
from fieldmark_widgets.gallery import Gallery, GalleryRow, LazyRows
from fieldmark_widgets.galleryrows import chosen_in, focus_on
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.labellerwords import (
    Standing,
    row_of,
    say_agreed,
    say_failures,
    say_headline,
    say_summary,
    target_of,
)
from fieldmark_widgets.stagedchanges import StagedChanges
from fieldmark_widgets.staging import Staging, as_told
from fieldmark_widgets.strings_labeller import LABELLER
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace

SURE = 0.9
"""Probability from which a photo only needs a nod."""
REMEMBERED = 20
"""Labels by which it is said how often the suggestion was right."""


class Labeller(Component):
    """Shows photos without a label, to give them one: by key, by tapping, or by taking the suggestion.

    Messages from the browser: `decide` (what: accept, delete, unsure or relabel, with to), `take_back` and
    `undo_decision`, about the chosen photos; `next`, which asks anew; `cancel`; and `look`, as of the cleaner.
    """

    _esm = module("labeller")
    _css = stylesheet("cleaner", "labeller")
    set_by_page = frozenset({"show"})

    show = traitlets.Enum(("useful", "sure", "all"), "useful").tag(sync=True)
    """Which photos: those whose label helps most, those that only need a nod, or all."""
    n = traitlets.Int(MOST_USEFUL, min=1, max=500)
    """How many are asked for together."""
    asked: Any = traitlets.Instance(Asked, allow_none=True)
    """What came of asking last; None before."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photo waits for a label · busy: the model looks, photos can be labelled already · ready."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of the photos that are shown."""
    changes: Any = anywidget.WidgetTrait().tag(sync=True)
    """The StagedChanges: the diff, apply, undo, redo, and training."""

    _strings = traitlets.Dict(dict(LABELLER)).tag(sync=True)
    _labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _headline = traitlets.Unicode("").tag(sync=True)
    _summary = traitlets.Unicode("").tag(sync=True)
    _agreed = traitlets.Unicode("").tag(sync=True)
    _notice = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)
    _target = traitlets.Dict().tag(sync=True)
    _has_suggestion = traitlets.Bool(False).tag(sync=True)
    _suggests = traitlets.Bool(False).tag(sync=True)
    _is_done = traitlets.Bool(False).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Label a workspace's project, or the dataset folder at a path."""
        self.workspace = as_workspace(workspace)
        self.staging: Staging | None = None
        self._photos: dict[int, CatalogPhoto] = {}
        self._round: list[int] = []
        self._said: dict[int, Suggestion] = {}
        self._lately: deque[tuple[int, bool]] = deque(maxlen=REMEMBERED)
        self._watch: Watch | None = None
        self._seen_ns = 0
        self._deciding = False
        super().__init__(
            gallery=Gallery(message=LABELLER["none_shown"]), changes=StagedChanges(self.workspace), **traits
        )
        self.on_msg(self._receive)
        self.gallery.observe(self._show_target, ["selected", "focus"])
        self.workspace.observe(self._on_project, "project")
        self.workspace.observe(self._on_change, ["changes", "trainings"])
        self._on_project()

    # --- Deciding ---

    def decide(self, decision: Decision, photo_ids: Sequence[int] | None = None) -> None:
        """Stage a label, or that a photo goes, by id; about those chosen in the gallery where none are given.

        Raises:
            KeyError: there is no such photo.
            StoreError: the catalog cannot be written.
        """
        self._stage(dict.fromkeys(self.chosen() if photo_ids is None else photo_ids, decision))

    def accept(self, photo_ids: Sequence[int] | None = None) -> None:
        """Take the suggestion, where there is one."""
        ids = self.chosen() if photo_ids is None else photo_ids
        self._stage(
            {photo: decisions.relabel(self._said[photo].label) for photo in ids if photo in self._said}
        )

    def take_back(self, photo_ids: Sequence[int] | None = None) -> None:
        """Let photos wait for a label again."""
        if self.staging is not None:
            self.staging.take_back(ids := self.chosen() if photo_ids is None else photo_ids)
            self._forget(ids)
            self._say_decided()

    def undo_decision(self) -> None:
        """Undo the last thing that was decided or taken back, and go to its photos."""
        if self.staging is None:
            return
        undone = self.staging.undo_last()
        self._round = [*(photo for photo in undone if photo not in self._round), *self._round]
        self._forget(undone)
        self._say_decided()
        if undone:
            focus_on(self.gallery, undone[0])

    def ask_anew(self) -> None:
        """Let the worker look for the photos whose label would help most now; `wait` for it."""
        project = self.workspace.project
        if project is None or self._watch is not None or not self._photos:
            return
        watch = self._watch = Watch(self._show_progress)
        self.state, self._progress = "busy", LABELLER["again" if self.asked else "looking"]
        self.workspace.worker.submit(
            lambda: ask(project, n=self.n, callback=watch), lambda done: self._take_asked(done, project)
        )

    def chosen(self) -> list[int]:
        """The photos that a decision is about, by id: the selected ones, else the one that has the focus."""
        return chosen_in(self.gallery)

    def shown(self) -> list[int]:
        """The photos that are shown, by id, in their order."""
        if self.show == "all":
            return list(self._photos)
        if self.show == "sure":
            return [photo for photo in self.asked.surest(SURE) if photo in self._photos] if self.asked else []
        return [photo for photo in self._round if photo in self._photos]

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until what was begun is done; TimeoutError where it took longer."""
        self.workspace.worker.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page."""
        if self.comm is not None:  # not closed yet
            self.workspace.unobserve(self._on_project, "project")
            self.workspace.unobserve(self._on_change, ["changes", "trainings"])
            self.gallery.close()
            self.changes.close()
        super().close()

    def _stage(self, wanted: Mapping[int, Decision]) -> None:
        if self.staging is None or not wanted:
            return
        surprises = self.staging.decide(wanted)
        self._notice = " ".join(
            say_surprise(theirs, self._name(theirs.photo_id), wanted[theirs.photo_id])
            for theirs in surprises[:3]
        )
        for photo, decision in wanted.items():
            if decision.to is not None and (said := self._said.get(photo)) is not None:
                self._lately.append((photo, said.label == decision.to))
        following = self._next_open(wanted)
        self._say_decided()
        self.gallery.selected = ()
        if following is not None:
            focus_on(self.gallery, following)
        elif self._n_open():
            self.ask_anew()

    def _next_open(self, decided: Iterable[int]) -> int | None:
        """The next photo that is shown and open: behind those that were decided, else from the beginning."""
        shown, waiting = self.shown(), self.staging.decisions if self.staging else {}
        place = max((shown.index(photo) for photo in decided if photo in shown), default=-1)
        return next((photo for photo in [*shown[place + 1 :], *shown] if photo not in waiting), None)

    def _say_decided(self) -> None:
        """Show what was decided here, and tell the others."""
        self._seen_ns = self.staging.written_ns() if self.staging else 0
        self._show()
        self.gallery.renew()
        self._deciding = True
        try:
            self.workspace.say_changed()
        finally:
            self._deciding = False

    def _forget(self, photo_ids: Iterable[int]) -> None:
        gone = set(photo_ids)
        self._lately = deque((entry for entry in self._lately if entry[0] not in gone), maxlen=REMEMBERED)

    # --- From the catalog to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.problem = self._notice = self._progress = ""
        self._watch, self.asked, self._round, self._said = None, None, [], {}
        self._lately.clear()
        self.staging = Staging(project.catalog, self.workspace.who) if project else None
        self._read()
        self.ask_anew()

    @guard
    def _on_change(self, _change: object = None) -> None:
        if self._deciding:
            return
        self._read()
        if self._n_open() and not any(self._is_open(photo) for photo in self._round):
            self.ask_anew()

    def _read(self) -> None:
        """Read photos and decisions anew."""
        project = self.workspace.project
        self._photos = {}
        if project is not None and self.staging is not None:
            self._seen_ns = self.staging.written_ns()
            self.staging.read()
            self._photos = {photo.id: photo for photo in project.catalog.photos(status="unlabelled")}
        if not self.asked:
            self._round = [photo for photo in self._photos if self._is_open(photo)][: self.n]
        if self._watch is None:
            self.state = "ready" if self._photos else "empty"
        self._is_done = bool(not self._photos and project is not None and project.catalog.counts())
        self._show()

    @guard
    def _take_asked(self, done: Future[Asked], project: Project) -> None:
        if project is not self.workspace.project:
            return  # another dataset was opened meanwhile
        self._watch, self._progress = None, ""
        error = done.exception()
        if error is None:
            self.asked = done.result()
            self._said = {**self._said, **self.asked.suggestions}
            self._round = list(self.asked.useful)
        elif not isinstance(error, Cancelled):
            self.problem = explain_error(error)
        self._read()
        if error is None and (following := self._next_open(())) is not None:
            focus_on(self.gallery, following)

    @traitlets.observe("show")
    @guard
    def _show(self, _change: object = None) -> None:
        ids = self.shown()
        self.gallery.rows = LazyRows(ids, self._card)
        waiting = self.staging.decisions if self.staging else {}
        known = set(self.workspace.project.catalog.labels()) if self.workspace.project else set()
        known |= {s.decision.to for s in waiting.values() if s.decision.to}
        kept = [label for label in self._labels if label in known]  # a new class takes nobody's key
        self._labels = [*kept, *sorted(known - set(kept))]
        self._suggests = bool(self.asked and self.asked.suggestions)
        standing = self._standing(len(ids))
        self._headline, self._summary = say_headline(standing), say_summary(standing, SURE)
        said = [say_agreed(standing.agreed), say_failures(self.asked.failures if self.asked else ())]
        self._agreed = " ".join(part for part in said if part)
        self._show_target()

    def _standing(self, n_shown: int) -> Standing:
        right = sum(was_right for _, was_right in self._lately)
        return Standing(
            n_open=self._n_open(),
            n_shown=n_shown,
            show=self.show,
            learned_from=self.asked.learned_from if self.asked else 0,
            suggests=self._suggests,
            agreed=(right, len(self._lately)),
        )

    def _card(self, photo_id: int) -> GalleryRow:
        """A photo as the gallery shows it."""
        assert self.staging is not None  # else there are no photos
        staged = self.staging.decisions.get(photo_id)
        return row_of(self.staging.root, self._photos[photo_id], self._said.get(photo_id), staged)

    def _show_target(self, _change: object = None) -> None:
        """Say in the bar which photos a label is for."""
        chosen = [self._photos[photo] for photo in self.chosen() if photo in self._photos]
        waiting = self.staging.decisions if self.staging else {}
        self._target = target_of(chosen, self._said, waiting.get(chosen[0].id) if chosen else None)
        self._has_suggestion = any(photo.id in self._said for photo in chosen)

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None and progress.total:
            self._progress = LABELLER["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    def _is_open(self, photo_id: int) -> bool:
        return photo_id in self._photos and not (self.staging and photo_id in self.staging.decisions)

    def _n_open(self) -> int:
        return sum(map(self._is_open, self._photos))

    def _name(self, photo_id: int) -> str:
        photo = self._photos.get(photo_id)
        return Path(photo.original_name).name if photo else ""

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "look":
            if self.staging is not None and self.staging.written_ns() != self._seen_ns:
                self.workspace.say_changed()
            return
        self.problem = self._notice = ""
        if kind == "decide":
            if message.get("what") == "accept":
                self.accept()
            elif (decision := as_told(message.get("what"), message.get("to"))) and decision.kind != "keep":
                self.decide(decision)
        elif kind == "take_back":
            self.take_back()
        elif kind == "undo_decision":
            self.undo_decision()
        elif kind == "next":
            self.ask_anew()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()
