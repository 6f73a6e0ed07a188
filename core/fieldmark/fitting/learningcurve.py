"""Learning curve: whether more photos would help, by training on fewer of those that are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.fitting.trainingphotos import MIN_PHOTOS_A_CLASS
from fieldmark.learner import Learner
from fieldmark.results.comparison import LEVEL, mcnemar
from fieldmark.stats import Interval, wilson

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)


@dataclass(frozen=True)
class Point:
    """A training on a part of the photos, judged by the same held-out ones."""

    n_train: int
    n_valid: int
    wrong: frozenset[str]
    """SHA-256 of the held-out photos answered wrongly."""

    @property
    def error_rate(self) -> float:
        """Share of wrong answers."""
        return len(self.wrong) / self.n_valid

    @property
    def ci(self) -> Interval:
        """95 % interval of `error_rate` (Wilson)."""
        return wilson(len(self.wrong), self.n_valid)


@dataclass(frozen=True)
class LearningCurve:
    """Errors against numbers of training photos, the fewest first."""

    points: tuple[Point, ...]

    @property
    def is_rising(self) -> bool:
        """Whether the last photos that were added made it better; an exact McNemar test says so."""
        if len(self.points) < 2:
            return False
        before, after = self.points[-2].wrong, self.points[-1].wrong
        mended, spoilt = len(before - after), len(after - before)
        return mended > spoilt and mcnemar(mended, spoilt) < LEVEL

    @property
    def sentence(self) -> str:
        """Would more photos help?"""
        last = self.points[-1]
        low, high = last.ci
        figure = (
            f"{len(last.wrong)} of {last.n_valid} held-out photos wrong with {last.n_train} "
            f"(95 % {100 * low:.1f}–{100 * high:.1f} %)"
        )
        if len(self.points) < 2:
            return f"Too few photos for a curve: {figure}."
        before = f"{len(self.points[-2].wrong)} with {self.points[-2].n_train} training photos"
        if self.is_rising:
            return f"More photos would probably help: {figure}, {before}."
        return f"That more photos would help cannot be said from these: {figure}, {before}."


def learning_curve(
    learner: Learner, *, shares: Sequence[float] = SHARES, callback: Callback = silent
) -> LearningCurve:
    """Fit again on growing parts of the training photos; features are cached, so it takes seconds.

    Each part holds the one before. Copies may fall on both sides of a part's end, never on the held-out side.

    Raises:
        NotTrainedError: `fit` was not called.
    """
    ranks = _ranks(learner)
    points: list[Point] = []
    for done, share in enumerate(shares):
        callback(Progress("Learning from fewer photos", done, len(shares)))
        chosen = tuple(place for place in learner.split.train if ranks[place] < share or ranks[place] == 0)
        if share == 1 or (not points or len(chosen) > points[-1].n_train):
            points.append(_point(learner, chosen, whole=share == 1))
    callback(Progress("Learning from fewer photos", len(shares), len(shares)))
    return LearningCurve(tuple(points))


def _ranks(learner: Learner) -> dict[int, float]:
    """Each training photo's place in a draw of its class, 0 … 1; the first few of a class are in every part."""
    by_class: dict[str, list[int]] = defaultdict(list)
    for place in learner.split.train:
        by_class[learner.dataset.items[place].label].append(place)
    dice, ranks = Random(learner.config.seed), dict[int, float]()
    for _, places in sorted(by_class.items()):
        dice.shuffle(places)
        for number, place in enumerate(places):
            ranks[place] = 0.0 if number < MIN_PHOTOS_A_CLASS else number / len(places)
    return ranks


def _point(learner: Learner, chosen: tuple[int, ...], *, whole: bool) -> Point:
    part = learner
    if not whole:
        split = replace(learner.split, train=chosen)
        part = Learner(learner.dataset, split, learner.config).fit()
    wrong = frozenset(item.hash for item in part.valid.wrong)
    return Point(len(part.train_items), len(part.valid.items), wrong)
