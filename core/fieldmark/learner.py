"""Learner: from labelled photos to a model file, in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import load_backbone
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import Dataset, Item
from fieldmark.errors import BadImageError, NotTrainedError
from fieldmark.features import Extraction, extract, probe_features
from fieldmark.fitting.blas import fitting_threads
from fieldmark.fitting.folds import assign_folds, spread, together
from fieldmark.fitting.head import STRENGTHS, Head, HeadFit, fit_head
from fieldmark.fitting.logistic import Photos
from fieldmark.fitting.material import Material
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.fitting.trainingphotos import check_enough, group_numbers, places_of, same_sides
from fieldmark.interp import Interpretation
from fieldmark.modelfile import ModelCard, ModelInfo, Sureness
from fieldmark.models.backbone import Backbone
from fieldmark.models.card import (
    SURE_CHOICES,
    calibration_of,
    choose_sureness,
    flagged_by,
    limits_of,
    limits_of_one_group,
    summary_of,
    with_verdicts,
)
from fieldmark.models.familiarity import Familiarity
from fieldmark.models.freshcheck import FreshCheck
from fieldmark.splits import Split
from fieldmark.stopwatch import Stopwatch

FEW_CHANGES = 0.01
"""Share of photos up to which a refit keeps the strength: that depends on how many photos there are, not on one."""


@dataclass(frozen=True)
class _Fitted:
    backbone: Backbone
    head: HeadFit
    items: tuple[Item, ...]
    """Training photos that could be read, in the order of the fit's rows."""
    valid: Interpretation
    computed: int
    material: Material
    """What the head was fitted on, to fit it again."""
    familiarity: Familiarity | None = None
    """Learned when it is first needed, to export: no decision of the cleaner waits for it."""


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
        self._group = group_numbers(dataset.items, groups)
        self.seconds: dict[str, float] = {}
        """How long each step took."""
        self.failures: dict[Path, BadImageError] = {}
        """Photos that were left out, and why."""
        self._fitted: _Fitted | None = None
        check_enough(self._items(split.train), "to train on")

    @cached_property
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
    def mode(self) -> str:
        """How the weights were made that are served: "fit" or "fine-tune"."""
        return "fit"

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of how it was trained, a sentence each."""
        return ()

    @property
    def computed(self) -> int:
        """Photos that needed a forward pass; the others were in the feature cache."""
        return self._done.computed

    @property
    def limits(self) -> tuple[str, ...]:
        """What its training photos cannot teach, a sentence each."""
        groups = self._done.material.groups
        return limits_of_one_group([self.vocab[k] for k in together(self._targets(self.train_items), groups)])

    def fit(self, callback: Callback = silent, *, to_export: bool = False) -> Learner:
        """Compute features, fit the head, judge it on the held-out photos.

        Args:
            to_export: learn what is familiar meanwhile, on another core, for whoever exports next.
        Raises:
            EmptyDatasetError: too few photos could be read.
            Cancelled: the callback asked to stop; features computed so far are kept.
        """
        backbone = load_backbone(self.config.arch, size_px=self.config.rule.size_px)
        photos = self._items((*self.split.train, *self.split.valid))
        n, self.failures = len(self.split.train), {}
        with self._timed("features"):
            found = self._extract(photos, backbone, callback)
        with self._timed("views"):
            views = [
                self._extract(photos[:n], backbone, callback, view + 1) for view in range(self.config.views)
            ]
        learnt = sorted(set(range(n)).intersection(found.kept, *(view.kept for view in views)))
        held = [place for place in found.kept if place >= n]
        items = tuple(photos[place] for place in learnt)
        check_enough(items, "that can be read", self.vocab)
        with self._timed("head"):
            groups = self._group[[self.split.train[place] for place in learnt]]
            material = Material(
                features=found.rows(learnt),
                turned=Photos.of(np.concatenate([seen.rows(learnt) for seen in (found, *views)])),
                held_out=found.rows(held),
                groups=groups,
                folds=assign_folds(self._targets(items), groups, seed=self.config.seed),
            )
            with fitting_threads(material.features.size), ThreadPoolExecutor(1) as pool:
                known = pool.submit(self._familiarity, material, items) if to_export else None
                head = self._fit_head(material, items, None, callback)
        judged = Interpretation(
            [photos[place] for place in held], self.vocab, head.head.probs(material.held_out)
        )
        familiarity = known.result() if known else None
        self._fitted = _Fitted(backbone, head, items, judged, found.computed, material, familiarity)
        return self

    def refit(
        self,
        labels: Mapping[str, str] | None = None,
        dropped: Collection[str] = (),
        callback: Callback = silent,
    ) -> Learner:
        """Fit again with other labels and fewer photos, for whoever cleans: from what is in memory, at once.

        Every photo keeps its side, and its fold unless all of its class are in one, so out-of-fold answers stay fair
        and results can be compared.
        This learner stays as it is.

        Args:
            labels: new label of photos, by the SHA-256 of each; photos not named keep theirs.
            dropped: SHA-256 of photos that are no longer used.
        Raises:
            NotTrainedError: `fit` was not called.
            EmptyDatasetError: too little is left to train on.
        """
        new, gone = labels or {}, frozenset(dropped)
        items = tuple(
            replace(item, label=new.get(item.hash, item.label))
            for item in self.dataset.items
            if item.hash not in gone
        )
        vocab = tuple(sorted({item.label for item in items}))
        after = self.follow(replace(self.dataset, items=items, vocab=vocab), callback)
        if after is None:
            raise NotTrainedError("What was fine-tuned cannot be fitted again. Fit first, then refit.")
        return after

    def follow(self, dataset: Dataset, callback: Callback = silent) -> Learner | None:
        """Fit on the photos of a dataset as they are labelled now, if this learner knows all of them.

        What cannot be read has no say: a class that has no other photos left is gone.

        Returns:
            The new learner; None where there are photos it has not seen, or it is no plain fit: then a new
            learner is needed.
        Raises:
            NotTrainedError, EmptyDatasetError: as `refit`.
        """
        done, known = self._done, places_of(self.dataset.items)
        if type(self) is not Learner or not all(item.hash in known for item in dataset.items):
            return None
        unread = [place for place, item in enumerate(self.dataset.items) if item.path in self.failures]
        after = Learner(dataset, same_sides(self.split, dataset, known, without=unread), self.config)
        after._group = self._group[[known[item.hash] for item in dataset.items]]
        after.failures = {
            item.path: error
            for item in dataset.items
            if (error := self.failures.get(self.dataset.items[known[item.hash]].path)) is not None
        }
        after._fit_again(done, self.vocab, callback)
        return after

    def _fit_again(self, done: _Fitted, vocab: tuple[str, ...], callback: Callback) -> None:
        row, place = places_of(done.items), places_of(done.valid.items)
        items, valid = tuple(self._items(self.split.train)), self._items(self.split.valid)
        with self._timed("head"):
            kept = np.array([row[item.hash] for item in items], dtype=np.intp)
            held = np.array([place[item.hash] for item in valid], dtype=np.intp)
            known = done.material.only(kept, held)
            material = replace(known, folds=spread(known.folds, self._targets(items), known.groups))
            start = done.head if vocab == self.vocab and material.folds is known.folds else None
            keep = start is not None and _changes(done.items, items) <= FEW_CHANGES * len(items)
            head = self._fit_head(material, items, start, callback, keep_strength=keep)
        judged = Interpretation(valid, self.vocab, head.head.probs(material.held_out))
        self._fitted = _Fitted(done.backbone, head, items, judged, 0, material)

    def export(
        self, path: str | Path, callback: Callback = silent, *, fresh: FreshCheck | None = None
    ) -> ModelCard:
        """Write the model file; it is reloaded in a fresh process and compared before this returns.

        Args:
            fresh: that process, where it was started already, so that nobody waits for it to be ready.
        Raises:
            NotTrainedError: `fit` was not called.
            ModelFileError: the reloaded file answers otherwise; what was at `path` before is still there.
        """
        from fieldmark.models.export import Classifier, write_model

        done = self._done
        callback(Progress("Saving and trying the model", 0, 1))
        with self._timed("export"), fresh or FreshCheck() as process, ThreadPoolExecutor(1) as pool:
            probes = pool.submit(probe_features, done.backbone, self.config.rule)
            info = self._info()
            head = Classifier(done.head.head.weight, done.head.head.bias)
            write_model(
                Path(path),
                done.backbone,
                head,
                info,
                familiarity=self._familiar,
                fresh=process,
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

    def _extract(
        self, items: Sequence[Item], backbone: Backbone, callback: Callback, view: int = 0
    ) -> Extraction:
        found = extract(
            [item.path for item in items],
            [item.hash for item in items],
            backbone=backbone,
            rule=self.config.rule,
            view=view,
            view_kind=self.config.view_kind,
            callback=callback,
        )
        self.failures |= {items[i].path: error for i, error in found.failures.items()}
        return found

    def _targets(self, items: Sequence[Item]) -> npt.NDArray[np.intp]:
        place = {label: index for index, label in enumerate(self.vocab)}
        return np.array([place[item.label] for item in items], dtype=np.intp)

    def _fit_head(
        self,
        material: Material,
        items: Sequence[Item],
        start: HeadFit | None,
        callback: Callback,
        *,
        keep_strength: bool = False,
    ) -> HeadFit:
        return fit_head(
            material.turned,
            self._targets(items),
            classes=len(self.vocab),
            folds=material.folds,
            balanced=self.config.balanced,
            views=self.config.views,
            strengths=(start.strength,) if start is not None and keep_strength else STRENGTHS,
            start=start,
            callback=callback,
        )

    @property
    def _familiar(self) -> Familiarity:
        """What is familiar to the model; learned once, when a model file needs it."""
        done = self._done
        if done.familiarity is None:
            self._fitted = done = replace(done, familiarity=self._familiarity(done.material, done.items))
        return done.familiarity  # type: ignore[return-value]

    def _familiarity(self, material: Material, items: Sequence[Item]) -> Familiarity:
        with self._timed("familiarity"):
            return material.familiarity(self._targets(items), seed=self.config.seed)

    def _info(self) -> ModelInfo:
        sureness, calibration = self._sureness(), calibration_of(self._familiar)
        return ModelInfo(
            vocab=self.vocab,
            rule=self.config.rule,
            prob_min=sureness.prob_min if sureness else float(SURE_CHOICES[-1]),
            calibration=calibration,
            card=with_verdicts(self._card(), sureness, flagged_by(calibration.limits, self._familiar)),
            selftest=(),
        )

    def _sureness(self) -> Sureness | None:
        """From which probability on answers are sure; None where no photo is left to tell."""
        return choose_sureness(self.oof_probs, self._targets(self.train_items))

    def _card(self) -> ModelCard:
        done, counts = self._done, Counter(item.label for item in self._done.items)
        names = ", ".join(self.vocab[:4]) + (" …" if len(self.vocab) > 4 else "")
        return ModelCard(
            title=self.config.title or f"{self.dataset.root.resolve().name}: {names}",
            summary=summary_of(done.valid, len(done.items)),
            classes={label: counts[label] for label in self.vocab},
            n_train=len(done.items),
            n_valid=len(done.valid.items),
            n_wrong=done.valid.n_wrong,
            backbone=done.backbone.arch.title,
            source=f"{len(done.items)} photos in the folder {self.dataset.root.resolve().name}",
            limits=(*limits_of(counts), *self.limits, *self.config.limits),
            made=datetime.now(UTC).date().isoformat(),
        )

    def _timed(self, step: str) -> Stopwatch:
        return Stopwatch(self.seconds, step)


def _changes(before: Sequence[Item], after: Sequence[Item]) -> int:
    """How many photos have gone or have another label; a photo may be there twice, also under two labels."""
    old, new = (Counter((item.hash, item.label) for item in items) for items in (before, after))
    return (old - new).total()
