"""How many visits were there in all, when two observers each saw some? People and model count for each other."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

from fieldmark.stats.intervals import Z_95, Interval


@dataclass(frozen=True)
class Population:
    """An estimate of all visits, seen by anybody or not."""

    total: float
    interval: Interval
    """95 %; never below the number of visits that were seen."""


def chapman(by_model: int, by_people: int, by_both: int) -> Population:
    """Estimate the number of visits from who saw them (Chapman 1951; Seber 1970 for its variance).

    The interval is log-normal on what nobody saw (Rexstad and Burnham 1991). It assumes that the two see
    independently: a visit that is hard for both (far away, at night) makes the estimate too low, and whoever shows it
    says so.

    Raises:
        ValueError: more were seen by both than by one.
    """
    if not 0 <= by_both <= min(by_model, by_people):
        raise ValueError(f"{by_both} by both cannot be of {by_model} by the model and {by_people} by people")
    seen = by_model + by_people - by_both
    total = (by_model + 1) * (by_people + 1) / (by_both + 1) - 1
    only = (by_model - by_both) * (by_people - by_both)
    variance = (by_model + 1) * (by_people + 1) * only / ((by_both + 1) ** 2 * (by_both + 2))
    unseen = total - seen
    if unseen <= 0:
        return Population(float(seen), Interval(float(seen), float(seen)))
    spread = exp(Z_95 * sqrt(log(1 + variance / unseen**2)))
    return Population(total, Interval(seen + unseen / spread, seen + unseen * spread))
