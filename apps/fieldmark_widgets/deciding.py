"""What the cleaner and the labeller have in common: photos in a gallery, and a decision about each at one key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar

import anywidget
import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark_widgets.cleanerwords import say_surprise
from fieldmark_widgets.gallery import Gallery
from fieldmark_widgets.galleryrows import chosen_in, focus_on
from fieldmark_widgets.guard import guard
from fieldmark_widgets.stagedchanges import StagedChanges
from fieldmark_widgets.staging import Staging, as_told
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.workspace import Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

MANY = 25
"""Above so many photos at once, deciding is left to the worker: each is written to the disk by itself."""
MOST_TOLD = 3
"""Decisions of somebody else that were replaced, and are told of one by one."""


class Deciding(WorkspaceComponent):
    """Stages decisions about the photos of a gallery in the catalog, and tells every other component of the page.

    Messages from the browser: `decide` (what: accept, or one of `kinds`, with to), `take_back` and `undo_decision`,
    about the chosen photos; `cancel`; and `look`, now and then, which is when other pages' decisions are seen.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"keep", "delete", "unsure", "relabel"})
    """What can be decided here."""

    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: no photo to decide about · busy: the model is asked, photos can be decided about already · ready."""
    gallery: Any = anywidget.WidgetTrait().tag(sync=True)
    """The Gallery of the photos that are shown."""
    changes: Any = anywidget.WidgetTrait().tag(sync=True)
    """The StagedChanges: the diff, apply, undo, redo, and training again."""

    _strings = traitlets.Dict().tag(sync=True)
    _labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _headline = traitlets.Unicode("").tag(sync=True)
    _summary = traitlets.Unicode("").tag(sync=True)
    _notice = traitlets.Unicode("").tag(sync=True)
    _progress = traitlets.Unicode("").tag(sync=True)
    _target = traitlets.Dict().tag(sync=True)
    _has_suggestion = traitlets.Bool(False).tag(sync=True)

    def __init__(self, workspace: Workspace, *, gallery: Gallery, **traits: Any) -> None:
        """Show a gallery, and beneath it what is staged in the workspace's project."""
        self.staging: Staging | None = None
        self._watch: Watch | None = None
        self._seen_ns = 0
        self._deciding = False
        super().__init__(workspace, gallery=gallery, changes=StagedChanges(workspace), **traits)
        self.on_msg(self._receive)
        self.gallery.observe(self._show_target, ["selected", "focus"])

    # --- Deciding ---

    def decide(self, decision: Decision, photo_ids: Sequence[int] | None = None) -> None:
        """Stage a decision about photos, by id; about those chosen in the gallery where none are given.

        Raises:
            KeyError: there is no such photo.
            StoreError: the catalog cannot be written.
        """
        self._stage(dict.fromkeys(self.chosen() if photo_ids is None else photo_ids, decision))

    def accept(self, photo_ids: Sequence[int] | None = None) -> None:
        """Take the model's suggestion, where there is one: the label it says, or to keep the one that is there."""
        self._stage(self._suggestions(self.chosen() if photo_ids is None else photo_ids))

    def take_back(self, photo_ids: Sequence[int] | None = None) -> None:
        """Let photos wait for nothing any more."""
        if self.staging is not None:
            self._say_undone(self.staging.take_back(self.chosen() if photo_ids is None else photo_ids))

    def undo_decision(self) -> None:
        """Undo the last thing that was decided or taken back, and go to its photos."""
        if self.staging is None:
            return
        undone = self.staging.undo_last()
        self._say_undone(undone)
        if undone:
            focus_on(self.gallery, undone[0])

    def chosen(self) -> list[int]:
        """The photos that a decision is about, by id: the selected ones, else the one that has the focus."""
        return chosen_in(self.gallery)

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
            say_surprise(theirs, self._name(theirs.photo_id), wanted[theirs.photo_id])
            for theirs in surprises[:MOST_TOLD]
        )
        self._say_decided(wanted)
        self.gallery.selected = ()
        if following is not None:
            focus_on(self.gallery, following)

    def _say_decided(self, photo_ids: Iterable[int]) -> None:
        """Show what was decided here, and tell the others."""
        self._seen_ns = self.staging.written_ns() if self.staging else 0
        self._show_decided()
        self._deciding = True
        try:
            self.workspace.say_decided()
        finally:
            self._deciding = False

    def _say_undone(self, photo_ids: Sequence[int]) -> None:
        """As `_say_decided`, of decisions that wait no more."""
        self._say_decided(photo_ids)

    # --- What differs ---

    def _suggestions(self, photo_ids: Sequence[int]) -> Mapping[int, Decision]:
        """What the model would decide about photos, by id."""
        raise NotImplementedError

    def _following(self, decided: Iterable[int]) -> int | None:
        """The photo to go to when these are decided about."""
        raise NotImplementedError

    def _name(self, photo_id: int) -> str:
        """What a photo is called; empty for one that is gone."""
        raise NotImplementedError

    def _show_decided(self) -> None:
        """Show anew what waits."""
        raise NotImplementedError

    def _show_target(self, _change: object = None) -> None:
        """Say in the bar which photos a decision is about."""
        raise NotImplementedError

    def _do(self, kind: object) -> None:
        """Do what else a page asks for."""
        raise NotImplementedError

    # --- From the kernel, and from the browser ---

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is not None and progress.total:
            self._progress = self._strings["progress"].format(
                step=progress.step, done=progress.done, total=progress.total
            )

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "look":
            self._look()
            return
        self.problem = self._notice = ""
        if kind == "decide":
            self._decide_as_told(message)
        elif kind == "take_back":
            self.take_back()
        elif kind == "undo_decision":
            self.undo_decision()
        elif kind == "cancel" and self._watch is not None:
            self._watch.cancel()
        else:
            self._do(kind)

    def _decide_as_told(self, message: Message) -> None:
        what = message.get("what")
        if what == "accept":
            self.accept()
        elif str(what) in self.kinds and (decision := as_told(what, message.get("to"))):
            self.decide(decision)

    def _look(self) -> None:
        """See whether another page has changed something."""
        if self.staging is not None and self.staging.written_ns() != self._seen_ns:
            self.workspace.say_changed()
