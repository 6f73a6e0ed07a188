"""The cleaner: photos with the worst issue first, and a decision for each at one key.

In a notebook:

    cleaner = Cleaner("datasets/bears")
    display(cleaner)
    cleaner.decide(relabel("grizzly"), [photo_id])
    cleaner.changes.apply()

Decisions are in the catalog the moment they are made, so a filter, a reload or a killed kernel loses none. After
every few of them what is left is ranked again, beside everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import traitlets

from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark.curation.audit import read_audit
from fieldmark.errors import Cancelled
from fieldmark.issues.issue import KINDS
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.auditcheck import answer_check, begin_check, say_check
from fieldmark_widgets.cleanerwords import describe_kinds, say_headline, say_summary
from fieldmark_widgets.closeups import CloseUps
from fieldmark_widgets.deciding import Deciding
from fieldmark_widgets.gallery import Gallery, GalleryRow, LazyRows
from fieldmark_widgets.galleryrows import first_left, focus_on, row_of, target_of
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.photolist import PhotoList, photos_to_clean
from fieldmark_widgets.photorows import Judgement, judge_project
from fieldmark_widgets.rejudging import Rejudging
from fieldmark_widgets.rowfilter import RowFilter
from fieldmark_widgets.staging import Staging
from fieldmark_widgets.strings.cleaner import CLEANER
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace, as_workspace

FILTERS = ("label", "side", "decision", "issue", "confidence", "disagrees", "text", "only")
RANK_AGAIN = 8
"""After so many decisions what is left is ranked again."""


class Cleaner(Deciding):
    """Shows photos to decide about: keep, delete, relabel or unsure.

    Messages from the browser, besides those of `Deciding`: `check`, which shows photos drawn by chance; and `show_all`,
    which ends `only`.
    """

    _esm = module("cleaner")
    _css = stylesheet("cleaner")
    set_by_page = frozenset({"label", "side", "decision", "issue", "confidence", "disagrees", "text"})

    label = traitlets.Unicode("").tag(sync=True)
    """Show only photos of this class; empty for all."""
    side = traitlets.Enum(("all", "train", "valid"), "all").tag(sync=True)
    """Show only photos that were learned from, or held out."""
    decision = traitlets.Enum(("any", "open", "staged"), "any").tag(sync=True)
    """Show only photos without, or with, a decision that waits."""
    issue = traitlets.Enum(("", "any", *KINDS), "").tag(sync=True)
    """Show only photos with this kind of issue, or with any; empty for all photos."""
    confidence = traitlets.Enum(("any", "high", "middle", "low"), "any").tag(sync=True)
    """Show only photos that the model is sure of (from 90 %), fairly sure (from 70 %) or unsure."""
    disagrees = traitlets.Bool(False).tag(sync=True)
    """Show only photos where the model says something else than the label."""
    text = traitlets.Unicode("").tag(sync=True)
    """Show only photos with this in their name."""
    only = traitlets.Tuple()
    """Show only these CatalogPhotos, such as `Results.to_clean`; empty for all."""
    shown = traitlets.Tuple()
    """The PhotoRows that are shown, in their order."""

    _strings = traitlets.Dict(dict(CLEANER)).tag(sync=True)
    _classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _kinds = traitlets.List(traitlets.Dict()).tag(sync=True)
    _check = traitlets.Unicode("").tag(sync=True)
    _n_only = traitlets.Int(0).tag(sync=True)
    _n_shown = traitlets.Int(0).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Clean a workspace's project, or the dataset folder at a path."""
        self.photos = PhotoList()
        self._rejudging: Rejudging | None = None
        self._n_decided = 0
        self._is_ranking = False
        super().__init__(as_workspace(workspace), gallery=Gallery(), **traits)
        self._follow(self._on_project, "project")
        self._follow(self._on_training, "trainings")
        self._follow(self._on_change, "changes", "decisions")
        self._on_project()

    # --- Deciding ---

    def _suggestions(self, photo_ids: Sequence[int]) -> Mapping[int, Decision]:
        return self.photos.suggestions(photo_ids)

    def _following(self, decided: Iterable[int]) -> int | None:
        following: int | None = self.gallery.after([*decided])
        return following

    def _name(self, photo_id: int) -> str:
        return self.photos.name(photo_id)

    def _take_staged(self, surprises: Sequence[StagedDecision], wanted: Mapping[int, Decision]) -> None:
        super()._take_staged(surprises, wanted)
        self._n_decided += len(wanted)
        self._rank_again()

    def _say_decided(self, photo_ids: Iterable[int]) -> None:
        if self.staging is not None and self._check:
            decided = [row.photo for row in self.photos.of(photo_ids)]
            answer_check(self.staging.catalog, decided, self.staging.decisions)
        super()._say_decided(photo_ids)

    def _show_decided(self) -> None:
        if self.decision == "any":  # then the same photos are shown as before
            self.gallery.renew()
            self._show_words()
        else:
            self._show()

    # --- From the catalog to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.problem = self._notice = self._progress = ""
        self._watch, self._rejudging, self.only = None, None, ()
        self.photos = PhotoList()
        self.staging = Staging(project.catalog, self.workspace.who) if project else None
        if project:
            self._look_closely_with(CloseUps(project.catalog, None))
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
        self._show_words()
        self.workspace.worker.submit(
            lambda: judge_project(project, watch), lambda done: self._take_judgements(done, project)
        )

    @guard
    def _take_judgements(self, done: Future[tuple[Learner, dict[int, Judgement]]], project: Project) -> None:
        if project is not self.workspace.project:
            return  # another dataset was opened meanwhile
        self._watch, self._progress = None, ""
        untouched = bool(self.shown) and self.gallery.focus == self.shown[0].photo.id
        learner, judgements = (None, {}) if done.exception() else done.result()
        self._n_decided, self._rejudging = 0, Rejudging(learner, project.catalog) if learner else None
        self._look_closely_with(CloseUps(project.catalog, learner))
        self._read(judgements)
        if untouched and self.shown:  # nobody has begun: begin with the most doubtful one that is left
            focus_on(self.gallery, first_left(self.shown, self.staging.decisions if self.staging else {}))
        if (error := done.exception()) is not None and not isinstance(error, Cancelled):
            self.problem = explain_error(error)

    @guard
    def _on_change(self, _change: object = None) -> None:
        if not self._deciding:
            self._read()
            self._rank_again(at_once=True)

    def _read(self, judgements: Mapping[int, Judgement] | None = None) -> None:
        """Read photos and decisions anew; only a new word of the model changes the order."""
        project = self.workspace.project
        if project is None or self.staging is None:
            self.photos = PhotoList()
        else:
            self._seen_ns = self.staging.written_ns()
            self.staging.read()
            photos = photos_to_clean(project.catalog)
            self.photos = self.photos.renewed(photos) if judgements is None else PhotoList(photos, judgements)
        if self._watch is None:
            self.state = "ready" if len(self.photos) else "empty"
        self._show()

    def _look_closely_with(self, closeups: CloseUps) -> None:
        self.gallery.look_closely_with(lambda photo_id: closeups.of(self.photos[photo_id]))

    # --- Ranking again what is left ---

    def _rank_again(self, *, at_once: bool = False) -> None:
        """After some decisions, let the worker fit again and rank what is left; one at a time."""
        rejudging, staging = self._rejudging, self.staging
        enough = self._n_decided >= RANK_AGAIN or (at_once and self._n_decided > 0)
        if rejudging is None or staging is None or self._is_ranking or self._watch or not enough:
            return
        self._is_ranking, self._n_decided = True, 0
        waiting, before = dict(staging.decisions), self.photos.judgements
        self.workspace.worker.submit(
            lambda: rejudging.judge(waiting, before), lambda done: self._take_rejudged(done, rejudging)
        )

    @guard
    def _take_rejudged(self, done: Future[dict[int, Judgement]], rejudging: Rejudging) -> None:
        """Move nothing up to the photo that is looked at, nor under a choice of several."""
        self._is_ranking = False
        if rejudging is not self._rejudging or done.exception() is not None or self.gallery.selected:
            return  # what is ranked by the labels from before stays
        waiting = self.staging.decisions if self.staging else {}
        self.photos.rank_again(done.result(), waiting, self.gallery.focus)
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
        wanted = RowFilter(**{name: getattr(self, name) for name in FILTERS} | {"only": only})
        rows = self.photos.rows
        if not wanted.is_open:
            rows = [row for row in rows if wanted.takes(row, waiting.get(row.photo.id))]
        self.shown, self._n_shown = tuple(rows), len(rows)
        self.gallery.rows = LazyRows([row.photo.id for row in rows], self._card)
        self._show_words()

    def _show_words(self) -> None:
        waiting = self.staging.decisions if self.staging else {}
        photos, is_ranked = self.photos, bool(self.photos.judgements)
        new = sorted({s.decision.to for s in waiting.values() if s.decision.to} - set(photos.classes))
        self._classes, self._labels = photos.classes, [*photos.classes, *new]
        left = [kinds for photo_id, kinds in photos.kinds.items() if photo_id not in waiting]
        self._kinds = describe_kinds(left, self.issue)
        self._check = say_check(read_audit(self.staging.catalog)) if self.staging else ""
        self._headline = say_headline(len(photos), len(left), is_ranked=is_ranked)
        said = say_summary(self._n_shown, len(photos), len(photos.of(waiting)), is_ranked=is_ranked)
        self._summary = "" if self._watch and not is_ranked else said
        self._show_target()

    def _card(self, photo_id: int) -> GalleryRow:
        """A photo as the gallery shows it."""
        assert self.staging is not None  # else there are no photos
        return row_of(self.staging.root, self.photos[photo_id], self.staging.decisions.get(photo_id))

    def _show_target(self, _change: object = None) -> None:
        rows = self.photos.of(self.chosen())
        waiting = self.staging.decisions if self.staging else {}
        self._target = target_of(rows, waiting.get(rows[0].photo.id) if rows else None)
        self._has_suggestion = any(row.said is not None for row in rows)

    def _do(self, kind: object) -> None:
        if kind == "check" and self.staging is not None:
            self.only = begin_check(self.staging.catalog)
        elif kind == "show_all":
            self.only = ()
