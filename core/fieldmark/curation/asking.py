"""Asking: which photos of a dataset somebody should label next, and what each that waits for a label probably is.

    asked = ask(project)
    for photo_id in asked.useful:
        print(asked.photos[photo_id].path, asked.suggestions.get(photo_id))

Labels that are staged count already, so that what was just said is used at once; nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import load_backbone
from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import CatalogPhoto
from fieldmark.curation.active import MOST_USEFUL, Probs, margins_of, pick_useful, pick_varied
from fieldmark.curation.sealed import read_seal
from fieldmark.features import Extraction, Features, extract
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.head import Head, fit_head
from fieldmark.heldout import KEY_LENGTH, held_out_by
from fieldmark.imaging.resize import ResizeRule
from fieldmark.models.backbone import Backbone
from fieldmark.project import Project

STRENGTH = 1.0
"""Of the regression that suggests: with few labels, cross-validation would choose by chance."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a photo without a label probably is."""

    label: str
    """The most probable class."""
    prob: float
    margin: float
    """To the next class, 0 … 1; small means that a label would tell much."""


@dataclass(frozen=True)
class Asked:
    """What came of asking once."""

    photos: Mapping[int, CatalogPhoto]
    """The photos without a label about which nothing is decided yet, by id."""
    useful: tuple[int, ...]
    """Those of them whose label would help most, by id, the most useful first."""
    suggestions: Mapping[int, Suggestion]
    """By id; empty as long as there are not two classes to choose from."""
    failures: Mapping[int, str]
    """Photos that cannot be read, by id, and why."""
    learned_from: int
    """How many labels the suggestions stand on, staged ones among them."""

    def surest(self, prob_min: float = 0.0) -> list[int]:
        """List photos by id that need only a nod: the surest first, those below `prob_min` left out."""
        sure = [photo for photo, said in self.suggestions.items() if said.prob >= prob_min]
        return sorted(sure, key=lambda photo: (-self.suggestions[photo].prob, photo))


def ask(project: Project, *, n: int = MOST_USEFUL, callback: Callback = silent) -> Asked:
    """Look at the photos that wait for a label; features are kept, so asking again takes a moment.

    Photos that are held out or sealed are not learned from: what is asked for must not depend on them.

    Raises:
        Cancelled: the callback asked to stop; features computed so far are kept.
    """
    catalog = project.catalog
    staged = {waiting.photo_id: waiting.decision for waiting in catalog.staged()}
    open_ones = [photo for photo in catalog.photos(status="unlabelled") if photo.id not in staged]
    known = _labelled(project)
    backbone, rule = _eyes(project, callback)
    photos = [*open_ones, *(photo for photo, _ in known)]
    found = extract(
        [catalog.file_of(photo) for photo in photos], [photo.hash for photo in photos], backbone=backbone, rule=rule, callback=callback
    )  # fmt: skip
    rows = {place: row for row, place in enumerate(found.kept)}
    here = [place for place in range(len(open_ones)) if place in rows]
    learnt = [place for place in range(len(known)) if len(open_ones) + place in rows]
    features = found.features[[rows[place] for place in here]]
    head, vocab = _fit(
        found.features[[rows[len(open_ones) + place] for place in learnt]],
        [known[place][1] for place in learnt],
    )
    ids = [open_ones[place].id for place in here]
    probs = head.probs(features) if head is not None and len(ids) else None
    chosen = pick_varied(features, n) if probs is None else pick_useful(probs, features, n)
    return Asked(
        photos={photo.id: photo for photo in open_ones},
        useful=tuple(ids[place] for place in chosen),
        suggestions={} if probs is None else _suggestions(ids, probs, vocab),
        failures=_failures(open_ones, found),
        learned_from=len(learnt),
    )


def _labelled(project: Project) -> list[tuple[CatalogPhoto, str]]:
    """Photos that may be learned from, with the label that each has or is decided to get."""
    catalog = project.catalog
    staged = {waiting.photo_id: waiting.decision for waiting in catalog.staged()}
    seal, kept = read_seal(catalog), held_out_by(catalog, project.choices.split_config)
    found = []
    for photo in [*catalog.photos(), *catalog.photos(status="unlabelled")]:
        decision = staged.get(photo.id)
        label = (decision.to if decision else None) or photo.label
        aside = (
            photo.split in ("valid", "test")
            or photo.hash[:KEY_LENGTH] in kept
            or (seal and photo.hash in seal.photos)
        )
        if label and not aside and (decision is None or decision.kind != "delete"):
            found.append((photo, label))
    return found


def _eyes(project: Project, callback: Callback) -> tuple[Backbone, ResizeRule]:
    """The backbone that the latest model sees with, and how a photo is fitted for it."""
    rounds = project.rounds()
    if project.learner is None and rounds and rounds[0].mode == "fine-tune" and not project.train_blockers():
        project.fitted(callback)
    if project.learner is not None:
        return project.learner.backbone, project.learner.config.rule
    config = project.choices.as_config()
    return load_backbone(config.arch, size_px=config.rule.size_px), config.rule


def _fit(features: Features, labels: Sequence[str]) -> tuple[Head | None, list[str]]:
    """Fit what suggests; None as long as there is nothing to tell apart."""
    vocab = sorted(set(labels))
    if len(vocab) < 2:
        return None, vocab
    targets = np.array([vocab.index(label) for label in labels], dtype=np.intp)
    folds = assign_folds(targets, np.arange(len(targets), dtype=np.intp), seed=0)
    return fit_head(features, targets, classes=len(vocab), folds=folds, strengths=(STRENGTH,)).head, vocab


def _suggestions(ids: Sequence[int], probs: Probs, vocab: Sequence[str]) -> dict[int, Suggestion]:
    margins: npt.NDArray[np.float32] = margins_of(probs)
    return {
        photo: Suggestion(vocab[int(row.argmax())], float(row.max()), float(margin))
        for photo, row, margin in zip(ids, probs, margins, strict=True)
    }


def _failures(photos: Sequence[CatalogPhoto], found: Extraction) -> dict[int, str]:
    return {photos[place].id: str(error) for place, error in found.failures.items() if place < len(photos)}
