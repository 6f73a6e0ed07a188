"""Rejudging: the model's word on every photo, as if the decisions that wait were applied."""

from __future__ import annotations

from collections.abc import Mapping

from fieldmark.callbacks import silent
from fieldmark.catalog import Catalog
from fieldmark.catalog.decisions import StagedDecision
from fieldmark.issues.doubts import label_issues
from fieldmark.issues.issue import Issue
from fieldmark.issues.suspects import Suspects, take_suspects
from fieldmark.learner import Learner
from fieldmark_widgets.photorows import Judgement, PhotoFinder


class Rejudging:
    """Judges a catalog's photos again and again, beside everything else; used by one thread at a time."""

    def __init__(self, learner: Learner, catalog: Catalog) -> None:
        """Name the learner that was trained last; what is needed of it is read when first asked for."""
        self._learner, self._catalog = learner, catalog
        self._suspects: Suspects | None = None
        self._ids: list[int | None] = []

    def judge(
        self, waiting: Mapping[int, StagedDecision], before: Mapping[int, Judgement]
    ) -> dict[int, Judgement]:
        """Give a newer word on each photo of `before`, by id; issues that are not about a wrong label stay."""
        suspects = (self._suspects or self._begin()).relabelled(*self._labels(waiting))
        doubts = _doubts(suspects)
        judged: dict[int, Judgement] = {}
        for place, photo_id in enumerate(self._ids):
            if photo_id is None or photo_id not in before:
                continue
            was, label = before[photo_id], suspects.items[place].label
            others = [issue for issue in was.issues if issue.kind != "label"]
            issues = sorted([*others, *doubts.get(place, ())], key=lambda issue: -issue.score)
            probs = dict(zip(suspects.vocab, map(float, suspects.opinion[place]), strict=True))
            judged[photo_id] = Judgement(was.side, label or was.trained_as, probs, tuple(issues))
        return judged

    def _begin(self) -> Suspects:
        find = PhotoFinder(self._catalog, self._learner)
        self._suspects = suspects = take_suspects(self._learner, silent)
        found = map(find, suspects.items)
        self._ids = [None if photo is None else photo.id for photo in found]
        return suspects

    def _labels(self, waiting: Mapping[int, StagedDecision]) -> tuple[dict[str, str], set[str]]:
        """The labels as they would be, by SHA-256, and the photos that are or would be gone."""
        labels: dict[str, str] = {}
        gone: set[str] = set()
        for photo in self._catalog.photos(status=None):
            staged = waiting.get(photo.id)
            if photo.status != "present" or (staged and staged.decision.kind == "delete"):
                gone.add(photo.hash)
            else:
                labels[photo.hash] = staged.decision.to or photo.label if staged else photo.label
        return labels, gone - labels.keys()


def _doubts(suspects: Suspects) -> dict[int, list[Issue]]:
    """Labels that are probably wrong now, by place."""
    place_of = {item.path: place for place, item in enumerate(suspects.items)}
    found: dict[int, list[Issue]] = {}
    for issue in label_issues(suspects):
        found.setdefault(place_of[issue.path], []).append(issue)
    return found
