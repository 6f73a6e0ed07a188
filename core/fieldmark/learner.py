"""Learner: from labelled photos to a model file, in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import DEFAULT_ARCH, Backbone, load_backbone
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import Dataset, Item
from fieldmark.errors import BadImageError, EmptyDatasetError, NotTrainedError
from fieldmark.familiarity import Familiarity, fit_familiarity
from fieldmark.features import Extraction, extract
from fieldmark.head import Head, HeadFit, assign_folds, fit_head
from fieldmark.interp import Interpretation
from fieldmark.modelfile import Calibration, ModelCard, ModelInfo, Sureness
from fieldmark.resize import ResizeRule
from fieldmark.splits import Split, group_items
from fieldmark.stats import wilson

MIN_PHOTOS_A_CLASS = 2
LEVELS = ((200, 0.01), (40, 0.05))
"""Known photos needed for a level: two p-values at half of it must be able to fall below it."""
SURE_TARGET = 0.95
"""Share of sure answers that should be right."""
SURE_CHOICES = tuple(np.arange(0.5, 1.0, 0.05).round(2))


@dataclass(frozen=True)
class TrainConfig:
    """How to train."""

    arch: str = DEFAULT_ARCH
    """Backbone, by name."""
    rule: ResizeRule = field(default_factory=ResizeRule)
    """How photos are fitted into the square."""
    seed: int = 42
    """Deals photos into folds."""
    balanced: bool = False
    """Weigh classes equally, however many photos each has."""
    views: int = 0
    """Augmented views of each training photo that are learned from as well; each costs one more forward pass."""
    title: str = ""
    """Name of the model; made from the classes where empty."""


@dataclass(frozen=True)
class _Fitted:
    backbone: Backbone
    head: HeadFit
    familiarity: Familiarity
    items: tuple[Item, ...]
    """Training photos that could be read, in the order of the fit's rows."""
    valid: Interpretation
    computed: int


class Learner:
    """A dataset, its split, and the head that was fitted on it."""

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        config: TrainConfig | None = None,
        *,
        groups: Iterable[Sequence[int]] = (),
    ) -> None:
        """Take the photos; nothing is computed yet.

        Args:
            groups: places of photos that belong together, such as near duplicates; they share a fold.
        Raises:
            EmptyDatasetError: fewer than two classes, or a class with fewer than two photos, to train on.
        """
        self.dataset, self.split, self.config = dataset, split, config or TrainConfig()
        self._group = _group_numbers(dataset.items, groups)
        self.seconds: dict[str, float] = {}
        """How long each step took."""
        self.failures: dict[Path, BadImageError] = {}
        """Photos that were left out, and why."""
        self._fitted: _Fitted | None = None
        _check_enough(self._items(split.train), "to train on")

    @property
    def vocab(self) -> tuple[str, ...]:
        """The classes that are learned, sorted."""
        return tuple(sorted({self.dataset.items[place].label for place in self.split.train}))

    @property
    def valid(self) -> Interpretation:
        """What the fitted model says of the held-out photos."""
        return self._done.valid

    @property
    def train_items(self) -> tuple[Item, ...]:
        """Training photos that could be read, in the order of `oof_probs`."""
        return self._done.items

    @property
    def oof_probs(self) -> npt.NDArray[np.float32]:
        """(training photos, classes): each from a head that never saw the photo nor its duplicates."""
        return self._done.head.oof_probs

    @property
    def strength(self) -> float:
        """The strength of the logistic regression that cross-validation chose."""
        return self._done.head.strength

    @property
    def backbone(self) -> Backbone:
        """The backbone as it is served: frozen, or fine-tuned."""
        return self._done.backbone

    @property
    def head(self) -> Head:
        """The classifier on that backbone's features."""
        return self._done.head.head

    @property
    def computed(self) -> int:
        """Photos that needed a forward pass; the others were in the feature cache."""
        return self._done.computed

    def fit(self, callback: Callback = silent) -> Learner:
        """Compute features, fit the head, judge it on the held-out photos.

        Raises:
            EmptyDatasetError: too few photos could be read.
            Cancelled: the callback asked to stop; features computed so far are kept.
        """
        backbone = load_backbone(self.config.arch)
        train, valid = self._items(self.split.train), self._items(self.split.valid)
        with self._timed("features"):
            found = self._extract([*train, *valid], backbone, callback)
        rows = {place: row for row, place in enumerate(found.kept)}
        learnt = [i for i in range(len(train)) if i in rows]
        held = [i for i in range(len(valid)) if len(train) + i in rows]
        items = tuple(train[i] for i in learnt)
        _check_enough(items, "that can be read")
        with self._timed("views"):
            views = self._views(items, backbone, callback)
        with self._timed("head"):
            groups = self._group[[self.split.train[i] for i in learnt]]
            features = found.features[[rows[i] for i in learnt]]
            head, familiarity = self._fit_head(features, views, items, groups, callback)
        probs = head.head.probs(found.features[[rows[len(train) + i] for i in held]])
        judged = Interpretation([valid[i] for i in held], self.vocab, probs)
        self._fitted = _Fitted(backbone, head, familiarity, items, judged, found.computed)
        return self

    def export(self, path: str | Path, callback: Callback = silent) -> ModelCard:
        """Write the model file; it is reloaded in a fresh process and compared before this returns.

        Raises:
            NotTrainedError: `fit` was not called.
            ModelFileError: the reloaded file answers otherwise; what was at `path` before is still there.
        """
        from fieldmark.export import Classifier, FreshCheck, probe_features, write_model

        done = self._done
        callback(Progress("Saving and trying the model", 0, 1))
        with self._timed("export"), FreshCheck() as fresh, ThreadPoolExecutor(1) as pool:
            probes = pool.submit(probe_features, done.backbone, self.config.rule)
            info = self._info()
            head = Classifier(done.head.head.weight, done.head.head.bias)
            write_model(
                Path(path),
                done.backbone,
                head,
                info,
                familiarity=done.familiarity,
                fresh=fresh,
                probes=probes.result(),
            )
        callback(Progress("Saving and trying the model", 1, 1))
        return info.card

    @property
    def _done(self) -> _Fitted:
        if self._fitted is None:
            raise NotTrainedError("The learner has not been fitted. Call fit() first.")
        return self._fitted

    def _items(self, places: Sequence[int]) -> list[Item]:
        return [self.dataset.items[place] for place in places]

    def _extract(self, items: Sequence[Item], backbone: Backbone, callback: Callback) -> Extraction:
        found = extract(
            [item.path for item in items],
            [item.hash for item in items],
            backbone=backbone,
            rule=self.config.rule,
            callback=callback,
        )
        self.failures = {items[i].path: error for i, error in found.failures.items()}
        return found

    def _views(
        self, items: Sequence[Item], backbone: Backbone, callback: Callback
    ) -> list[npt.NDArray[np.float32]]:
        """Features of each augmented view of photos that can be read."""
        return [
            extract(
                [item.path for item in items],
                [item.hash for item in items],
                backbone=backbone,
                rule=self.config.rule,
                view=view,
                callback=callback,
            ).features
            for view in range(1, self.config.views + 1)
        ]

    def _fit_head(
        self,
        features: npt.NDArray[np.float32],
        views: Sequence[npt.NDArray[np.float32]],
        items: Sequence[Item],
        groups: npt.NDArray[np.intp],
        callback: Callback,
    ) -> tuple[HeadFit, Familiarity]:
        place = {label: index for index, label in enumerate(self.vocab)}
        targets = np.array([place[item.label] for item in items], dtype=np.intp)
        folds = assign_folds(targets, groups, seed=self.config.seed)
        head = fit_head(
            np.concatenate([features, *views]),
            targets,
            classes=len(self.vocab),
            folds=folds,
            balanced=self.config.balanced,
            views=len(views),
            callback=callback,
        )
        seed = self.config.seed
        return head, fit_familiarity(features, targets, groups=groups, folds=folds, seed=seed)

    def _info(self) -> ModelInfo:
        done = self._done
        targets = np.array([self.vocab.index(item.label) for item in done.items])
        sureness = choose_sureness(done.head.oof_probs, targets)
        return ModelInfo(
            vocab=self.vocab,
            rule=self.config.rule,
            prob_min=sureness.prob_min,
            calibration=_calibration(done.familiarity),
            card=replace(self._card(), sureness=sureness),
            selftest=(),
        )

    def _card(self) -> ModelCard:
        done, counts = self._done, Counter(item.label for item in self._done.items)
        names = ", ".join(self.vocab[:4]) + (" …" if len(self.vocab) > 4 else "")
        return ModelCard(
            title=self.config.title or f"{self.dataset.root.resolve().name}: {names}",
            summary=_summary(done.valid, len(done.items)),
            classes={label: counts[label] for label in self.vocab},
            n_train=len(done.items),
            n_valid=len(done.valid.items),
            n_wrong=done.valid.n_wrong,
            backbone=done.backbone.arch.title,
            source=f"{len(done.items)} photos in the folder {self.dataset.root.resolve().name}",
            limits=_limits(counts),
            made=datetime.now(UTC).date().isoformat(),
        )

    def _timed(self, step: str) -> _Stopwatch:
        return _Stopwatch(self.seconds, step)


class _Stopwatch:
    def __init__(self, seconds: dict[str, float], step: str) -> None:
        self._seconds, self._step = seconds, step

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._step] = round(perf_counter() - self._start, 3)


def choose_sureness(probs: npt.NDArray[np.floating], targets: npt.NDArray[np.intp]) -> Sureness:
    """Find the lowest probability from which on answers are right often enough, on out-of-fold photos.

    Args:
        probs: (n, classes) out-of-fold probabilities.
    Returns:
        The lowest of .50, .55 … .95 whose sure answers are at least 95 % right; .95 where none is.
    """
    top, right = probs.max(axis=1), probs.argmax(axis=1) == targets
    for prob_min in SURE_CHOICES:
        sure = top >= prob_min
        if sure.any() and right[sure].mean() >= SURE_TARGET:
            break
    return Sureness(float(prob_min), int(right[sure].sum()), int(sure.sum()))


def _check_enough(items: Sequence[Item], what: str) -> None:
    counts = Counter(item.label for item in items)
    if len(counts) < 2:
        raise EmptyDatasetError(
            f"There are photos of {len(counts)} classes {what}, and at least two are needed. "
            "Add a folder with photos of something else.",
            code="few_classes",
        )
    short = sorted(label for label, n in counts.items() if n < MIN_PHOTOS_A_CLASS)
    if short:
        raise EmptyDatasetError(
            f"These classes have fewer than {MIN_PHOTOS_A_CLASS} photos {what}: {', '.join(short)}. "
            "Add photos, or remove the folder.",
            code="few_photos",
        )


def _group_numbers(items: Sequence[Item], groups: Iterable[Sequence[int]]) -> npt.NDArray[np.intp]:
    """Number the groups of photos that must share a fold: same bytes, same group, nearly the same look."""
    numbers = np.empty(len(items), dtype=np.intp)
    for number, cluster in enumerate(group_items(items, groups)):
        numbers[list(cluster)] = number
    return numbers


def _calibration(familiarity: Familiarity) -> Calibration:
    n = min(len(familiarity.knn), len(familiarity.mahalanobis))
    level = next((level for needed, level in LEVELS if n >= needed), None)
    knn, mahalanobis = (
        tuple(np.round(s.astype(float), 6)) for s in (familiarity.knn, familiarity.mahalanobis)
    )
    return Calibration(tuple(map(float, knn)), tuple(map(float, mahalanobis)), level)


def _summary(valid: Interpretation, n_train: int) -> str:
    if not valid.items:
        return f"Learned from {n_train} photos; none was held out, so nothing says how good it is."
    low, high = wilson(valid.n_wrong, len(valid.items))
    return (
        f"{valid.n_wrong} of {len(valid.items)} photos wrong on photos it never saw; the true error is "
        f"between {100 * low:.1f} and {100 * high:.1f} % (95 %). Learned from {n_train} photos."
    )


def _limits(counts: Counter[str]) -> tuple[str, ...]:
    fewest, n = min(counts.items(), key=lambda pair: pair[1])
    limits = [
        "It answers with one of its classes, whatever the photo shows: look at the verdict, not only the label.",
        "Photos taken otherwise than the training photos (at night, from afar, drawn) are harder than the "
        "figure above says.",
    ]
    if n < 20:
        limits.append(f"It saw only {n} photos of {fewest}.")
    return tuple(limits)
