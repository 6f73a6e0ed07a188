"""Rejudging: the model's word on every photo, as if the decisions that wait were applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fieldmark.catalog import Catalog
from fieldmark.decisions import StagedDecision
from fieldmark.doubts import label_issues
from fieldmark.issue import Issue
from fieldmark.learner import Learner
from fieldmark.provisional import Provisional
from fieldmark.suspects import Suspects
from fieldmark_widgets.photorows import Judgement, PhotoFinder

Labels = dict[int, str | None]


class Rejudging:
    """Judges a catalog's photos again and again, beside everything else; used by one thread at a time."""

    def __init__(self, learner: Learner, catalog: Catalog) -> None:
        """Name the learner that was trained last; what is needed of it is read when first asked for."""
        self._learner, self._catalog = learner, catalog
        self._provisional: Provisional | None = None
        self._ids: list[int | None] = []

    def judge(
        self, waiting: Mapping[int, StagedDecision], before: Mapping[int, Judgement]
    ) -> dict[int, Judgement]:
        """Give a newer word on each photo of `before`, by id; issues that are not about labels stay."""
        provisional = self._provisional or self._begin()
        labels = self._labels(provisional, waiting)
        probs = provisional.assess(labels)
        doubts = self._doubts(provisional, probs, labels)
        judged: dict[int, Judgement] = {}
        for place, photo_id in enumerate(self._ids):
            if photo_id is None or photo_id not in before:
                continue
            was = before[photo_id]
            label = labels.get(place) or provisional.items[place].label
            others = [issue for issue in was.issues if issue.kind != "label"]
            issues = sorted([*others, *doubts.get(place, ())], key=lambda issue: -issue.score)
            row = dict(zip(provisional.vocab, map(float, probs[place]), strict=True))
            judged[photo_id] = Judgement(was.side, label, row, tuple(issues))
        return judged

    def _begin(self) -> Provisional:
        find = PhotoFinder(self._catalog, self._learner)
        self._provisional = provisional = Provisional(self._learner)
        found = map(find, provisional.items)
        self._ids = [None if photo is None else photo.id for photo in found]
        return provisional

    def _labels(self, provisional: Provisional, waiting: Mapping[int, StagedDecision]) -> Labels:
        """The label of each photo where it is not what was learned: applied since, or waiting to be."""
        now = {photo.id: photo.label for photo in self._catalog.photos()}
        for photo_id, staged in waiting.items():
            if staged.decision.kind == "delete":
                now.pop(photo_id, None)
            elif staged.decision.to is not None:
                now[photo_id] = staged.decision.to
        labels: Labels = {}
        for place, (item, known) in enumerate(zip(provisional.items, self._ids, strict=True)):
            label = None if known is None else now.get(known)
            if label != item.label:
                labels[place] = label
        return labels

    def _doubts(
        self, provisional: Provisional, probs: npt.NDArray[np.float32], labels: Labels
    ) -> dict[int, list[Issue]]:
        """Labels that are probably wrong now, by place."""
        items = [replace(item, label=labels.get(i) or item.label) for i, item in enumerate(provisional.items)]
        nothing = np.empty((len(items), 0), np.float32)
        suspects = Suspects(
            tuple(items), provisional.n_train, provisional.vocab, probs, nothing, (None,) * len(items)
        )
        place_of = {item.path: place for place, item in enumerate(items)}
        found: dict[int, list[Issue]] = {}
        for issue in label_issues(suspects):
            found.setdefault(place_of[issue.path], []).append(issue)
        return found
