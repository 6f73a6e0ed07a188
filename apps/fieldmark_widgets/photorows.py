"""What the model makes of each photo of a catalog, for the components that show photos with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, log
from types import MappingProxyType

from fieldmark.assessment import Assessed, Side, assess
from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.dataset import Item
from fieldmark.interp import SMALLEST_PROB
from fieldmark.learner import Learner

NOT_JUDGED: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a learner said of one photo; it stays true when the photo gets another label."""

    side: Side
    trained_as: str
    """The label it had in the training."""
    probs: Mapping[str, float]
    """Every class in vocab order."""


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photo of the catalog as it is now, and what the model says of it."""

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
        return max(self.probs, key=self.probs.__getitem__, default=None)

    @property
    def prob_given(self) -> float:
        """Probability of the label it has now; 0 for one the model does not know."""
        return self.probs.get(self.photo.label, 0.0)

    @property
    def prob_said(self) -> float:
        """Probability of the most probable class."""
        return max(self.probs.values(), default=0.0)

    @property
    def loss(self) -> float | None:
        """Cross-entropy of the label it has now; None where it was not judged."""
        return -log(max(self.prob_given, SMALLEST_PROB)) if self.judgement else None

    @property
    def disagrees(self) -> bool:
        """Whether the model says something else than the label."""
        return self.judgement is not None and self.said != self.photo.label


def judge(learner: Learner, catalog: Catalog) -> dict[int, Judgement]:
    """Ask a fitted learner about every photo of a catalog, by the photo's id."""
    find = PhotoFinder(catalog, learner)
    found = ((find(assessed.item), assessed) for assessed in assess(learner))
    return {photo.id: _judgement(assessed) for photo, assessed in found if photo is not None}


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
    """Put the most surprising label first; photos that were not judged come last, by class."""
    rows = [PhotoRow(photo, judgements.get(photo.id)) for photo in photos]
    return sorted(rows, key=_surprise)


def _surprise(row: PhotoRow) -> tuple[float, str, str]:
    return (inf if row.loss is None else -row.loss), row.photo.label, row.photo.path
