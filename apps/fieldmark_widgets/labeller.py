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

import traitlets

from fieldmark.catalog import CatalogPhoto, decisions
from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark.curation.active import MOST_USEFUL
from fieldmark.curation.asking import Asked, Suggestion, ask
from fieldmark.errors import Cancelled
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.deciding import Deciding
from fieldmark_widgets.gallery import Gallery, GalleryRow, LazyRows
from fieldmark_widgets.galleryrows import focus_on
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
from fieldmark_widgets.staging import Staging
from fieldmark_widgets.strings.labeller import LABELLER
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace

SURE = 0.9
"""Probability from which a photo only needs a nod."""
REMEMBERED = 20
"""Labels by which it is said how often the suggestion was right."""


class Labeller(Deciding):
    """Shows photos without a label, to give them one: by key, by tapping, or by taking the suggestion.

    Messages from the browser, besides those of `Deciding`: `next`, which asks anew.
    """

    _esm = module("labeller")
    _css = stylesheet("cleaner", "labeller")
    set_by_page = frozenset({"show"})
    kinds = frozenset({"delete", "unsure", "relabel"})

    show = traitlets.Enum(("useful", "sure", "all"), "useful").tag(sync=True)
    """Which photos: those whose label helps most, those that only need a nod, or all."""
    n = traitlets.Int(MOST_USEFUL, min=1, max=500)
    """How many are asked for together."""
    asked: Any = traitlets.Instance(Asked, allow_none=True)
    """What came of asking last; None before."""

    _strings = traitlets.Dict(dict(LABELLER)).tag(sync=True)
    _agreed = traitlets.Unicode("").tag(sync=True)
    _suggests = traitlets.Bool(False).tag(sync=True)
    _is_done = traitlets.Bool(False).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Label a workspace's project, or the dataset folder at a path."""
        self._photos: dict[int, CatalogPhoto] = {}
        self._round: list[int] = []
        self._said: dict[int, Suggestion] = {}
        self._lately: deque[tuple[int, bool]] = deque(maxlen=REMEMBERED)
        super().__init__(as_workspace(workspace), gallery=Gallery(message=LABELLER["none_shown"]), **traits)
        self._follow(self._on_project, "project")
        self._follow(self._on_change, "changes", "decisions", "trainings")
        self._on_project()

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

    def shown(self) -> list[int]:
        """The photos that are shown, by id, in their order."""
        if self.show == "all":
            return list(self._photos)
        if self.show == "sure":
            return [photo for photo in self.asked.surest(SURE) if photo in self._photos] if self.asked else []
        return [photo for photo in self._round if photo in self._photos]

    # --- Deciding ---

    def _suggestions(self, photo_ids: Sequence[int]) -> Mapping[int, Decision]:
        said = {photo: self._said[photo].label for photo in photo_ids if photo in self._said}
        return {photo: decisions.relabel(label) for photo, label in said.items()}

    def _take_staged(self, surprises: Sequence[StagedDecision], wanted: Mapping[int, Decision]) -> None:
        for photo, decision in wanted.items():
            if decision.to is not None and (said := self._said.get(photo)) is not None:
                self._lately.append((photo, said.label == decision.to))
        super()._take_staged(surprises, wanted)
        if self._n_open() and self._following(wanted) is None:
            self.ask_anew()

    def _say_undone(self, photo_ids: Sequence[int]) -> None:
        self._round = [*(photo for photo in photo_ids if photo not in self._round), *self._round]
        left = (entry for entry in self._lately if entry[0] not in photo_ids)
        self._lately = deque(left, maxlen=REMEMBERED)
        super()._say_undone(photo_ids)

    def _following(self, decided: Iterable[int]) -> int | None:
        """The next photo that is shown and open: behind those that were decided, else from the beginning."""
        shown, waiting = self.shown(), self.staging.decisions if self.staging else {}
        place = max((shown.index(photo) for photo in decided if photo in shown), default=-1)
        return next((photo for photo in [*shown[place + 1 :], *shown] if photo not in waiting), None)

    def _show_decided(self) -> None:
        self._show()
        self.gallery.renew()

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
        if error is None and (following := self._following(())) is not None:
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
        chosen = [self._photos[photo] for photo in self.chosen() if photo in self._photos]
        waiting = self.staging.decisions if self.staging else {}
        self._target = target_of(chosen, self._said, waiting.get(chosen[0].id) if chosen else None)
        self._has_suggestion = any(photo.id in self._said for photo in chosen)

    def _is_open(self, photo_id: int) -> bool:
        return photo_id in self._photos and not (self.staging and photo_id in self.staging.decisions)

    def _n_open(self) -> int:
        return sum(map(self._is_open, self._photos))

    def _name(self, photo_id: int) -> str:
        photo = self._photos.get(photo_id)
        return Path(photo.original_name).name if photo else ""

    def _do(self, kind: object) -> None:
        if kind == "next":
            self.ask_anew()
