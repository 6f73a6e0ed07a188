"""Drift: does what the cameras send still look like what the model was judged on?

Each figure of an event (its probability, unfamiliarity, brightness, sharpness, share of grey) is compared between a
reference and the last days by a Kolmogorov–Smirnov test, and Holm's correction keeps the whole family at one level
(Rabanser et al. 2019, "Failing Loudly", arXiv 1810.11953: tests on classifier outputs detect best). It needs one
value an event, never one a frame: the frames of one visit are copies of each other, and a test that takes them for
independent finds drift everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldmark.stats.intervals import Interval, clopper_pearson

MIN_EVENTS = 50
"""Events on each side below which nothing is said."""
LEVEL = 0.01
"""Chance of any false alarm among all figures of one comparison."""

State = Literal["steady", "changed", "too few to tell"]


@dataclass(frozen=True)
class Drift:
    """One figure, then and now."""

    name: str
    reference: int
    """Events with this figure in the reference."""
    recent: int
    """Events with this figure lately."""
    distance: float
    """Largest difference of the two distributions, 0 … 1."""
    p: float
    """After Holm's correction for the number of figures; 1 where there were too few events."""
    state: State


def compare_figures(figures: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> list[Drift]:
    """Test every figure, reference against recent, in the order given."""
    from scipy.stats import ks_2samp

    tested = {
        name: ks_2samp(then, now)
        for name, (then, now) in figures.items()
        if min(len(then), len(now)) >= MIN_EVENTS
    }
    adjusted = holm({name: float(found.pvalue) for name, found in tested.items()})
    return [
        Drift(name, len(then), len(now), *_judged(tested.get(name), adjusted.get(name)))
        for name, (then, now) in figures.items()
    ]


def _judged(found: object, p: float | None) -> tuple[float, float, State]:
    if p is None:
        return 0.0, 1.0, "too few to tell"
    distance = float(found.statistic)  # type: ignore[attr-defined]  # scipy's result has no type of its own
    return distance, p, "changed" if p < LEVEL else "steady"


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """Correct several p for having been several (Holm 1979, Scand. J. Stat. 6: 65–70)."""
    adjusted, highest = {}, 0.0
    for place, (name, p) in enumerate(sorted(ps.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, p * (len(ps) - place)))
        adjusted[name] = highest
    return adjusted


@dataclass(frozen=True)
class PrecisionCheck:
    """What the model promised of its alerts, beside what people found."""

    expected: float
    """Mean calibrated probability of the reviewed alerts, 0 … 1."""
    confirmed: int
    """Reviewed alerts that were right."""
    n: int
    """Reviewed alerts."""
    interval: Interval
    """95 % interval of the reviewed precision."""

    @property
    def is_off(self) -> bool:
        """Whether the promise lies outside of what people found.

        It says nothing when the animals themselves change how they look: then promise and truth drift together.
        """
        return self.n > 0 and not self.interval.low <= self.expected <= self.interval.high


def check_precision(probs: Sequence[float], confirmed: Sequence[bool]) -> PrecisionCheck:
    """Compare the probabilities of reviewed alerts with what the reviews said, pair by pair."""
    if len(probs) != len(confirmed):
        raise ValueError(f"{len(probs)} probabilities for {len(confirmed)} reviews")
    n, hits = len(probs), sum(confirmed)
    return PrecisionCheck(sum(probs) / n if n else 0.0, hits, n, clopper_pearson(hits, n))
