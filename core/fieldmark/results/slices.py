"""Slices: how good a model is on parts of the held-out photos, by site, time of day, source or size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fieldmark.catalog import Catalog
from fieldmark.dataset import Item
from fieldmark.errors import BadImageError
from fieldmark.imaging.capture import capture_time
from fieldmark.imaging.lookcache import take_looks
from fieldmark.interp import Interpretation
from fieldmark.stats import Interval, wilson

By = Literal["class", "group", "time", "source", "size"]

UNKNOWN = "unknown"
TIMES = ((5, "night"), (8, "dawn"), (17, "day"), (20, "dusk"), (24, "night"))
"""Up to which hour, by the camera's clock, it is called what."""
SIZES = ((300, "below 300 px"), (600, "300–599 px"), (1200, "600–1199 px"), (10**9, "1200 px and more"))
"""Of the shorter side."""


@dataclass(frozen=True)
class Slice:
    """One part of the held-out photos."""

    name: str
    n: int
    wrong: int
    places: tuple[int, ...]
    """Of its photos among the items of the interpretation."""

    @property
    def error_rate(self) -> float:
        """Share of wrong answers."""
        return self.wrong / self.n

    @property
    def ci(self) -> Interval:
        """95 % interval of `error_rate` (Wilson)."""
        return wilson(self.wrong, self.n)


def slices(interp: Interpretation, by: By, catalog: Catalog | None = None) -> list[Slice]:
    """Cut what a model said of held-out photos into parts, the one with the highest error first.

    Args:
        catalog: tells where photos came from, for "source".
    """
    names = slice_names(interp.items, by, catalog)
    wrong = interp.preds != interp.targs
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    parts = [Slice(name, len(own), int(wrong[own].sum()), tuple(own)) for name, own in places.items()]
    return sorted(parts, key=lambda part: (-part.error_rate, -part.n, part.name))


def slice_names(items: Sequence[Item], by: By, catalog: Catalog | None = None) -> list[str]:
    """Tell which part each photo belongs to; "unknown" where nothing tells."""
    if by == "class":
        return [item.label for item in items]
    if by == "group":
        return [item.group or UNKNOWN for item in items]
    if by == "time":
        return [_time(item) for item in items]
    if by == "size":
        looks = take_looks([item.path for item in items])
        sides = [None if isinstance(look, BadImageError) else min(look.width, look.height) for look in looks]
        return [UNKNOWN if side is None else _named(side, SIZES) for side in sides]
    hashes = [item.hash for item in items]
    sources = {photo.hash: photo.source for photo in catalog.with_hash(hashes)} if catalog else {}
    return [sources.get(photo_hash) or UNKNOWN for photo_hash in hashes]


def _time(item: Item) -> str:
    taken = item.taken or capture_time(item.path).taken
    return _named(taken.hour, TIMES) if taken else UNKNOWN


def _named(value: int, names: Sequence[tuple[int, str]]) -> str:
    return next(name for below, name in names if value < below)
