"""Marks: bars and points of figures, each a proportion with its n, its interval, and a key to its photos."""

from __future__ import annotations

from typing import Any

from fieldmark.stats import Interval, wilson
from fieldmark_widgets.strings.results import FIGURES

Key = tuple[str, ...]


def mark(key: Key, label: str, hits: int, n: int) -> dict[str, Any]:
    """One bar: `hits` of `n`, with its 95 % interval; an empty key leads to no photos."""
    interval = wilson(hits, n)
    share = FIGURES["share"].format(hits=f"{hits:,}", n=f"{n:,}", interval=say_interval(interval))
    return {
        "key": list(key),
        "label": label,
        "value": hits / n if n else None,
        "low": interval.low,
        "high": interval.high,
        "n": n,
        "text": share if n else FIGURES["none"],
    }


def say_interval(interval: Interval) -> str:
    """ "65–92 %"."""
    return FIGURES["interval"].format(low=f"{100 * interval.low:.0f}", high=f"{100 * interval.high:.0f}")
