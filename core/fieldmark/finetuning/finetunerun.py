"""One fine-tuning, from its beginning or a checkpoint to its result: what fine_tune runs, epoch by epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldmark.backbones import in_floats, trunk_tensors
from fieldmark.callbacks import Callback, Progress
from fieldmark.errors import EmptyDatasetError
from fieldmark.finetuning.checkpoint import load_checkpoint, save_checkpoint
from fieldmark.finetuning.finetuned import EpochResult, FineTuned, Weights, judge, judge_fit
from fieldmark.finetuning.schedule import UNFROZEN_COST, FineTuneConfig, Precision, cut, phase_at
from fieldmark.finetuning.sofar import CHECKPOINT
from fieldmark.finetuning.timeleft import TimeLeft
from fieldmark.imaging.pixelcache import PixelCache, cache_pixels, drop_pixels, square_side
from fieldmark.imaging.resize import ResizeRule
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner

if TYPE_CHECKING:
    from fieldmark.finetuning.tuner import Batch, Tuner

FORMAT = 3
"""Raised when checkpoints change, so that old ones are not gone on from."""
PREPARING = "Preparing to fine-tune"
LOWER = 0.999
"""A loss is only lower from this share of the lowest one on: rounding gets no epoch chosen."""
LEARNING_SHARE, LEARNING_STEP_PX = 7 / 8, 32
"""Side of the square that is learned from, as a share of the one that is served, and what it is a multiple of."""


def initial_weights(learner: Learner) -> Weights:
    """What fine-tuning begins with: the backbone as it was published, and the fitted head."""
    arch = in_floats(learner._done.backbone.arch)
    return Weights(trunk_tensors(arch), learner._done.head.head, arch)


def learning_rule(learner: Learner) -> ResizeRule:
    """How photos are fitted while they are learned from: into a smaller square than the one that is served.

    A part cut out at random shows things larger than the whole photo does, so that what was learned suits photos of a
    higher resolution better (Touvron et al. 2019, arXiv 1906.06423), and costs less: 224 px for 256. Networks that
    take one size only keep it.
    """
    rule, smallest = learner.config.rule, LEARNING_STEP_PX
    if learner._done.backbone.arch.fixed:
        return rule
    return replace(rule, size_px=max(smallest, round(rule.size_px * LEARNING_SHARE / smallest) * smallest))


@dataclass
class _State:
    """What a checkpoint tells beside weights."""

    made_of: str
    """Names photos, labels and settings: a checkpoint of anything else is not gone on from."""
    epochs: int
    """In all."""
    fit_loss: float | None = None
    """What an epoch has to be lower than; None without held-out photos."""
    best_loss: float | None = None
    best: int = 0
    """Epochs done when the kept weights were taken; 0 is the fit."""
    history: list[EpochResult] = field(default_factory=list)
    precision: Precision = "f32"
    chunk: int | None = None
    stopped: str = ""
    """Why it ended before its last epoch."""


class FineTuneRun:
    """One fine-tuning, from its beginning or a checkpoint to its result."""

    def __init__(self, learner: Learner, config: FineTuneConfig, workdir: Path, callback: Callback) -> None:
        self._fit = learner._done  # raises where it was not fitted
        self._learner, self._config, self._workdir, self._callback = learner, config, workdir, callback
        self._path = workdir / CHECKPOINT
        self._best = self._now = initial_weights(learner)
        self._memory: dict[str, Any] = {}
        self._state = _State(_made_of(learner, config), config.all_epochs)
        self._shown = Progress(PREPARING, 0, 1)

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left."""
        return bool(self._state.stopped) or len(self._state.history) >= self._config.all_epochs

    def begin(self) -> None:
        """Choose what must not change on the way, and write it down."""
        # Until the first one of this run is written, nobody may take another run's checkpoint for it.
        self._path.unlink(missing_ok=True)
        self._state.precision = self._tuner.precision = self._precision()
        self._state.fit_loss = self._state.best_loss = self._loss_of_the_fit()
        self._save()
        self._callback(Progress(PREPARING, 1, 1))

    def take_up(self) -> bool:
        """Go back to the checkpoint; tells whether there is one that belongs to this run."""
        checkpoint = load_checkpoint(self._path)
        if checkpoint is None or checkpoint.state.get("made_of") != self._state.made_of:
            return False
        history = [EpochResult(**entry) for entry in checkpoint.state["history"]]
        self._state = _State(**{**checkpoint.state, "history": history})
        self._best, self._now = (
            Weights.below(checkpoint, prefix, self._best.arch) for prefix in ("best.", "now.")
        )
        self._memory = checkpoint.below("memory.")
        return True

    def epoch(self) -> None:
        """Learn from every photo once, judge, keep what is best, save."""
        started, number, losses = perf_counter(), len(self._state.history), list[float]()
        phase, begun = phase_at(self._config.phases, number)
        for place, batch in enumerate(self._batches(number)):
            self._show(number, place)
            pct = begun + place / (len(self._cuts) * phase.epochs)
            with self._time_left.step(number):
                losses.append(self._tuner.step(batch, phase.hyper(pct)))
            if not np.isfinite(losses[-1]):
                break
        found = self._tuner.weights()
        told = self._judged(found) if np.isfinite(losses[-1]) and found.are_finite else None
        if told is None or not np.isfinite(told.probs).all():
            self._stop(f"The loss was no number any more in epoch {number + 1}, so fine-tuning ended there.")
            return
        self._now, self._memory = found, self._tuner.memory()
        seconds = round(perf_counter() - started, 3)
        self._keep(EpochResult(float(np.mean(losses)), told.mean_loss, told.n_wrong, seconds))

    def result(self) -> FineTuned:
        """Make the learner of the best epoch."""
        return FineTuned(
            self._learner,
            self._best,
            history=tuple(self._state.history),
            best_epoch=self._state.best,
            fit_loss=self._state.fit_loss,
            stopped=self._state.stopped,
            callback=self._callback,
        )

    def close(self) -> None:
        """Leave the checkpoint alone on the disk: that is all that is needed to go on, or to take the best."""
        self.__dict__.pop("_pixels", None)
        drop_pixels(self._workdir)

    @cached_property
    def _pixels(self) -> PixelCache:
        found = cache_pixels(self._fit.items, learning_rule(self._learner), self._workdir, self._callback)
        if len(found) < 2:
            raise EmptyDatasetError(
                f"Of {len(self._fit.items)} photos {len(found)} can still be read, and two are needed at least. "
                "Put the files back, and train again.",
                code="few_photos",
            )
        return found

    @cached_property
    def _cuts(self) -> list[slice]:
        """Which photos, of an epoch's order, make each of its batches."""
        return cut(len(self._pixels), self._config.batch_size)

    @cached_property
    def _time_left(self) -> TimeLeft:
        config = self._config
        return TimeLeft([1] * config.frozen_epochs + [UNFROZEN_COST] * config.epochs, len(self._cuts))

    @cached_property
    def _tuner(self) -> Tuner:
        from fieldmark.finetuning.tuner import Tuner

        size_px = learning_rule(self._learner).size_px
        tuner = Tuner(self._now, size_px=size_px, pulse=lambda: self._callback(self._shown))
        tuner.remember(self._memory)
        tuner.precision = self._state.precision
        tuner.chunk = self._state.chunk or tuner.chunk
        return tuner

    def _precision(self) -> Precision:
        """What was asked for, or what is faster here; measured only where there is a choice."""
        from fieldmark.finetuning.tuner import faster_precision

        wanted, tuner = self._config.precision, self._tuner
        if wanted != "auto":
            return wanted
        if len(tuner.precisions) == 1:
            return tuner.precisions[0]
        return faster_precision(tuner.probe(square_side(learning_rule(self._learner))))

    def _batches(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; order and views depend on nothing but seed and number."""
        from fieldmark.finetuning.tuner import Batch
        from fieldmark.imaging.batchaugment import draw

        pixels, seed = self._pixels, self._config.seed
        targets, weights = self._targets()
        order = np.random.default_rng([seed, number]).permutation(len(pixels))
        for place, batch in enumerate(self._cuts):
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

    def _judged(self, weights: Weights) -> Interpretation:
        """Ask the graph that would be served about the held-out photos."""
        fit, rule = self._fit, self._learner.config.rule
        pulse: Callback = lambda _: self._callback(self._shown)  # noqa: E731
        with self._time_left.judging():
            found = judge(weights.backbone(fit.backbone), weights.head, fit.valid, rule, callback=pulse)
        return found.interpretation(self._learner.vocab)

    def _loss_of_the_fit(self) -> float | None:
        """The lower one of two: in the 8 bits that it is served in, and in float32 as epochs are."""
        if not self._fit.valid.items:
            return None
        losses = [judge_fit(self._learner).mean_loss, self._judged(self._now).mean_loss]
        return min(loss for loss in losses if loss is not None)

    def _keep(self, epoch: EpochResult) -> None:
        """Close an epoch: the loss on held-out photos decides whether its weights are the best."""
        state, loss = self._state, epoch.valid_loss
        state.history.append(epoch)
        if loss is None or state.best_loss is None or loss < LOWER * state.best_loss:
            state.best, state.best_loss, self._best = len(state.history), loss, self._now
        patience = self._config.patience
        if patience is not None and len(state.history) - state.best >= patience and not self.is_over:
            epochs = f"{patience} epoch{'s' if patience > 1 else ''}"
            state.stopped = f"Stopped early: the loss on held-out photos got no lower for {epochs}."
        self._save()

    def _stop(self, why: str) -> None:
        """End for good with the weights that were kept; the ones from now may be no numbers."""
        self._state.stopped, self._now, self._memory = why, self._best, {}
        self._save()

    def _save(self) -> None:
        self._state.chunk = self._tuner.chunk
        memory = {f"memory.{name}": value for name, value in self._memory.items()}
        tensors = {**self._best.tensors("best."), **self._now.tensors("now."), **memory}
        save_checkpoint(self._path, tensors, asdict(self._state))

    def _show(self, number: int, place: int) -> None:
        """Say which epoch it is, how far, and how long it will take."""
        done, total = number * len(self._cuts) + place, self._config.all_epochs * len(self._cuts)
        words = f"Fine-tuning, epoch {number + 1} of {self._config.all_epochs}"
        self._shown = Progress(words, done, total, self._time_left.words(number, place))


def _made_of(learner: Learner, config: FineTuneConfig) -> str:
    """Name everything that the run depends on."""
    told = learner.config
    photos = [[item.hash, item.label] for item in learner.train_items]
    held_out = [[item.hash, item.label] for item in learner.valid.items]
    settings = [FORMAT, learner._done.backbone.key, told.rule.as_dict(), told.balanced, asdict(config)]
    return sha256(json.dumps([settings, photos, held_out]).encode()).hexdigest()
