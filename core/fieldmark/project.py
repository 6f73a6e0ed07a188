"""Project: a dataset folder that somebody works on, from the first photo to the exported model.

All that was chosen is in the dataset's catalog, and all that was computed can be computed again from it within
a second or two. So a closed page or a killed kernel loses nothing, and any number of pages may look at once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog
from fieldmark.catalog.schema import HIDDEN
from fieldmark.choices import Choices, keep_choices, read_choices
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import FieldmarkError, NotTrainedError, StoreError
from fieldmark.finetune import FineTuneConfig, best_so_far, fine_tune, is_running
from fieldmark.finetuning.sofar import SoFar, read_so_far
from fieldmark.fitting.trainingphotos import MIN_PHOTOS_A_CLASS
from fieldmark.heldout import hold_out
from fieldmark.issues.duplicates import near_duplicates_of
from fieldmark.learner import Learner
from fieldmark.modelfile import ModelCard
from fieldmark.rounds import Round, data_version, read_rounds, remember_round

TUNING, LIMITS = "tuning", "limits"
"""Keys of what is kept in the catalog, beside choices, held-out photos and rounds."""
EPOCHS = 4
"""Of fine-tuning, after a first one for the head: the fastai book's."""
_NO_LABELS = "No photo has a label yet ({n} wait for one). Label a few of each class first."


class Project:
    """A dataset folder, what was chosen for it, and the learner that was fitted on it last."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog that is open."""
        self.catalog = catalog
        self.learner: Learner | None = None
        """Fitted by `fit` in this process; None before."""
        self._fitted_on: tuple[str, dict[str, Any]] | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Project:
        """Open a dataset folder; raises StoreError as `Catalog.open`."""
        return cls(Catalog.open(folder))

    @property
    def root(self) -> Path:
        """The dataset folder."""
        return self.catalog.root

    @property
    def name(self) -> str:
        """What the dataset is called."""
        return self.root.resolve().name

    # -- choosing -----------------------------------------------------------------------------------------

    @property
    def choices(self) -> Choices:
        """How to train."""
        return read_choices(self.catalog)

    def choose(self, **changes: Any) -> Choices:
        """Change and keep how to train; TypeError for a choice that there is not."""
        chosen = replace(self.choices, **changes)
        keep_choices(self.catalog, chosen)
        return chosen

    # -- what is there, and what is missing ---------------------------------------------------------------

    def rounds(self) -> list[Round]:
        """List the trainings, the latest first."""
        return read_rounds(self.catalog)

    @property
    def is_trained(self) -> bool:
        """Whether it was ever trained, in this process or before."""
        return bool(self.rounds())

    @property
    def is_stale(self) -> bool:
        """Whether photos, labels or choices have changed since the last training."""
        rounds = self.rounds()
        return bool(rounds) and (
            rounds[0].data != self.data_version() or rounds[0].choices != self.choices.as_dict()
        )

    def data_version(self) -> str:
        """Name the photos and labels as they are now: equal names, equal data."""
        return data_version(self.catalog)

    def train_blockers(self) -> list[str]:
        """Say what is missing before it can be trained; empty when nothing is."""
        counts = self.catalog.counts()
        if not counts:
            waiting = self.catalog.n_unlabelled()
            return [
                _NO_LABELS.format(n=f"{waiting:,}")
                if waiting
                else "There are no photos yet. Import some first."
            ]
        blockers = []
        if len(counts) < 2:
            (label,) = counts
            blockers.append(
                f"All photos are {label}. Import photos of something else, to tell it from, or relabel some."
            )
        few = [f"{label} ({n})" for label, n in counts.items() if n < MIN_PHOTOS_A_CLASS]
        if few:
            blockers.append(
                f"At least {MIN_PHOTOS_A_CLASS} photos of each class are needed. Too few: {', '.join(few)}."
            )
        return blockers

    def result_blockers(self) -> list[str]:
        """Say what is missing before there are results, a list to clean by, or a model to export."""
        return self.train_blockers() or ([] if self.is_trained else ["Nothing was trained yet. Train first."])

    # -- training -----------------------------------------------------------------------------------------

    def fit(self, callback: Callback = silent) -> Learner:
        """Train on the photos as they are now; photos seen before cost nothing but the head, a second.

        The photos that are held out stay the same from one training to the next, as long as the choices about
        the split do; what is new is learned from, unless it belongs together with a held-out photo, or so much is
        new that too few are held out.

        Raises:
            EmptyDatasetError, DatasetError: what `train_blockers` says, or a split that cannot be made.
            Cancelled: the callback asked to stop; the learner from before stays.
        """
        return self._take(self._fit_now(callback))

    def fine_tune(self, callback: Callback = silent) -> Learner:
        """Train the backbone as well, in minutes; a run that was stopped or killed goes on where it was.

        Raises:
            EmptyDatasetError, DatasetError, FieldmarkError: as `fit`, and as `finetune.fine_tune`.
            Cancelled: the callback asked to stop; calling again goes on.
        """
        fitted = self._fit_now(callback)
        self.catalog.set_setting(TUNING, list(self._now()))
        tuned = fine_tune(fitted, self._tuning, workdir=self._workdir, callback=callback)
        self.catalog.set_setting(TUNING, None)
        return self._take(tuned)

    def take_best(self, callback: Callback = silent) -> Learner:
        """Take the best epoch of a fine-tuning that was stopped; `fine_tune` still goes on from the last one.

        Raises:
            NotTrainedError: no epoch of it is on the disk.
            EmptyDatasetError, DatasetError, StoreError: as `fit`, and as `finetune.best_so_far`.
        """
        best = best_so_far(self._fit_now(callback), self._tuning, workdir=self._workdir, callback=callback)
        self.catalog.set_setting(TUNING, None)
        return self._take(best)

    @property
    def is_tuning_unfinished(self) -> bool:
        """Whether a fine-tuning of photos and choices as they are now was begun and not ended, here or elsewhere."""
        return self.catalog.setting(TUNING) == list(self._now())

    @property
    def tuning_so_far(self) -> SoFar | None:
        """Where the fine-tuning stands that was not ended; None without one, or where nothing of it can be read."""
        with contextlib.suppress(StoreError):
            return read_so_far(self._workdir) if self.is_tuning_unfinished else None
        return None

    @property
    def is_tuning_now(self) -> bool:
        """Whether a fine-tuning of these photos is under way at this moment, here or in another page's kernel."""
        return is_running(self._workdir)

    def fitted(self, callback: Callback = silent) -> Learner:
        """Give the learner of photos and choices as they are now, fitting it only where that was not done yet.

        What was fine-tuned last is taken from where it was kept.
        """
        if self.learner is not None and self._fitted_on == self._now():
            return self.learner
        rounds = self.rounds()
        was_tuned = rounds and rounds[0].mode == "fine-tune" and not self.is_stale
        learner = self._fit_now(callback)
        if was_tuned:
            with contextlib.suppress(NotTrainedError):  # somebody has cleared the folder: then it is the fit
                learner = best_so_far(learner, self._tuning, workdir=self._workdir, callback=callback)
        return self._take(learner)

    def export(self, path: str | os.PathLike[str], callback: Callback = silent) -> ModelCard:
        """Write the model file of the photos as they are now; raises as `fit` and `Learner.export`."""
        learner = self.fitted(callback)
        learner.config = replace(learner.config, title=self.choices.title, limits=self.limits)
        return learner.export(Path(path), callback)

    @property
    def limits(self) -> tuple[str, ...]:
        """Where the latest model fails, as far as that was measured (`remember_limits`); empty after a new training."""
        kept: Any = self.catalog.setting(LIMITS)
        return tuple(kept["sentences"]) if kept and kept["of"] == self._latest else ()

    def remember_limits(self, sentences: Sequence[str]) -> None:
        """Keep what was measured of the latest model, for the card of its file."""
        self.catalog.set_setting(LIMITS, {"of": self._latest, "sentences": list(sentences)})

    @property
    def _latest(self) -> list[Any]:
        """Name the latest training."""
        rounds = self.rounds()
        return rounds[0].made_of if rounds else []

    def _fit_now(self, callback: Callback) -> Learner:
        if blockers := self.train_blockers():
            raise FieldmarkError(" ".join(blockers), code="not_ready")
        choices = self.choices
        dataset = read_dataset(self.root, callback=callback)
        if (again := self._fit_again(dataset, callback)) is not None:
            return again
        groups = near_duplicates_of(dataset.items, callback=callback)
        split = hold_out(self.catalog, dataset, groups, choices.split_config)
        return Learner(dataset, split, choices.as_config(), groups=groups).fit(callback)

    def _fit_again(self, dataset: Dataset, callback: Callback) -> Learner | None:
        """Fit from what is in memory, where only labels have changed or photos have gone since the last fit."""
        learner = self.learner
        if learner is None or self._fitted_on is None or self._fitted_on[1] != self.choices.as_dict():
            return None
        given = {item.hash: item.split for item in learner.dataset.items}
        if any(given.get(item.hash) != item.split for item in dataset.items):
            return None
        return learner.follow(dataset, callback)

    def _take(self, learner: Learner) -> Learner:
        """Keep a learner of the photos as they are now, and remember how good it is."""
        self.learner, self._fitted_on = learner, self._now()
        data, choices = self._fitted_on
        remember_round(self.catalog, learner, data=data, choices=choices)
        return learner

    def _now(self) -> tuple[str, dict[str, Any]]:
        """Name photos, labels and choices as they are."""
        return self.data_version(), self.choices.as_dict()

    @property
    def _tuning(self) -> FineTuneConfig:
        return FineTuneConfig(epochs=EPOCHS, seed=self.choices.seed)

    @property
    def _workdir(self) -> Path:
        """Where a fine-tuning keeps what it goes on from; it is made again for other photos."""
        return self.root / HIDDEN / "fine-tune"
