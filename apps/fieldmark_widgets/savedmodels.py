"""The model files that were saved for a dataset: beside its photos, and listed in its catalog, the latest first."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback
from fieldmark.catalog.schema import HIDDEN
from fieldmark.modelfile import read_model_file
from fieldmark.names import is_portable, slug
from fieldmark.project import Project
from fieldmark.rounds import Round

MODELS = "models"
"""Key of the saved models in the catalog's settings, and their folder."""
MAX_LISTED = 20


@dataclass(frozen=True)
class Saved:
    """A model file that was saved for a dataset."""

    file: str
    """Name in the dataset's folder of models."""
    sha256: str
    at: str
    """UTC, ISO 8601."""
    title: str
    bytes: int
    n_train: int
    n_valid: int
    n_wrong: int
    summary: str
    kinds: list[str]
    limits: list[str]
    training: str = ""
    """Which training it is of, as `name_training` names it."""


def models_folder(project: Project) -> Path:
    """Where a dataset's models are; it may be missing."""
    return project.root / HIDDEN / MODELS


def saved_models(project: Project) -> list[Saved]:
    """List the models whose file is there, the latest first."""
    kept: Any = project.catalog.setting(MODELS, [])
    folder = models_folder(project)
    return [saved for entry in kept if (folder / (saved := Saved(**entry)).file).is_file()]


def name_training(entry: Round) -> str:
    """Name what a training was made of: equal names, equal models."""
    made_of = json.dumps(entry.made_of, sort_keys=True)
    return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def save_model(project: Project, callback: Callback) -> Saved:
    """Write the model of the photos as they are now, called after the dataset and its own SHA-256, and note it.

    Raises:
        What `Project.export` does; nothing is left behind then.
    """
    folder = models_folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"unfinished-{os.getpid()}.onnx"  # two kernels may save at once
    try:
        card = project.export(unfinished, callback)
        sha256 = read_model_file(unfinished).sha256
        name = project.name if is_portable(project.name) else slug(project.name)
        path = folder / f"{name}-{sha256[:8]}.onnx"
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    saved = Saved(
        path.name, sha256, datetime.now(UTC).isoformat(timespec="seconds"), card.title, path.stat().st_size,
        card.n_train, card.n_valid, card.n_wrong, card.summary, list(card.classes), list(card.limits),
        name_training(project.rounds()[0]),
    )  # fmt: skip
    _note(project, saved)
    return saved


def _note(project: Project, saved: Saved) -> None:
    others = [other for other in saved_models(project) if other.file != saved.file]
    kept: Any = [asdict(entry) for entry in (saved, *others)][:MAX_LISTED]
    project.catalog.set_setting(MODELS, kept)
