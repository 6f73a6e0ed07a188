"""One call from a folder of photos to a model file: what the command line and the apps run."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog
from fieldmark.catalog.catalog import is_catalog
from fieldmark.checkreport import UNEVEN
from fieldmark.choices import Choices
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import StoreError
from fieldmark.finetune import FineTuneConfig, FineTuned
from fieldmark.finetuning.tta import ByViews, judge_by_views
from fieldmark.firstpass import see_photos
from fieldmark.fitting.advice import Advice, auto_advice
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.heldout import draw, hold_out
from fieldmark.issues.duplicates import near_duplicates_of
from fieldmark.learner import Learner
from fieldmark.modelfile import ModelCard, read_model_file
from fieldmark.models.freshcheck import FreshCheck
from fieldmark.rounds import data_version, remember_round
from fieldmark.splitfile import given_split, read_split
from fieldmark.splits import Split, SplitConfig
from fieldmark.stopwatch import Stopwatch
from fieldmark.tuningruns import run_folder, run_tuning

Mode = Literal["fit", "fine-tune", "auto"]
"""fit: the head, in seconds. fine-tune: the trunk as well, in minutes. auto: fit, and say what the other would cost."""


@dataclass(frozen=True)
class TrainResult:
    """A trained and saved model."""

    learner: Learner
    card: ModelCard
    path: Path
    sha256: str
    seconds: dict[str, float] = field(default_factory=dict)
    """Per step, and in all under `total`."""
    advice: Advice | None = None
    """Whether fine-tuning is likely to pay; only where that was asked for."""
    computed: int = 0
    """Photos that needed a forward pass; the others were in the feature cache."""
    warnings: tuple[str, ...] = ()
    """What was told before the start, a sentence each."""
    tta: ByViews | None = None
    """What several views of each held-out photo would give; only where that was asked for."""

    @property
    def mode(self) -> str:
        """How the weights were made that were saved: "fit", also where no epoch of fine-tuning was better."""
        return self.learner.mode

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of these photos and their split, a sentence each."""
        learner = self.learner
        return (*self.warnings, *learner.split.notes, *learner.limits, *learner.notes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values: what `fieldmark train --json` prints."""
        learner, valid = self.learner, self.learner.valid
        root = learner.dataset.root
        return {
            "model": str(self.path),
            "model_sha256": self.sha256,
            "mode": self.mode,
            **self._tuning(),
            **({"tta": self.tta.as_dict()} if self.tta else {}),
            "backbone": learner.config.arch,
            "image_size": learner.config.rule.size_px,
            "views": learner.config.views,
            "seed": learner.config.seed,
            "vocab": list(learner.vocab),
            "n_train": len(learner.train_items),
            "n_valid": len(valid.items),
            "n_wrong": valid.n_wrong,
            "error_rate": valid.error_rate,
            "error_rate_ci": list(valid.error_rate_ci) if valid.items else None,
            "valid_loss": valid.mean_loss,
            "wrong": [_relative(item.path, root) for item in valid.wrong],
            "most_confused": [[c.actual, c.said, c.count] for c in valid.most_confused()],
            "per_class": [report.as_dict() for report in valid.per_class()],
            "left_out": [
                {"path": _relative(path, root), "code": e.code, "reason": str(e)}
                for path, e in learner.failures.items()
            ],
            "notes": list(self.notes),
            "computed": self.computed,
            "seconds": self.seconds,
        }

    def _tuning(self) -> dict[str, Any]:
        """What only fine-tuning, or asking about it, has to say."""
        if self.advice is not None:
            return {"advice": self.advice.as_dict()}
        if not isinstance(self.learner, FineTuned):
            return {}
        tuned = self.learner
        return {
            "fit": {"valid_loss": tuned.fit_loss, "n_wrong": tuned.fit_n_wrong},
            "epochs": [epoch.as_dict() for epoch in tuned.history],
            "best_epoch": tuned.best_epoch,
            "stopped": tuned.stopped,
        }


def train(
    folder: str | Path,
    out: str | Path,
    *,
    config: TrainConfig | None = None,
    split: SplitConfig | None = None,
    mode: Mode = "fit",
    tuning: FineTuneConfig | None = None,
    take_best: bool = False,
    tta: int = 0,
    tell: Callable[[str], object] = lambda _sentence: None,
    callback: Callback = silent,
) -> TrainResult:
    """Train on a folder of photos and save the model; a dataset remembers it (`fieldmark ledger`).

    A fine-tuning that was stopped or killed goes on where it was when the same is asked for again.

    Args:
        tuning: of mode "fine-tune": how long; and of mode "auto": what is asked about.
        take_best: of mode "fine-tune": do not go on, save the best epoch of the run that was stopped.
        tta: judge by so many augmented views of each held-out photo as well.
        tell: called with each sentence that is to be known before the start.
    Raises:
        DatasetError: the folder or the split cannot be used.
        ModelFileError: the saved file did not answer as the trainer does.
        NotTrainedError: no epoch is there to be taken.
        Cancelled: the callback asked to stop, or Ctrl-C in fine-tuning; says how to go on.
    """
    started, ahead = perf_counter(), dict[str, float]()
    config, split, catalog = config or TrainConfig(), split or SplitConfig(), _catalog_of(folder)
    with FreshCheck() if mode == "fit" else nullcontext() as fresh:  # of what takes minutes, export starts it
        data = data_version(catalog) if catalog else ""
        dataset = read_dataset(folder, callback=callback)
        warnings = tuple(_uneven(dataset, balanced=config.balanced))
        for sentence in warnings:
            tell(sentence)
        with Stopwatch(ahead, "features"):
            computed = see_photos(dataset, config, split, callback)
        groups = near_duplicates_of(dataset.items, callback=callback)
        read = perf_counter() - started - ahead["features"]
        chosen = choose_split(dataset, groups, split, catalog)
        learner = Learner(dataset, chosen, config, groups=groups).fit(callback, to_export=mode == "fit")
        learner.seconds["features"] = round(learner.seconds["features"] + ahead["features"], 3)
        computed += learner.computed
        advice = auto_advice(learner, tuning, callback=callback) if mode == "auto" else None
        if mode == "fine-tune":
            tuning = tuning or FineTuneConfig()
            workdir = run_folder(learner, tuning)
            learner = run_tuning(learner, tuning, workdir, take_best=take_best, callback=callback)
        by_views = judge_by_views(learner, tta, callback) if tta else None
        card = learner.export(out, callback, fresh=fresh)
    if mode == "fine-tune" and not take_best:
        shutil.rmtree(workdir, ignore_errors=True)  # what it would go on from is not needed any more
    seconds = {"read": round(read, 3), **learner.seconds, "total": round(perf_counter() - started, 3)}
    result = TrainResult(
        learner, card, Path(out), read_model_file(out).sha256, seconds, advice, computed, warnings, by_views
    )
    if catalog:
        with contextlib.suppress(StoreError):  # another process writes: the model is saved all the same
            remember_round(catalog, learner, data=data, choices=_told(config, split))
    return result


def _catalog_of(folder: str | Path) -> Catalog | None:
    """The catalog of a dataset; None of a plain folder, and where nothing may be written."""
    with contextlib.suppress(StoreError):
        return Catalog.open(folder) if is_catalog(folder) else None
    return None


def _told(config: TrainConfig, split: SplitConfig) -> dict[str, Any]:
    """What a training was told, as a dataset remembers it: the studio's choices, and what it does not offer."""
    beside = {"arch": config.arch} if config.arch != TrainConfig.arch else {}
    if split.file is not None:
        beside["split"] = split.file.name
    return Choices.of(config, split).as_dict() | beside


def _uneven(dataset: Dataset, *, balanced: bool) -> Iterator[str]:
    """Say that one class has many times the photos of another, and what to do."""
    counts = Counter(item.label for item in dataset.items)
    if balanced or not counts:
        return
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] > UNEVEN * counts[least]:
        yield (
            f"There are {counts[most]} photos of {most} and {counts[least]} of {least}. Add photos of {least}, or train "
            "with --balanced, which weighs classes equally."
        )


def choose_split(
    dataset: Dataset, groups: list[tuple[int, ...]], config: SplitConfig, catalog: Catalog | None = None
) -> Split:
    """Take the split of a file, else the one that the dataset brings or had before, else draw one."""
    if config.file is not None:
        return read_split(config.file, dataset, groups)
    if catalog is not None:
        return hold_out(catalog, dataset, groups, config)
    return given_split(dataset, groups) if dataset.split_given else draw(dataset, groups, config)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
