"""What the model makes of each photo of a catalog, for the components that show photos with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, log
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from fieldmark.callbacks import Callback
from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.cleaning import find_issues
from fieldmark.dataset import Item
from fieldmark.interp import SMALLEST_PROB
from fieldmark.issues.issue import Issue
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.results.assessment import Assessed, Side, assess

ABOUT_LABELS = frozenset({"label", "two_labels", "odd"})
"""Kinds of issues that a new label settles."""
NOT_JUDGED: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a learner said of one photo; it stays true when the photo gets another label."""

    side: Side
    trained_as: str
    """The label it had in the training."""
    probs: Mapping[str, float]
    """Every class in vocab order."""
    issues: tuple[Issue, ...] = ()
    """What is probably wrong with the photo, worst first."""
    said: str = field(init=False)
    """The most probable class."""
    prob_said: float = field(init=False)
    """Its probability."""

    def __post_init__(self) -> None:
        """Find the answer once: photos are ranked and filtered by it again and again."""
        object.__setattr__(self, "said", max(self.probs, key=self.probs.__getitem__))
        object.__setattr__(self, "prob_said", self.probs[self.said])


class PhotoRow(NamedTuple):
    """One photo of the catalog as it is now, and what the model says of it; a tuple, as there may be very many."""

    photo: CatalogPhoto
    judgement: Judgement | None
    """None for a photo that the model was not asked about: new, or not to be read."""

    @property
    def probs(self) -> Mapping[str, float]:
        """Every class in vocab order; empty where it was not judged."""
        return self.judgement.probs if self.judgement else NOT_JUDGED

    @property
    def said(self) -> str | None:
        """The most probable class."""
        return self.judgement.said if self.judgement else None

    @property
    def prob_given(self) -> float:
        """Probability of the label it has now; 0 for one the model does not know."""
        return self.probs.get(self.photo.label, 0.0)

    @property
    def prob_said(self) -> float:
        """Probability of the most probable class."""
        return self.judgement.prob_said if self.judgement else 0.0

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is probably wrong with it, worst first, as far as that is still so with the label it has now."""
        judged = self.judgement
        if judged is None or not judged.issues or judged.trained_as == self.photo.label:
            return judged.issues if judged else ()
        return tuple(issue for issue in judged.issues if issue.kind not in ABOUT_LABELS)

    @property
    def score(self) -> float:
        """How bad the worst of its issues is, 0 … 1; 0 without one."""
        return self.issues[0].score if self.judgement and self.judgement.issues and self.issues else 0.0

    @property
    def loss(self) -> float | None:
        """Cross-entropy of the label it has now; None where it was not judged."""
        return max(0.0, -log(max(self.prob_given, SMALLEST_PROB))) if self.judgement else None

    @property
    def disagrees(self) -> bool:
        """Whether the model says something else than the label."""
        return self.judgement is not None and self.said != self.photo.label


def judge(learner: Learner, catalog: Catalog) -> dict[int, Judgement]:
    """Ask a fitted learner about every photo of a catalog, by the photo's id."""
    find = PhotoFinder(catalog, learner)
    found = ((find(assessed.item), assessed) for assessed in assess(learner))
    return {photo.id: _judgement(assessed) for photo, assessed in found if photo is not None}


def judge_with_issues(learner: Learner, catalog: Catalog, callback: Callback) -> dict[int, Judgement]:
    """As `judge`, with what is probably wrong with each photo."""
    judged = judge(learner, catalog)
    find = PhotoFinder(catalog, learner)
    of_photo: dict[int, list[Issue]] = {}
    for issue in find_issues(learner, callback=callback):
        photo = find(Item(issue.path, issue.given, issue.hash))
        if photo is not None and photo.id in judged:
            of_photo.setdefault(photo.id, []).append(issue)
    return judged | {
        photo_id: replace_issues(judged[photo_id], tuple(issues)) for photo_id, issues in of_photo.items()
    }


def judge_project(project: Project, callback: Callback) -> tuple[Learner, dict[int, Judgement]]:
    """Give the latest learner, fitted again where this process has none, and its word on every photo."""
    learner = project.learner or project.fitted(callback)
    return learner, judge_with_issues(learner, project.catalog, callback)


def replace_issues(judgement: Judgement, issues: tuple[Issue, ...]) -> Judgement:
    """The same word of the model, with other issues."""
    return Judgement(judgement.side, judgement.trained_as, judgement.probs, issues)


class PhotoFinder:
    """Finds the photos of a catalog that a learner has read, also where they have moved since."""

    def __init__(self, catalog: Catalog, learner: Learner) -> None:
        """Look once at the catalog."""
        self._root = learner.dataset.root
        self._photos: dict[str, dict[str, CatalogPhoto]] = {}  # hash -> path -> photo
        for photo in catalog.photos(status=None):
            self._photos.setdefault(photo.hash, {})[photo.path] = photo

    def __call__(self, item: Item) -> CatalogPhoto | None:
        """Find by bytes; by place where several photos have the same ones."""
        same = self._photos.get(item.hash, {})
        return same.get(item.path.relative_to(self._root).as_posix()) or next(iter(same.values()), None)


def _judgement(assessed: Assessed) -> Judgement:
    return Judgement(assessed.side, assessed.given, assessed.probs)


def rank(photos: Iterable[CatalogPhoto], judgements: Mapping[int, Judgement]) -> list[PhotoRow]:
    """Put the worst issue first, then the most surprising label; photos that were not judged come last, by class."""
    if not judgements:  # a hundred thousand of them are put in order while somebody waits
        return [PhotoRow(photo, None) for photo in sorted(photos, key=attrgetter("label", "path"))]
    rows = [PhotoRow(photo, judgements.get(photo.id)) for photo in photos]
    return sorted(rows, key=_surprise)


def _surprise(row: PhotoRow) -> tuple[float, float, str, str]:
    loss = row.loss
    return -row.score, (inf if loss is None else -loss), row.photo.label, row.photo.path


def rank_again(
    rows: Sequence[PhotoRow],
    judgements: Mapping[int, Judgement],
    decided: Collection[int],
    current: int | None,
) -> list[PhotoRow]:
    """Rank what is left by a newer word of the model; up to the photo that is looked at nothing moves or changes."""
    at = next((place for place, row in enumerate(rows) if row.photo.id == current), -1)
    behind = [PhotoRow(row.photo, judgements.get(row.photo.id)) for row in rows[at + 1 :]]
    left = sorted((row for row in behind if row.photo.id not in decided), key=_surprise)
    return [*rows[: at + 1], *left, *(row for row in behind if row.photo.id in decided)]
