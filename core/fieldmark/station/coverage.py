"""Coverage: for how long was each camera watching? A day without events counts only where somebody looked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from fieldmark.stats.rates import Day

FLOOR = timedelta(hours=24)
"""A camera that sees nothing is silent for as long as this without being dead."""
TIMES_LONGEST = 2.0
"""How many times its own longest ordinary gap a camera may be silent."""
ORDINARY = 0.99
"""Quantile of its gaps that counts as ordinary, so that one failure does not teach patience."""

Span = tuple[datetime, datetime]


def patience(times: Sequence[datetime]) -> timedelta:
    """Say for how long a camera may be silent before it counts as dead, learned from its own gaps.

    Args:
        times: when its frames came, sorted.
    """
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    ordinary = gaps[int(ORDINARY * (len(gaps) - 1))] if gaps else timedelta(0)
    return max(FLOOR, TIMES_LONGEST * ordinary)


def watched(times: Sequence[datetime], until: datetime) -> list[Span]:
    """Give the spans in which a camera was alive: between frames that are no further apart than its patience.

    After its last frame it counts as alive up to `until`, unless that is further away than its patience.
    """
    allowed, spans = patience(times), list[Span]()
    for begin, end in zip(times, [*times[1:], until], strict=True):
        if not timedelta(0) <= end - begin <= allowed:
            continue
        if spans and spans[-1][1] == begin:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def days_of(spans: Iterable[Span], events: Iterable[datetime], midnights: Sequence[datetime]) -> list[Day]:
    """Count events and uptime of each day between two of the midnights, for `compare_rates`.

    Uptime is in days of 24 hours: one of 23, as the clocks go forward, that was watched wholly counts as 23/24.
    """
    held, seen = list(spans), sorted(events)
    return [
        Day(
            bisect_left(seen, end) - bisect_left(seen, begin),
            sum(_overlap(span, begin, end) / timedelta(days=1) for span in held),
        )
        for begin, end in pairwise(midnights)
    ]


def _overlap(span: Span, begin: datetime, end: datetime) -> timedelta:
    """For how long of a day a span lasts."""
    return max(timedelta(0), min(span[1], end) - max(span[0], begin))
