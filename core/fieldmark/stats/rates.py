"""Rates: have sightings doubled or halved, or are there too few to tell?

Two windows of days are compared: a recent one and a baseline before it. What counts is independent events per
camera-day of uptime, so a camera that was down is no drop. A rule that calls every week of twice or half the one before
would raise 25 false alarms per camera-year at half an event a day (`make bench-stats`); so a change is called one only
when chance alone would hardly do it, and "too few to tell" is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fieldmark.stats.intervals import Interval, clopper_pearson

LEVEL = 0.01
"""Chance of calling a doubling where there is none, and as much for a halving: two questions, each by itself."""
STEADY_DISPERSION = 1.3
"""Up to this variance-to-mean ratio days count as independent draws; above it they come in clumps."""
PERMUTATIONS = 1999
NOTABLE = 2.0
"""The change that is asked about: this many times more, or fewer."""

Verdict = Literal["more", "fewer", "steady", "too few to tell"]


class Day(NamedTuple):
    """One day of a station, or of one camera."""

    events: int
    """Independent events."""
    uptime: float
    """Camera-days watched: 1.0 is one camera for a whole day."""


@dataclass(frozen=True)
class RateChange:
    """How a recent rate compares with the baseline."""

    recent: int
    """Events in the recent window."""
    baseline: int
    """Events in the baseline."""
    ratio: float
    """Recent rate over baseline rate, per camera-day; infinite where the baseline has none."""
    interval: Interval
    """95 % interval of the ratio."""
    p: float
    """One-sided p of "nothing has changed", in the direction it went."""
    dispersion: float
    """Variance over mean of the baseline's days; 1 for independent events."""
    method: Literal["binomial", "permutation"]
    """Which test gave p."""

    @property
    def verdict(self) -> Verdict:
        """ "steady" only where the interval leaves no room for a doubling or halving."""
        if self.p < LEVEL:
            return "more" if self.ratio > 1 else "fewer"
        inside = self.interval.low > 1 / NOTABLE and self.interval.high < NOTABLE
        return "steady" if inside else "too few to tell"


def compare_rates(recent: Sequence[Day], baseline: Sequence[Day], *, seed: int = 0) -> RateChange:
    """Compare two windows of days, for the dashboard's question "doubled or halved?".

    On days that scatter as independent events do, the exact conditional binomial test is used: given the total, the
    recent count is Binomial(n, share of uptime) (Przyborowski and Wilenski 1940, Biometrika 31: 313–323). On clumped
    days, where that test would raise 14 % false alarms at a nominal 1 %, whole days are permuted instead. It assumes
    that days are exchangeable while nothing changes: a season, or a bait that was put out, is a change.

    Args:
        recent: days of the recent window, any order.
        baseline: days of the window it is compared with.
        seed: of the permutations.
    Raises:
        ValueError: one of the windows has no uptime, so there is no rate.
    """
    x, exposure_x = _total(recent)
    b, exposure_b = _total(baseline)
    dispersion = _dispersion(baseline)
    share = exposure_x / (exposure_x + exposure_b)
    ratio = (x / exposure_x) / (b / exposure_b) if b else (inf if x else 1.0)
    if dispersion <= STEADY_DISPERSION:
        p, method = _binomial_p(x, x + b, share), "binomial"
    else:
        p, method = _permutation_p(recent, baseline, seed), "permutation"
    interval = _ratio_interval(x, b, exposure_b / exposure_x, max(1.0, dispersion))
    return RateChange(x, b, ratio, interval, p, dispersion, method)  # type: ignore[arg-type]


def changed_groups(
    groups: Mapping[str, tuple[Sequence[Day], Sequence[Day]]], *, seed: int = 0
) -> list[tuple[str, RateChange]]:
    """Say which cameras changed by themselves, most surely first: one among many is drowned in the sum of all.

    Each is tested as `compare_rates` does; Holm's method (1979, Scandinavian Journal of Statistics 6: 65–70) keeps the
    chance of naming any camera that did not change at `LEVEL` for each of the two questions, however many there are.

    Args:
        groups: for each camera its recent and its baseline days; without uptime in both there is nothing to compare.
    """
    tested = sorted(
        (_quick_p(recent, baseline, seed), name)
        for name, (recent, baseline) in groups.items()
        if min(sum(day.uptime for day in recent), sum(day.uptime for day in baseline)) > 0
    )
    changed = []
    for place, (p, name) in enumerate(tested):
        if p >= LEVEL / (len(tested) - place):
            break
        changed.append((name, compare_rates(*groups[name], seed=seed)))
    return changed


def _quick_p(recent: Sequence[Day], baseline: Sequence[Day], seed: int) -> float:
    """As `compare_rates` has it; days are not permuted where not even independent ones would tell."""
    (x, exposure_x), (b, exposure_b) = _total(recent), _total(baseline)
    p = _binomial_p(x, x + b, exposure_x / (exposure_x + exposure_b))
    if p >= LEVEL or _dispersion(baseline) <= STEADY_DISPERSION:
        return p
    return _permutation_p(recent, baseline, seed)


def explain_change(groups: Mapping[str, tuple[Sequence[Day], Sequence[Day]]]) -> list[tuple[str, float]]:
    """Say which camera explains a change: events beyond what its own baseline led to expect, most first.

    Args:
        groups: for each camera its recent and its baseline days. A camera without baseline expects nothing.
    """
    surplus = {name: _surplus(recent, baseline) for name, (recent, baseline) in groups.items()}
    return sorted(surplus.items(), key=lambda pair: -abs(pair[1]))


def _surplus(recent: Sequence[Day], baseline: Sequence[Day]) -> float:
    expected_rate = sum(day.events for day in baseline) / max(sum(day.uptime for day in baseline), 1e-9)
    expected = expected_rate * sum(day.uptime for day in recent) if baseline else 0.0
    return sum(day.events for day in recent) - expected


def _total(days: Sequence[Day]) -> tuple[int, float]:
    exposure = sum(day.uptime for day in days)
    if exposure <= 0:
        raise ValueError("a window without uptime has no rate")
    return sum(day.events for day in days), exposure


def _dispersion(days: Sequence[Day]) -> float:
    """Pearson's χ² over its degrees of freedom, which is variance over mean where uptime is even."""
    events, exposure = _total(days)
    watched = [day for day in days if day.uptime > 0]
    if events == 0 or len(watched) < 2:
        return 1.0
    rate = events / exposure
    squares = [(day.events - rate * day.uptime) ** 2 / (rate * day.uptime) for day in watched]
    return float(sum(squares) / (len(watched) - 1))


def _binomial_p(x: int, n: int, share: float) -> float:
    """Exact p of so many or more, or of so few or fewer, whichever is rarer."""
    from scipy.special import (  # a hundred times faster than scipy.stats.binom, which asks for a dozen cameras
        bdtr,
        bdtrc,
    )

    return float(min(bdtr(x, n, share), bdtrc(x - 1, n, share)))


def _permutation_p(recent: Sequence[Day], baseline: Sequence[Day], seed: int) -> float:
    """Share of ways to deal the days into the two windows that go at least as far, in the direction it went."""
    days = [day for day in (*recent, *baseline) if day.uptime > 0]
    k = sum(day.uptime > 0 for day in recent)
    events = np.array([day.events for day in days], float)
    uptime = np.array([day.uptime for day in days], float)
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((PERMUTATIONS, len(days))), axis=1)[:, :k]  # (permutations, k)
    seen = _differences(events, uptime, np.arange(k)[None])[0]
    dealt = _differences(events, uptime, orders)
    further = dealt >= seen - 1e-12 if seen > 0 else dealt <= seen + 1e-12
    return float((1 + np.count_nonzero(further)) / (PERMUTATIONS + 1))


def _differences(
    events: npt.NDArray[np.float64], uptime: npt.NDArray[np.float64], chosen: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """How far each choice of recent days is from the rate of all: (observed − expected) / √expected."""
    expected = uptime[chosen].sum(axis=1) * events.sum() / uptime.sum()
    return np.asarray((events[chosen].sum(axis=1) - expected) / np.sqrt(np.maximum(expected, 1e-9)))


def _ratio_interval(x: int, b: int, exposures: float, dispersion: float) -> Interval:
    """Exact interval of the share, turned into one of the ratio; on clumped days with fewer effective events."""
    effective = (round(x / dispersion), round((x + b) / dispersion))
    share = clopper_pearson(effective[0], max(effective))
    high = inf if share.high >= 1 else share.high / (1 - share.high) * exposures
    return Interval(share.low / (1 - share.low) * exposures if share.low < 1 else inf, high)


def needed_days(rate: float, *, times: float = NOTABLE) -> int:
    """Say after how many days a change of `times` would be found four times in five, at `rate` events a day.

    By the normal approximation of the square roots of counts, against a baseline four times as long; for a sentence,
    not for a test.
    """
    if rate <= 0:
        raise ValueError("without events no change can be found")
    z = 2.3263 + 0.8416  # of the one-sided level of 1 % and a power of 80 %
    apart = 2 * abs(sqrt(rate * times) - sqrt(rate))
    return max(1, round((z / apart) ** 2 * 1.25))
