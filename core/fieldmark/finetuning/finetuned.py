"""What fine-tuning makes: a learner with a trunk of its own, judged and exported like any other.

Everything here goes through the graph that is served, at the precision it is served in; torch is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import EFFICIENTNET_LITE0
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import Item
from fieldmark.errors import BadImageError
from fieldmark.features import Features, feature_engine
from fieldmark.finetuning.checkpoint import Checkpoint
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.head import Head, HeadFit
from fieldmark.fitting.softmax import best_factor
from fieldmark.imaging.loading import Fit, in_batches, load_squares
from fieldmark.imaging.resize import ResizeRule
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner, _Fitted
from fieldmark.modelfile import ModelCard, Sureness
from fieldmark.models.architecture import Architecture
from fieldmark.models.backbone import Backbone
from fieldmark.models.card import LEVELS, choose_sureness
from fieldmark.models.engine import BATCH_SIZE
from fieldmark.models.familiarity import NEIGHBOURS, Familiarity, fit_familiarity, unit_length

if TYPE_CHECKING:
    from onnx import ModelProto

MAX_TEMPERATURE = 20.0


@dataclass(frozen=True)
class Weights:
    """A trunk, by the original names of its tensors, and the head on it."""

    trunk: dict[str, npt.NDArray[Any]]
    head: Head
    arch: Architecture = EFFICIENTNET_LITE0

    @classmethod
    def below(cls, checkpoint: Checkpoint, prefix: str, arch: Architecture) -> Weights:
        """Take them out of a checkpoint."""
        tensors = checkpoint.below(prefix)
        head = Head(tensors.pop("head.weight"), tensors.pop("head.bias"))
        return cls({name.removeprefix("net."): value for name, value in tensors.items()}, head, arch)

    def tensors(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """Give them to a checkpoint."""
        trunk = {f"{prefix}net.{name}": value for name, value in self.trunk.items()}
        return {**trunk, f"{prefix}head.weight": self.head.weight, f"{prefix}head.bias": self.head.bias}

    @property
    def are_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(np.isfinite(value).all()) for value in self.tensors("").values())

    def backbone(self, base: Backbone) -> Backbone:
        """Write the trunk as the graph that is served, in place of the one that training began with."""
        content = self._graph().SerializeToString(deterministic=True)
        return replace(
            base,
            arch=self.arch,
            trunk=content,
            key=f"{self.arch.name.replace('/', '-')}-tuned-{sha256(content).hexdigest()[:16]}",
        )

    def _graph(self) -> ModelProto:
        if self.arch.library:
            from fieldmark.finetuning.torchexport import trunk_graph
            from fieldmark.finetuning.trunks import Trunk

            return trunk_graph(Trunk(self.arch, self.trunk), compare=False)
        from fieldmark.models.efficientnet import lite0_graph

        return lite0_graph(self.trunk, name=self.arch.name)


@dataclass(frozen=True)
class EpochResult:
    """How one epoch went."""

    train_loss: float
    """Mean over augmented views while they were learned from."""
    valid_loss: float | None
    """On held-out photos, with the temperature that suits them; None without such photos."""
    n_wrong: int
    """Of the held-out photos."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """Held-out photos and what weights say of them, through the graph that would be served."""

    items: tuple[Item, ...]
    features: Features
    head: Head
    """Divided by the temperature."""
    temperature: float

    def interpretation(self, vocab: Sequence[str]) -> Interpretation:
        """What is right and wrong."""
        return Interpretation(self.items, vocab, self.head.probs(self.features))


class FineTuned(Learner):
    """A learner whose trunk was trained as well.

    `valid` is what the served graph says of the held-out photos; the epoch and the temperature were chosen by
    their loss. `oof_probs` and `strength` are those of the fit it began with: a trunk that has learned from all
    training photos cannot judge any of them fairly.
    """

    def __init__(
        self,
        learner: Learner,
        weights: Weights,
        *,
        history: tuple[EpochResult, ...],
        best_epoch: int,
        fit_loss: float | None,
        stopped: str = "",
        callback: Callback = silent,
    ) -> None:
        """Judge the weights of the best epoch, and learn what is familiar to them.

        Args:
            best_epoch: epochs done when the weights were taken; 0 says that nothing was better than the fit.
            fit_loss: of the fit on held-out photos, judged as epochs are; None without such photos.
            stopped: why training ended early, as a sentence; empty if it did not.
        """
        super().__init__(learner.dataset, learner.split, learner.config)
        self._group, self.failures = learner._group, dict(learner.failures)
        self.history, self.best_epoch, self.stopped = history, best_epoch, stopped
        self.fit_loss, self.fit_n_wrong = fit_loss, learner.valid.n_wrong
        self.seconds = {**learner.seconds, "fine-tune": round(sum(epoch.seconds for epoch in history), 3)}
        self._fitted = learner._done
        if best_epoch:
            with self._timed("familiarity"):
                self._fitted = self._refitted(learner._done, weights, callback)

    @property
    def mode(self) -> str:
        """How the weights were made that are served: "fit" where no epoch was better."""
        return "fine-tune" if self.best_epoch else "fit"

    @property
    def notes(self) -> tuple[str, ...]:
        """Why training ended early, if it did, and which weights were taken."""
        return (*([self.stopped] if self.stopped else []), self._say_best())

    def _say_best(self) -> str:
        best, done, n = self.best_epoch, len(self.history), len(self.valid.items)
        if not done:
            return "No epoch of fine-tuning was finished, so the fit was kept."
        if not best:
            return f"No epoch of fine-tuning had a lower loss on the {n} held-out photos than the fit, so the fit was kept."
        epoch = self.history[best - 1]
        if epoch.valid_loss is None or self.fit_loss is None:
            return f"Without held-out photos to choose by, the weights after epoch {best}, the last one, were kept."
        return (
            f"The weights after epoch {best} of {done} had the lowest loss on the {n} held-out photos: "
            f"{epoch.valid_loss:.3f}, the fit {self.fit_loss:.3f}. {epoch.n_wrong} came out wrong, {self.fit_n_wrong} by the fit."
        )

    @property
    def temperature(self) -> float:
        """What logits were divided by."""
        return self._done.head.temperature

    def _refitted(self, fit: _Fitted, weights: Weights, callback: Callback) -> _Fitted:
        rule, backbone = self.config.rule, weights.backbone(fit.backbone)
        epochs = f"fine-tuned for {self.best_epoch} epoch{'s' if self.best_epoch > 1 else ''}"
        backbone = replace(backbone, arch=replace(backbone.arch, title=f"{backbone.arch.title}, {epochs}"))
        n, items = len(fit.items), [*fit.items, *fit.valid.items]
        found, kept = served_features(backbone, rule, items, callback=callback)
        learnt = [place for place in kept if place < n]
        features, held_out = found[: len(learnt)], found[len(learnt) :]
        judged = softened(held_out, [place - n for place in kept[len(learnt) :]], weights.head, fit.valid)
        targets, groups = self._kept(fit, learnt)
        folds = assign_folds(targets, groups, seed=self.config.seed)
        known = fit_familiarity(features, targets, groups=groups, folds=folds, seed=self.config.seed)
        enough = len(judged.features) >= LEVELS[-1][0]
        return replace(
            fit,
            backbone=backbone,
            head=HeadFit(judged.head, fit.head.strength, judged.temperature, fit.head.oof_probs, {}),
            familiarity=calibrated(known, judged.features) if enough else known,
            valid=judged.interpretation(self.vocab),
        )

    def _kept(self, fit: _Fitted, kept: Sequence[int]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Classes and groups of the training photos at these places."""
        place = {label: index for index, label in enumerate(self.vocab)}
        row = {item.path: row for row, item in enumerate(self.dataset.items)}
        items = [fit.items[i] for i in kept]
        targets = np.array([place[item.label] for item in items], dtype=np.intp)
        return targets, self._group[[row[item.path] for item in items]]

    def _sureness(self) -> Sureness | None:
        """As of a fit, but chosen on held-out photos, not on out-of-fold ones."""
        if not self.best_epoch:
            return super()._sureness()
        return choose_sureness(self.valid.probs, self.valid.targs) if self.valid.items else None

    def _card(self) -> ModelCard:
        card = super()._card()
        if not self.best_epoch or not self.valid.items:
            return card
        said = "Its epoch, temperature and threshold were chosen by the same held-out photos that it is judged by."
        return replace(card, limits=(*card.limits, f"{said} The true error may be a little higher."))


def judge(
    backbone: Backbone, head: Head, valid: Interpretation, rule: ResizeRule, *, callback: Callback = silent
) -> Judged:
    """Ask a trunk and its head about the held-out photos, and find the temperature that suits them."""
    features, kept = served_features(backbone, rule, valid.items, callback=callback)
    return softened(features, kept, head, valid)


def judge_fit(learner: Learner) -> Interpretation:
    """Judge a fit as epochs are: with the temperature that suits the held-out photos, not the out-of-fold one."""
    fit = learner._done
    held_out = fit.material.held_out
    return softened(held_out, range(len(held_out)), fit.head.head, fit.valid).interpretation(learner.vocab)


def softened(features: Features, kept: Sequence[int], head: Head, valid: Interpretation) -> Judged:
    """Judge by features of those held-out photos that could be read, `kept` their places."""
    temperature = softening(head.logits(features), valid.targs[list(kept)])
    soft = Head(head.weight / np.float32(temperature), head.bias / np.float32(temperature))
    return Judged(tuple(valid.items[i] for i in kept), features, soft, temperature)


def softening(logits: npt.NDArray[np.float32], targets: npt.NDArray[np.intp]) -> float:
    """The temperature of lowest loss that is at least 1 (Guo et al. 2017, arXiv 1706.04599).

    Never below: a few held-out photos that all came out right are no evidence for more certainty.
    """
    known = targets >= 0
    if not known.any():
        return 1.0
    rows = logits[known].astype(np.float64)
    return 1 / best_factor(rows, targets[known], low=1 / MAX_TEMPERATURE, high=1.0)


def served_features(
    backbone: Backbone,
    rule: ResizeRule,
    items: Sequence[Item],
    *,
    fit: Fit | None = None,
    callback: Callback = silent,
) -> tuple[Features, tuple[int, ...]]:
    """Compute features as the model file will, without keeping them: these weights are asked once.

    Returns:
        (photos read, dim), and the places of those photos among `items`.
    """
    engine, kept = feature_engine(backbone, rule, keep=False), list[int]()

    def readable() -> Any:
        for place, square in enumerate(load_squares([item.path for item in items], rule, fit)):
            callback(Progress("Judging photos", place + 1, len(items)))
            if not isinstance(square, BadImageError):
                kept.append(place)
                yield square

    parts = [outputs["pooled"] for outputs in engine.stream(in_batches(readable(), BATCH_SIZE))]
    empty = np.empty((0, backbone.arch.dim), np.float32)
    return np.concatenate([empty, *parts]), tuple(kept)


def calibrated(known: Familiarity, held_out: Features) -> Familiarity:
    """Compare new photos with held-out ones, which the trunk never saw, as it did the training photos.

    After few epochs that makes little difference (mean distance to neighbours .085 in training, .089 held out,
    on hands); it grows with what a trunk knows by heart.
    """
    unit = unit_length(held_out)
    similarity = np.sort(unit @ known.bank.T, axis=1)[:, -NEIGHBOURS:]
    white = unit @ known.whitening
    squares = np.stack([np.square(white - mean).sum(axis=1) for mean in known.means], axis=1)
    knn, mahalanobis = 1 - similarity.mean(axis=1), squares.min(axis=1)
    return replace(known, knn=knn.astype(np.float32), mahalanobis=mahalanobis.astype(np.float32))
