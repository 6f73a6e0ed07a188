"""The staged decisions as a diff, and the one act that applies them; undo, redo, and training again.

In a notebook:

    changes = StagedChanges("datasets/bears")
    display(changes)
    changes.apply()
    changes.wait()
    changes.act             # what was done, and what could not be
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog
from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark.catalog.journal import Act
from fieldmark.errors import Cancelled
from fieldmark.project import Project
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.cleanerwords import (
    act_to_redo,
    act_to_undo,
    count_decisions,
    describe_act,
    name_act,
    say_progress_made,
)
from fieldmark_widgets.gallery import Gallery
from fieldmark_widgets.galleryrows import chosen_in, diff_row
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.photorows import PhotoRow
from fieldmark_widgets.strings.cleaner import CLEANER
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent


class StagedChanges(WorkspaceComponent):
    """Shows what is staged in a project's catalog, applies it, and undoes it.

    Messages from the browser: `take_back` (the photos chosen in the gallery), `apply`, `undo`, `redo`, `train`,
    `cancel`.
    """

    _esm = module("stagedchanges")
    _css = stylesheet("cleaner")

    staged = traitlets.Tuple()
    """The StagedDecisions that wait, in the order of deciding."""
    act = traitlets.Any(None)
    """The Act that was applied, undone or redone last in this kernel; its `failed` photos are as they were."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: nothing waits · busy: applying or training · ready: something waits."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of photos that something was decided about."""

    _strings = traitlets.Dict(dict(CLEANER)).tag(sync=True)
    _waiting = traitlets.Unicode("").tag(sync=True)
    _n_to_apply = traitlets.Int(0).tag(sync=True)
    _overtaken = traitlets.Unicode("").tag(sync=True)
    _done = traitlets.Dict().tag(sync=True)
    _undo = traitlets.Dict().tag(sync=True)
    _redo = traitlets.Dict().tag(sync=True)
    _can_train = traitlets.Bool(False).tag(sync=True)
    _blocker = traitlets.Unicode("").tag(sync=True)
    _compared = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Show the staged decisions of a workspace's project, or of the dataset folder at a path."""
        self._watch: Watch | None = None
        self._judged: object = None
        self._worth = False
        super().__init__(workspace, gallery=Gallery(), **traits)
        self.on_msg(self._receive)
        self._follow(self._on_project, "project")
        self._follow(self._on_change, "changes", "decisions", "trainings")
        self._on_project()

    def apply(self) -> None:
        """Do what was decided, as one act; "unsure" and what somebody else overtook stay staged."""
        project, who = self._project, self.workspace.who
        chosen = {waiting.photo_id: waiting.decision for waiting in _to_apply(project.catalog)}
        why = CLEANER["why"].format(counts=count_decisions(chosen.values(), "applied"))
        self._act(
            lambda: project.catalog.apply_staged(who=who, why=why), lambda act: _say_applied(act, chosen)
        )

    def undo(self) -> None:
        """Undo the last act; what it had applied is staged again."""
        project, who = self._project, self.workspace.who
        self._act(lambda: project.catalog.undo(who=who), lambda act: _say_turned(act, "undone"))

    def redo(self) -> None:
        """Do again what was undone last."""
        project, who = self._project, self.workspace.who
        self._act(lambda: project.catalog.redo(who=who), lambda act: _say_turned(act, "redone"))

    def take_back(self, photo_ids: Sequence[int]) -> None:
        """Let photos wait for nothing any more."""
        self._project.catalog.unstage(photo_ids)
        self.workspace.say_decided()

    def train(self) -> None:
        """Train on the photos as they are now, and compare."""
        self.workspace.train(self._begin(CLEANER["training"]), self._end_training)

    @property
    def _project(self) -> Project:
        if self.workspace.project is None:
            raise ValueError("no project is open")
        return self.workspace.project

    # --- What is shown ---

    def _on_project(self, _change: object = None) -> None:
        self.problem, self._done, self.act = "", {}, None
        self._on_change()

    @guard
    def _on_change(self, _change: object = None) -> None:
        project = self.workspace.project
        if project is None:
            self.staged, self.state, self.gallery.rows = (), "empty", ()
            return
        catalog = project.catalog
        self.staged = tuple(catalog.staged())
        overtaken = len(catalog.overtaken())
        self._waiting = count_decisions(waiting.decision for waiting in self.staged)
        self._n_to_apply = len(_to_apply(catalog))
        self._overtaken = _say_number("overtaken", overtaken)
        acts = catalog.acts()
        self._undo = describe_act(act_to_undo(acts), "undo")
        self._redo = describe_act(act_to_redo(acts), "redo")
        self._can_train = self._is_worth_training(project, acts)
        self._compared = "" if self._can_train or self._blocker else say_progress_made(project)
        self._show_diff(catalog)
        if self.state != "busy":
            self.state = "ready" if self.staged else "empty"

    def _is_worth_training(self, project: Project, acts: Sequence[Act]) -> bool:
        """Whether photos or choices changed; looked up only after an act, since decisions change neither."""
        now = (project, [(act.id, act.state) for act in acts], project.choices, self.workspace.trainings)
        if now != self._judged:
            self._judged = now
            blockers = project.train_blockers()
            changed = project.is_stale or not project.is_trained
            self._worth, self._blocker = changed and not blockers, " ".join(blockers)
        return self._worth

    def _show_diff(self, catalog: Catalog) -> None:
        photos = catalog.photos(ids=[waiting.photo_id for waiting in self.staged], status=None)
        rows = {photo.id: PhotoRow(photo, None) for photo in photos}
        self.gallery.rows = tuple(
            diff_row(catalog.root, rows[waiting.photo_id], waiting) for waiting in self.staged
        )

    # --- Acts and training ---

    def _act(self, job: Callable[[], Act | None], say: Callable[[Act], str]) -> None:
        """Let the worker do an act; hundreds of files may have to move."""
        project = self._project
        self._begin(CLEANER["applying"])
        self._watch = None  # an act is done wholly, or undone
        self.workspace.worker.submit(job, lambda done: self._take_act(done, say, project))

    @guard
    def _take_act(self, done: Future[Act | None], say: Callable[[Act], str], project: Project) -> None:
        self._end(done)
        if done.exception() is None and project is self.workspace.project:
            self.act = done.result()
            self._done = _say_act(self.act, say)
        self.workspace.say_changed()

    def _begin(self, step: str) -> Watch:
        self.problem, self._done = "", {}
        self.state, self._progress = "busy", step
        watch = self._watch = Watch(self._show_progress)
        return watch

    def _end(self, done: Future[Any]) -> None:
        self._watch, self._progress = None, ""
        self.state = "ready" if self.staged else "empty"
        error = done.exception()
        if error is not None and not isinstance(error, Cancelled):
            self.problem = explain_error(error)

    @guard
    def _end_training(self, done: Future[Any]) -> None:
        self._end(done)
        self._on_change()

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None:
            self._progress = CLEANER["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        self.problem = ""
        if kind == "cancel":
            if self._watch is not None:
                self._watch.cancel()
        elif self.state == "busy" or self.workspace.project is None:
            return
        elif kind == "take_back":
            self.take_back(chosen_in(self.gallery))
        elif kind in ("apply", "undo", "redo", "train"):
            getattr(self, kind)()


def _to_apply(catalog: Catalog) -> list[StagedDecision]:
    """What `apply_staged` will do: all but "unsure" and what somebody else overtook."""
    overtaken = {waiting.photo_id for waiting in catalog.overtaken()}
    staged = (waiting for waiting in catalog.staged() if waiting.decision.kind != "unsure")
    return [waiting for waiting in staged if waiting.photo_id not in overtaken]


def _say_act(act: Act | None, say: Callable[[Act], str]) -> dict[str, Any]:
    """What was done, and which photos could not be moved and why."""
    if act is None or not (act.changed or act.failed):
        return {"text": CLEANER["done_nothing"], "failed_title": "", "failed": []}
    reasons = [step.reason for step in act.failed]
    return {"text": say(act), "failed_title": _say_number("failed", len(reasons)), "failed": reasons}


def _say_applied(act: Act, chosen: Mapping[int, Decision]) -> str:
    failed = {step.photo_id for step in act.failed}
    done = (decision for photo_id, decision in chosen.items() if photo_id not in failed)
    if not act.changed:
        return CLEANER["done_nothing"]
    return CLEANER["done"].format(counts=count_decisions(done, "applied"))


def _say_turned(act: Act, key: str) -> str:
    return CLEANER[key].format(act=name_act(act))


def _say_number(key: str, n: int) -> str:
    return CLEANER[f"{key}_one" if n == 1 else key].format(n=f"{n:,}") if n else ""
