"""The trainer: what is trained on, how a photo is seen, one button, and how good it is.

In a notebook:

    trainer = Trainer("datasets/bears")
    display(trainer)
    trainer.learner.valid.error_rate
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import traitlets

from fieldmark.callbacks import Progress
from fieldmark.catalog import CatalogPhoto
from fieldmark.checkreport import UNEVEN
from fieldmark.errors import BadImageError, Cancelled
from fieldmark.learner import Learner
from fieldmark.project import Choices, Project, Round
from fieldmark.resize import Method as ResizeMethod
from fieldmark.splits import Method as SplitMethod
from fieldmark.stats import wilson
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.cleanerwords import say_progress_made
from fieldmark_widgets.component import Component
from fieldmark_widgets.fitting import Fitting, show_fitting
from fieldmark_widgets.guard import explain_error, guard
from fieldmark_widgets.since import changed_since
from fieldmark_widgets.strings_trainer import TRAINER
from fieldmark_widgets.uploader import Message
from fieldmark_widgets.watch import Watch
from fieldmark_widgets.worker import Worker
from fieldmark_widgets.workspace import Workspace, as_workspace

SIZES = (160, 224, 288, 320)
SHARES = (0.1, 0.2, 0.3)
ALLOWED: dict[str, tuple[object, ...]] = {
    "resize": get_args(ResizeMethod),
    "split": get_args(SplitMethod),
    "size_px": SIZES,
    "valid_pct": SHARES,
    "views": (0, 1, 2),
    "balanced": (False, True),
}
"""What a page may choose; seed and title are checked by their type."""
MOST_SEEDS = 10_000
MAX_TITLE = 80
ROUNDS_SHOWN = 6


class Trainer(Component):
    """Trains on the workspace's dataset.

    Messages from the browser: `train`, `cancel`, `choose` (name, value), `another` (photo to look at).
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
    _fitting = traitlets.Dict().tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _rounds = traitlets.List(traitlets.Dict()).tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)

    def __init__(self, workspace: Workspace | Project | str | Path | None = None, **traits: Any) -> None:
        """Train on a workspace's project, or on the dataset folder at a path."""
        self.workspace = as_workspace(workspace)
        self._watch: Watch | None = None
        self._preview = Worker("preview")
        self._photos: list[CatalogPhoto] = []
        self._looked_at = 0
        self._began = 0.0
        super().__init__(**traits)
        self._sizes = [_describe_size(px) for px in SIZES]
        self.on_msg(self._receive)
        self.workspace.observe(self._on_project, "project")
        self.workspace.observe(self._show, ["changes", "trainings"])
        self._on_project()

    def train(self) -> None:
        """Train in the worker; `wait` for it, then see `learner` and `problem`."""
        if self.workspace.project is None or self._watch is not None or self.blockers:
            return
        watch = self._watch = Watch(self._show_progress)
        self._began = time.monotonic()
        self.state, self.problem, self._progress = "busy", "", {"text": TRAINER["starting"]}
        self.workspace.train(watch, self._end)

    def cancel(self) -> None:
        """Stop at the next photo; what was trained before stays."""
        if self._watch is not None:
            self._watch.cancel()

    def choose(self, **changes: Any) -> None:
        """Change how to train, and keep it with the dataset; TypeError for a choice that there is not."""
        project = self.workspace.project
        if project is not None:
            project.choose(**changes)
            self._show()
            if changes.keys() & {"resize", "size_px"}:
                self._show_photo()
            self.workspace.say_changed()

    def wait(self, timeout_s: float = 120.0) -> None:
        """Block until training, and the pictures, are done.

        Raises:
            TimeoutError: it took longer.
        """
        self.workspace.worker.wait(timeout_s)
        self._preview.wait(timeout_s)

    def close(self) -> None:
        """Take it off the page and end its thread."""
        self._preview.close()
        super().close()

    # --- From the project to what is shown ---

    @guard
    def _on_project(self, _change: object = None) -> None:
        project = self.workspace.project
        self.problem, self._fitting, self._looked_at = "", {}, 0
        self.learner = project.learner if project else None
        self._show()
        self._show_photo()

    @guard
    def _show(self, _change: object = None) -> None:
        project = self.workspace.project
        self.blockers = [TRAINER["no_project"]] if project is None else project.train_blockers()
        if project is None:
            self.state, self._result, self._rounds = "empty", {}, []
            return
        self.learner = project.learner
        counts = project.catalog.counts()
        self._photos = project.catalog.photos()
        self._title = TRAINER["title"].format(n=f"{sum(counts.values()):,}", classes=len(counts))
        self._classes = [{"label": label, "n": n} for label, n in counts.items()]
        self._uneven = _say_uneven(counts)
        self._choices = _plain(project.choices)
        self._splits = _describe_splits(self._photos)
        rounds = project.rounds()
        self._rounds = [_describe_round(entry, rounds[0]) for entry in rounds[:ROUNDS_SHOWN]]
        self._result = _describe_result(rounds[0], say_progress_made(project)) if rounds else {}
        self.stale = _say_stale(project, self.learner)
        if self._watch is None:
            self.state = "empty" if self.blockers else "ready"

    # --- Training ---

    @guard
    def _end(self, done: Future[Learner]) -> None:
        self._watch, self._progress = None, {}
        error = done.exception()
        if isinstance(error, Cancelled):
            self.problem = TRAINER["stopped"]
        elif error is not None:
            self.problem = explain_error(error)
        self._show()
        if error is not None and not isinstance(error, Cancelled):
            self.state = "failed"

    def _show_progress(self, progress: Progress) -> None:
        if self._watch is None:
            return
        key = "progress" if progress.total else "progress_open"
        text = TRAINER[key].format(step=progress.step, done=f"{progress.done:,}", total=f"{progress.total:,}")
        seconds = TRAINER["seconds"].format(s=f"{time.monotonic() - self._began:.0f}")
        self._progress = {"text": text, "seconds": seconds, "share": progress.done / max(progress.total, 1)}

    # --- How the model sees a photo ---

    def _show_photo(self) -> None:
        project = self.workspace.project
        if project is None or not self._photos:
            self._fitting = {}
            return
        photo = self._photos[self._looked_at % len(self._photos)]
        choices, name = project.choices, Path(photo.original_name).name
        file = project.catalog.file_of(photo)
        self._preview.submit(
            lambda: show_fitting(file, name, choices.resize, choices.size_px), self._take_photo
        )

    @guard
    def _take_photo(self, done: Future[Fitting]) -> None:
        error = done.exception()
        if isinstance(error, BadImageError):
            self._fitting = {"problem": TRAINER["unreadable"].format(reason=error)}
            return
        fitting = done.result()
        self._fitting = {"name": fitting.name, "methods": dict(fitting.methods), "views": list(fitting.views)}

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = message.get("kind")
        if kind == "train":
            self.train()
        elif kind == "cancel":
            self.cancel()
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
        elif value in ALLOWED.get(name, ()):
            self.choose(**{name: value})


def _plain(choices: Choices) -> dict[str, Any]:
    names = (*ALLOWED, "seed", "title")
    return {name: getattr(choices, name) for name in names}


def _describe_size(px: int) -> dict[str, Any]:
    """A size and what it costs: the time grows with the number of pixels."""
    times = (px / 224) ** 2
    key = "size_slower" if times > 1 else "size_text"
    return {"px": px, "text": TRAINER[key].format(px=px, times=f"{times:.1f}")}


def _describe_splits(photos: list[CatalogPhoto]) -> dict[str, Any]:
    """Which ways to hold photos out there are here, and why not the others."""
    undated = sum(photo.captured is None for photo in photos)
    ungrouped = sum(photo.group is None for photo in photos)
    return {
        "given": any(photo.split in ("valid", "test") for photo in photos),
        "methods": [
            "random",
            *(["by_date"] if not undated else []),
            *(["by_group"] if not ungrouped else []),
        ],
        "why_not": [
            *([TRAINER["no_dates"].format(n=f"{undated:,}")] if undated else []),
            *([TRAINER["no_groups"].format(n=f"{ungrouped:,}")] if ungrouped else []),
        ],
    }


def _describe_result(latest: Round, compared: str) -> dict[str, Any]:
    k, n = len(latest.wrong), latest.n_valid
    low, high = wilson(k, n)
    return {
        "headline": TRAINER["wrong_one" if k == 1 else "wrong"].format(k=k, n=f"{n:,}"),
        "error": TRAINER["error"].format(rate=f"{100 * k / max(n, 1):.1f} %", low=f"{100 * low:.1f}", high=f"{100 * high:.1f}"),
        "note": TRAINER["held_out"].format(n=f"{latest.n_train:,}", seconds=f"{latest.seconds:.1f}"),
        "compared": compared,
    }  # fmt: skip


def _describe_round(entry: Round, latest: Round) -> dict[str, str]:
    at = datetime.fromisoformat(entry.at).astimezone().strftime("%d %b %H:%M")
    note = TRAINER["round_note"].format(at=at, n_train=f"{entry.n_train:,}")
    same = f" · {TRAINER['round_same']}" if entry is not latest and entry.held_out == latest.held_out else ""
    return {
        "text": TRAINER["round"].format(wrong=len(entry.wrong), n=f"{entry.n_valid:,}"),
        "note": note + same,
    }


def _say_uneven(counts: dict[str, int]) -> str:
    if len(counts) < 2:
        return ""
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    times = counts[most] / counts[least]
    return TRAINER["uneven"].format(most=most, least=least, times=f"{times:.1f}") if times > UNEVEN else ""


def _say_stale(project: Project, learner: Learner | None) -> str:
    if not project.is_stale:
        return ""
    return changed_since(project, learner) if learner is not None else TRAINER["stale"]
