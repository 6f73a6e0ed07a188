"""Fine-tune: train the trunk as well as the head, in minutes, where frozen features are not enough.

The fastai book's recipe with its numbers (schedule.py, batchaugment.py, tuner.py), started from a fitted
learner, so that it begins where `fit` ended. After each epoch the held-out photos are judged through the graph
that would be served, not through torch, and a checkpoint is written; the best epoch is kept, and that may be
the fit itself. What comes out is a learner: it is judged and exported like any other.

Importing this needs no torch; fine-tuning does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fieldmark.backbones import _read_checkpoint
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fieldmark.errors import NotTrainedError
from fieldmark.finetuned import EpochResult, FineTuned, Weights, judge
from fieldmark.learner import Learner
from fieldmark.pixelcache import PixelCache, cache_pixels, square_side
from fieldmark.schedule import Phase, cut, fine_tune_phases, phase_at

if TYPE_CHECKING:
    from fieldmark.tuner import Batch, Tuner

Precision = Literal["f32", "bf16"]

FORMAT = 1
"""Raised when checkpoints change, so that old ones are not gone on from."""
CHECKPOINT = "fine-tune.safetensors"
UNFROZEN_COST = 3
"""About how many times an epoch in which everything learns takes what a frozen one does, until it is known."""


@dataclass(frozen=True)
class FineTuneConfig:
    """How to fine-tune."""

    epochs: int = 4
    """Passes over the training photos in which everything learns, after the frozen ones."""
    frozen_epochs: int = 1
    """Passes in which only the head does."""
    batch_size: int = 64
    """Photos a step; batches are equal parts of what there is, so none is left out and none is one photo."""
    lr: float = 2e-3
    """Highest learning rate of the head while the trunk is frozen; half of it afterwards."""
    patience: int | None = None
    """Stop after so many epochs without a lower loss on held-out photos; None goes through."""
    precision: Literal["auto", "f32", "bf16"] = "auto"
    """`auto` takes bfloat16 where ten steps say that it is faster here."""
    seed: int = 42
    """Orders the photos and draws their views."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if min(self.epochs, self.frozen_epochs) < 0 or self.all_epochs == 0:
            raise ValueError(f"{self.frozen_epochs} + {self.epochs} epochs; expected at least one in all")
        if self.batch_size < 2:
            raise ValueError(f"batch_size is {self.batch_size}; it must be at least 2")
        if not 0 < self.lr < 1:
            raise ValueError(f"lr is {self.lr}; it must lie between 0 and 1")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is {self.patience}; expected at least one epoch, or None")

    @property
    def all_epochs(self) -> int:
        """Frozen and unfrozen."""
        return self.epochs + self.frozen_epochs

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The recipe as phases."""
        return fine_tune_phases(self.epochs, frozen_epochs=self.frozen_epochs, lr=self.lr)


def fine_tune(
    learner: Learner,
    config: FineTuneConfig | None = None,
    *,
    workdir: str | Path,
    callback: Callback = silent,
    resume: bool = True,
) -> FineTuned:
    """Train trunk and head of a fitted learner, for photos that frozen features cannot tell apart.

    Args:
        workdir: keeps pixels and the checkpoint; with the same folder a killed run goes on at its last epoch.
        resume: False starts again, whatever lies there.
    Raises:
        NotTrainedError: the learner was not fitted.
        FieldmarkError: `out_of_memory`, even with the smallest chunks.
        StoreError: `workdir` cannot be written, or its checkpoint is damaged.
        Cancelled: the callback asked to stop; `best_so_far` gives the best epoch, calling again goes on.
    """
    run = _Run(learner, config or FineTuneConfig(), Path(workdir), callback)
    if not (resume and run.take_up(load_checkpoint(run.path))):
        run.begin()
    while not run.is_over:
        run.epoch()
    return run.result()


def best_so_far(
    learner: Learner,
    config: FineTuneConfig | None = None,
    *,
    workdir: str | Path,
    callback: Callback = silent,
) -> FineTuned:
    """Give the best epoch of a run that was cancelled or killed, without going on.

    Raises:
        NotTrainedError: nothing of such a run lies in `workdir`.
    """
    run = _Run(learner, config or FineTuneConfig(), Path(workdir), callback)
    if not run.take_up(load_checkpoint(run.path)):
        raise NotTrainedError("There is no epoch of this fine-tuning yet. Start it first.")
    return run.result()


def initial_weights(learner: Learner) -> Weights:
    """What fine-tuning begins with: the backbone as it was published, and the fitted head."""
    trunk = _read_checkpoint(learner._done.backbone.arch)
    own = {name: value for name, value in trunk.items() if not name.startswith("_fc")}
    return Weights(own, learner._done.head.head)


@dataclass
class _State:
    """What a checkpoint tells beside weights."""

    made_of: str
    """Names photos, labels and settings: a checkpoint of anything else is not gone on from."""
    best_loss: float | None
    best: int = 0
    """Epochs done when the kept weights were taken; 0 is the fit."""
    history: list[EpochResult] = field(default_factory=list)
    precision: Precision = "f32"
    chunk: int | None = None
    stopped: str = ""
    """Why it ended before its last epoch."""


class _Run:
    """One fine-tuning, from its beginning or a checkpoint to its result."""

    def __init__(self, learner: Learner, config: FineTuneConfig, workdir: Path, callback: Callback) -> None:
        self._fit = learner._done  # raises where it was not fitted
        self._learner, self._config, self._workdir, self._callback = learner, config, workdir, callback
        self.path = workdir / CHECKPOINT
        self._best = self._now = initial_weights(learner)
        self._memory: dict[str, Any] = {}
        self._state = _State(_made_of(learner, config), best_loss=learner.valid.mean_loss)
        self._shown = Progress("Fine-tuning", 0, 0)

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left."""
        return bool(self._state.stopped) or len(self._state.history) >= self._config.all_epochs

    def begin(self) -> None:
        """Choose what must not change on the way, and write it down."""
        from fieldmark.tuner import faster_precision

        if self._config.precision == "auto":
            self._state.precision = faster_precision(
                self._tuner.probe(square_side(self._learner.config.rule))
            )
        else:
            self._state.precision = self._config.precision
        self._tuner.precision = self._state.precision
        self._save()

    def take_up(self, checkpoint: Checkpoint | None) -> bool:
        """Go back to a checkpoint; tells whether it belongs to this run."""
        if checkpoint is None or checkpoint.state.get("made_of") != self._state.made_of:
            return False
        history = [EpochResult(**entry) for entry in checkpoint.state["history"]]
        self._state = _State(**{**checkpoint.state, "history": history})
        self._best, self._now = (Weights.below(checkpoint, prefix) for prefix in ("best.", "now."))
        self._memory = checkpoint.below("memory.")
        return True

    def epoch(self) -> None:
        """Learn from every photo once, judge, keep what is best, save."""
        started, number, losses = perf_counter(), len(self._state.history), list[float]()
        phase, begun = phase_at(self._config.phases, number)
        batches = cut(len(self._pixels), self._config.batch_size)
        for place, batch in enumerate(self._batches(number, batches)):
            done, total = number * len(batches) + place, self._config.all_epochs * len(batches)
            self._shown = Progress(self._words(number), done, total)
            pct = begun + place / (len(batches) * phase.epochs)
            losses.append(self._tuner.step(batch, phase.hyper(pct)))
            if not np.isfinite(losses[-1]):
                break
        found = self._tuner.weights()
        if not (np.isfinite(losses[-1]) and found.are_finite):
            self._stop(f"The loss was no number any more in epoch {number + 1}; {self._kept_words()}")
            return
        self._now, self._memory = found, self._tuner.memory()
        self._judge(float(np.mean(losses)), started)

    def result(self) -> FineTuned:
        """Make the learner of the best epoch."""
        return FineTuned(
            self._learner,
            self._best,
            history=tuple(self._state.history),
            best_epoch=self._state.best,
            stopped=self._state.stopped,
            callback=self._callback,
        )

    @cached_property
    def _pixels(self) -> PixelCache:
        return cache_pixels(self._fit.items, self._learner.config.rule, self._workdir, self._callback)

    @cached_property
    def _tuner(self) -> Tuner:
        from fieldmark.tuner import Tuner

        size_px = self._learner.config.rule.size_px
        tuner = Tuner(self._now, size_px=size_px, pulse=lambda: self._callback(self._shown))
        tuner.remember(self._memory)
        tuner.precision = self._state.precision
        tuner.chunk = self._state.chunk or tuner.chunk
        return tuner

    def _batches(self, number: int, batches: list[slice]) -> Iterator[Batch]:
        """The batches of an epoch; order and views depend on nothing but seed and number."""
        from fieldmark.batchaugment import draw
        from fieldmark.tuner import Batch

        pixels, seed = self._pixels, self._config.seed
        targets, weights = self._targets()
        order = np.random.default_rng([seed, number]).permutation(len(pixels))
        for place, batch in enumerate(batches):
            rows = np.sort(order[batch])  # sorted, so that the disk is read in one direction
            views = draw(pixels.aspects[rows], [seed, number, place])
            yield Batch(pixels.pixels[rows], targets[rows], weights[rows], views)

    def _targets(self) -> tuple[Any, Any]:
        """Class of each photo, and its weight: 1, or where classes count equally 1 on average."""
        place = {label: index for index, label in enumerate(self._learner.vocab)}
        items = [self._fit.items[i] for i in self._pixels.kept]
        targets = np.array([place[item.label] for item in items], dtype=np.intp)
        if not self._learner.config.balanced:
            return targets, np.ones(len(targets), np.float32)
        counts = np.bincount(targets)
        return targets, (len(targets) / (np.count_nonzero(counts) * counts[targets])).astype(np.float32)

    def _judge(self, train_loss: float, started: float) -> None:
        """Ask the graph of this epoch about the held-out photos; the loss decides what is kept."""
        fit, rule = self._fit, self._learner.config.rule
        judged = judge(self._now.backbone(fit.backbone), self._now.head, fit.valid, rule)
        told = judged.interpretation(self._learner.vocab)
        loss, state = told.mean_loss, self._state
        seconds = round(perf_counter() - started, 3)
        state.history.append(EpochResult(train_loss, loss, told.n_wrong, seconds))
        if loss is None or state.best_loss is None or loss < state.best_loss:
            state.best, state.best_loss, self._best = len(state.history), loss, self._now
        patience = self._config.patience
        if patience is not None and len(state.history) - state.best >= patience and not self.is_over:
            epochs = f"{patience} epoch{'s' if patience > 1 else ''}"
            state.stopped = f"Nothing got better for {epochs}; {self._kept_words()}"
        self._save()

    def _stop(self, why: str) -> None:
        """End for good with the weights that were kept; the ones from now may be no numbers."""
        self._state.stopped, self._now, self._memory = why, self._best, {}
        self._save()

    def _kept_words(self) -> str:
        best = self._state.best
        return f"the weights after epoch {best} were kept." if best else "the fit was kept."

    def _save(self) -> None:
        self._state.chunk = self._tuner.chunk
        memory = {f"memory.{name}": value for name, value in self._memory.items()}
        tensors = {**self._best.tensors("best."), **self._now.tensors("now."), **memory}
        save_checkpoint(self.path, tensors, asdict(self._state))

    def _words(self, number: int) -> str:
        """Say which epoch it is, and how long it will take as far as the ones before tell."""
        config, words = self._config, f"Fine-tuning, epoch {number + 1} of {self._config.all_epochs}"
        if not self._state.history:
            return words
        cost = [1] * config.frozen_epochs + [UNFROZEN_COST] * config.epochs
        known = slice(config.frozen_epochs if number > config.frozen_epochs else 0, number)
        seconds = sum(epoch.seconds for epoch in self._state.history[known]) / sum(cost[known])
        minutes = round(seconds * sum(cost[number:]) / 60)
        return f"{words}, {f'about {minutes} min' if minutes else 'less than a minute'} left"


def _made_of(learner: Learner, config: FineTuneConfig) -> str:
    """Name everything that the run depends on."""
    told = learner.config
    photos = [[item.hash, item.label] for item in learner.train_items]
    held_out = [[item.hash, item.label] for item in learner.valid.items]
    settings = [FORMAT, told.arch, told.rule.as_dict(), told.balanced, asdict(config)]
    return sha256(json.dumps([settings, photos, held_out]).encode()).hexdigest()
