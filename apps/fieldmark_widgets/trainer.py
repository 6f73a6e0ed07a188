"""The trainer: what is trained on, how a photo is seen, one button, and how good it is.

In a notebook:

    trainer = Trainer("datasets/bears")
    display(trainer)
    trainer.learner.valid.error_rate
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_args

import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import CatalogPhoto
from fieldmark.choices import Choices
from fieldmark.errors import BadImageError, Cancelled
from fieldmark.fitting.advice import Advice, auto_advice
from fieldmark.imaging.augment import ViewKind
from fieldmark.imaging.resize import Method as ResizeMethod
from fieldmark.project import Project
from fieldmark.splits import Method as SplitMethod
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.cleanerwords import say_progress_made
from fieldmark_widgets.fitting import Fitting, show_fitting
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.strings.trainer import TRAINER
from fieldmark_widgets.trainerwords import (
    describe_result,
    describe_rounds,
    describe_share,
    describe_size,
    describe_splits,
    say_stale,
    say_uneven,
    say_unfinished,
)
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.worker import Worker
from fieldmark_widgets.workspace import How, Workspace
from fieldmark_widgets.workspacecomponent import WorkspaceComponent

SIZES = (160, 224, 256, 320)
SHARES = (0.1, 0.2, 0.3)
ALLOWED: dict[str, tuple[object, ...]] = {
    "resize": get_args(ResizeMethod),
    "split": get_args(SplitMethod),
    "size_px": SIZES,
    "valid_pct": SHARES,
    "views": (0, 1, 2),
    "view_kind": get_args(ViewKind),
    "balanced": (False, True),
}
"""What a page may choose; seed and title are checked by their type."""
MOST_SEEDS = 10_000
MAX_TITLE = 80
ROUNDS_SHOWN = 6


class Trainer(WorkspaceComponent):
    """Trains on the workspace's dataset.

    Messages from the browser: `train`, `tune`, `take_best`, `advise`, `cancel`, `choose` (name, value), `another` (photo to look at),
    and `look`, now and then, while another page trains: then its result is shown.
    """

    _esm = module("trainer")
    _css = stylesheet("importer", "trainer")

    learner = traitlets.Any(None)
    """The Learner that was fitted last in this kernel; None before."""
    state = traitlets.Enum(("empty", "busy", "ready", "failed"), "empty").tag(sync=True)
    """empty: something is missing first, said in `blockers` · busy: training · ready · failed: `problem` says why."""
    blockers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What is missing before it can be trained, as sentences."""
    stale = traitlets.Unicode("").tag(sync=True)
    """What changed since the last training, as a sentence; empty when nothing did."""

    _strings = traitlets.Dict(dict(TRAINER)).tag(sync=True)
    _title = traitlets.Unicode("").tag(sync=True)
    _classes = traitlets.List(traitlets.Dict()).tag(sync=True)
    _uneven = traitlets.Unicode("").tag(sync=True)
    _choices = traitlets.Dict().tag(sync=True)
    _splits = traitlets.Dict().tag(sync=True)
    _sizes = traitlets.List(traitlets.Dict()).tag(sync=True)
    _shares = traitlets.List(traitlets.Dict()).tag(sync=True)
    _fitting = traitlets.Dict().tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _rounds = traitlets.List(traitlets.Dict()).tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)
    _notice = traitlets.Unicode("").tag(sync=True)
    _advice = traitlets.Unicode("").tag(sync=True)
    _is_tuning_unfinished = traitlets.Bool(False).tag(sync=True)
    _unfinished = traitlets.Unicode("").tag(sync=True)
    _is_best_to_take = traitlets.Bool(False).tag(sync=True)
    _is_tuned_elsewhere = traitlets.Bool(False).tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Train on a workspace's project, or on the dataset folder at a path."""
        self._watch: Watch | None = None
        self._preview = Worker("preview")
        self._photos: list[CatalogPhoto] = []
        self._looked_at = 0
        self._shown = ""
        self._began = 0.0
        super().__init__(workspace, **traits)
        self._sizes = [describe_size(px) for px in SIZES]
        self._shares = [describe_share(share) for share in SHARES]
        self.on_msg(self._receive)
        self._follow(self._on_project, "project")
        self._follow(self._show, "changes", "trainings")
        self._on_project()

    def train(self, *, fine_tune: bool = False) -> None:
        """Train in the worker; `wait` for it, then see `learner` and `problem`.

        Args:
            fine_tune: train the backbone as well, which takes minutes; stopped, it goes on the next time.
        """
        self._train("fine_tune" if fine_tune else "fit")

    def take_best(self) -> None:
        """Take the best epoch of a fine-tuning that was stopped, in the worker; it can still be gone on with."""
        if self._is_best_to_take:
            self._train("take_best")

    def _train(self, how: How) -> None:
        if (watch := self._begin()) is not None:
            self.workspace.train(watch, self._end, how=how)

    def advise(self) -> None:
        """Measure in the worker what fine-tuning would cost here, and whether it is likely to pay."""
        project = self.workspace.project
        if project is None or (watch := self._begin()) is None:
            return
        before = project.learner

        def take(done: Future[Advice]) -> None:
            if project is self.workspace.project and project.learner is not before:
                self.workspace.trainings += 1  # it was trained on the way
            self._take_advice(done)

        self.workspace.worker.submit(lambda: auto_advice(project.fitted(watch), callback=watch), take)

    def cancel(self) -> None:
        """Stop at the next photo; what was trained before stays."""
        if self._watch is not None:
            self._watch.cancel()

    def choose(self, **changes: Any) -> None:
        """Change how to train, and keep it with the dataset; TypeError for a choice that there is not."""
        project = self.workspace.project
        if project is not None:
            project.choose(**changes)
            self.workspace.say_changed()
            if changes.keys() & {"resize", "size_px"}:
                self._show_photo()

    def wait(self, timeout_s: float = 120.0) -> None:
        """Block until training, and the pictures, are done; TimeoutError where it took longer."""
        super().wait(timeout_s)
        self._preview.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page and end its thread."""
        self._preview.close()
        super().close()

    # --- From the project to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.problem, self._fitting, self._looked_at, self._shown = "", {}, 0, ""
        self._notice = self._advice = ""
        self.learner = project.learner if project else None
        self._show()

    @guard
    def _show(self, _change: object = None) -> None:
        project = self.workspace.project
        self.blockers = [TRAINER["no_project"]] if project is None else project.train_blockers()
        if project is None:
            self.state, self.stale, self._result, self._rounds = "empty", "", {}, []
            self._is_tuned_elsewhere = False
            return
        self.learner = project.learner
        counts = project.catalog.counts()
        self._photos = project.catalog.photos()
        self._title = TRAINER["title"].format(n=f"{sum(counts.values()):,}", classes=len(counts))
        self._classes = [{"label": label, "n": n} for label, n in counts.items()]
        self._uneven = say_uneven(counts)
        self._choices = _plain(project.choices)
        self._splits = describe_splits(self._photos)
        rounds = project.rounds()
        self._rounds = describe_rounds(rounds)[:ROUNDS_SHOWN]
        self._result = describe_result(rounds[0], say_progress_made(project)) if rounds else {}
        self.stale = say_stale(project, self.learner)
        self._is_tuned_elsewhere = self._watch is None and project.is_tuning_now
        so_far = project.tuning_so_far if self._watch is None and not self._is_tuned_elsewhere else None
        self._is_tuning_unfinished = project.is_tuning_unfinished and not self._is_tuned_elsewhere
        self._unfinished = say_unfinished(so_far)
        self._is_best_to_take = so_far is not None and so_far.best > 0
        if self._watch is None:
            self.state = "empty" if self.blockers else "ready"
        if self._photo_hash != self._shown:  # the photo that was looked at has gone, or the first one came
            self._show_photo()

    # --- Training ---

    def _begin(self) -> Watch | None:
        """Show that work has begun; None where it cannot, or other work is under way."""
        if self.workspace.project is None or self._watch is not None or self.blockers:
            return None
        self._watch = Watch(self._show_progress)
        self._began = time.monotonic()
        self.state, self.problem, self._notice = "busy", "", ""
        self._progress = {"text": TRAINER["starting"]}
        return self._watch

    @guard
    def _take_advice(self, done: Future[Advice]) -> None:
        self._end(done)
        if done.exception() is None:
            self._advice = done.result().sentence

    @guard
    def _end(self, done: Future[Any]) -> None:
        self._watch, self._progress = None, {}
        error = done.exception()
        if isinstance(error, Cancelled):
            self._notice = TRAINER["stopped" if self.learner else "stopped_first"]
        elif error is not None:
            self.problem = explain_error(error)
        self._show()
        if error is not None and not isinstance(error, Cancelled):
            self.state = "failed"

    def _look(self) -> None:
        """See whether the fine-tuning of a page that was closed has ended; then everybody takes it from the disk."""
        project = self.workspace.project
        if project is None or not self._is_tuned_elsewhere or project.is_tuning_now:
            return
        if project.is_trained and not project.is_tuning_unfinished:
            self.workspace.trainings += 1
        self._show()

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is None:
            return
        key = "progress" if progress.total else "progress_open"
        text = TRAINER[key].format(step=progress.step, done=f"{progress.done:,}", total=f"{progress.total:,}")
        if progress.left:
            text = TRAINER["progress_left"].format(text=text, left=progress.left)
        seconds = TRAINER["seconds"].format(s=f"{time.monotonic() - self._began:.0f}")
        self._progress = {"text": text, "seconds": seconds, "share": progress.done / max(progress.total, 1)}

    # --- How the model sees a photo ---

    @property
    def _photo_hash(self) -> str:
        """The photo to look at, by its SHA-256; empty without photos."""
        return self._photos[self._looked_at % len(self._photos)].hash if self._photos else ""

    def _show_photo(self) -> None:
        project, self._shown = self.workspace.project, self._photo_hash
        if project is None or not self._photos:
            self._fitting = {}
            return
        photo = self._photos[self._looked_at % len(self._photos)]
        choices, name = project.choices, Path(photo.original_name).name
        file = project.catalog.file_of(photo)
        self._preview.submit(
            lambda: show_fitting(file, name, choices.resize, choices.size_px),
            lambda done: self._take_photo(done, name),
        )

    @guard
    def _take_photo(self, done: Future[Fitting], name: str) -> None:
        error = done.exception()
        if isinstance(error, BadImageError):
            self._fitting = {"problem": TRAINER["unreadable"].format(name=name, reason=error)}
            return
        fitting = done.result()
        methods, views = dict(fitting.methods), {kind: list(shown) for kind, shown in fitting.views.items()}
        self._fitting = {"name": fitting.name, "methods": methods, "views": views}

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "train":
            self.train()
        elif kind == "tune":
            self.train(fine_tune=True)
        elif kind == "take_best":
            self.take_best()
        elif kind == "advise":
            self.advise()
        elif kind == "cancel":
            self.cancel()
        elif kind == "look":
            self._look()
        elif kind == "another":
            self._looked_at += max(1, len(self._photos) // 7)  # through the classes, not along one
            self._show_photo()
        elif kind == "choose":
            self._choose_as_told(str(message.get("name")), message.get("value"))

    def _choose_as_told(self, name: str, value: Any) -> None:
        if name == "seed" and self.workspace.project is not None:
            self.choose(seed=(self.workspace.project.choices.seed + 1) % MOST_SEEDS)
        elif name == "title" and isinstance(value, str):
            self.choose(title=value.strip()[:MAX_TITLE])
        elif _is_offered(name, value):
            self.choose(**{name: value})


def _plain(choices: Choices) -> dict[str, Any]:
    names = (*ALLOWED, "seed", "title")
    return {name: getattr(choices, name) for name in names}


def _is_offered(name: str, value: object) -> bool:
    """Whether a page may choose a value: 1 is no True, and 224.0 no size."""
    return any(type(value) is type(offered) and value == offered for offered in ALLOWED.get(name, ()))
