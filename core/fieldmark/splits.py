"""Which photos a model learns from and which are held out to judge it.

A split is only honest when nothing of a held-out photo was seen in training. So photos that belong together
(the same bytes, nearly the same picture, one site, one burst) move as one group, to one side.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fieldmark.dataset import Item
from fieldmark.errors import DatasetError
from fieldmark.imaging.capture import capture_time

Method = Literal["random", "by_date", "by_group"]


@dataclass(frozen=True)
class Split:
    """Places of the items in the dataset; each sorted, none in two."""

    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    """What somebody should know before trusting figures of this split."""


@dataclass(frozen=True)
class SplitConfig:
    """Which photos are held out."""

    valid_pct: float = 0.2
    """Fraction held out, in (0, 1)."""
    seed: int = 42
    """Another number, another split."""
    method: Method = "random"
    file: Path | None = None
    """A JSON file that lists the photos of each side; then nothing else counts."""


def make_splits(
    items: Sequence[Item],
    *,
    valid_pct: float = 0.2,
    seed: int = 42,
    method: Method = "random",
    groups: Iterable[Sequence[int]] = (),
) -> Split:
    """Hold out a part of the photos, the same part for the same photos and seed, in whatever order they come.

    Args:
        items: photos whose own split says "test" go there, and their groups with them.
        valid_pct: fraction of the other photos that is held out, in (0, 1).
        seed: another number, another split.
        method: "random" holds out this fraction of each class; "by_date" the latest photos; "by_group" as
            random, of items that all name their group: sites the model never saw.
        groups: places of items that belong together, such as near duplicates. Photos with the same bytes
            or the same `Item.group` always do.
    Returns:
        A class of at least two groups of its own is on both sides, except "by_date".
    Raises:
        DatasetError: the method needs groups or dates that are not there, or one side stays empty.
    """
    if not 0 < valid_pct < 1:
        raise ValueError(f"valid_pct {valid_pct} is not between 0 and 1")
    if method == "by_group":
        _check_groups(items)
    together = group_items(items, groups)
    test = {p for cluster in together if any(items[p].split == "test" for p in cluster) for p in cluster}
    clusters = sorted(
        (cluster for cluster in together if cluster[0] not in test),
        key=lambda cluster: _draw(items, cluster, seed),
    )
    if method == "by_date":
        held_out = _latest(items, clusters, valid_pct)
    else:
        held_out = _stratified(items, clusters, valid_pct)
    return _as_split(items, held_out, test)


def group_items(items: Sequence[Item], groups: Iterable[Sequence[int]] = ()) -> list[tuple[int, ...]]:
    """Join what belongs together into clusters of places, each item in exactly one, sorted."""
    parent = list(range(len(items)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    same: dict[tuple[str, str], int] = {}
    for place, item in enumerate(items):
        keys = [("hash", item.hash)] + ([("group", item.group)] if item.group else [])
        for key in keys:
            parent[root(place)] = root(same.setdefault(key, place))
    for group in groups:
        for place in group:
            parent[root(place)] = root(group[0])
    clusters: dict[int, list[int]] = defaultdict(list)
    for place in range(len(items)):
        clusters[root(place)].append(place)
    return [tuple(cluster) for cluster in clusters.values()]


def _draw(items: Sequence[Item], cluster: Sequence[int], seed: int) -> str:
    """Give a cluster its place in the draw: by content, so that order and names of files do not matter."""
    return hashlib.sha256(f"{seed}:{min(items[place].hash for place in cluster)}".encode()).hexdigest()


def _stratified(items: Sequence[Item], clusters: Sequence[tuple[int, ...]], valid_pct: float) -> set[int]:
    """Fill each class's share of the held-out side, the class with the fewest clusters first."""
    by_class: dict[str, list[int]] = defaultdict(list)
    for number, cluster in enumerate(clusters):
        for label in {items[place].label for place in cluster}:
            by_class[label].append(number)
    sizes = [Counter(items[place].label for place in cluster) for cluster in clusters]
    side: dict[int, bool] = {}  # cluster -> is held out
    for label, numbers in sorted(by_class.items(), key=lambda entry: (len(entry[1]), entry[0])):
        total = sum(sizes[number][label] for number in numbers)
        _fill(side, [(number, sizes[number][label]) for number in numbers], valid_pct * total)
    return {place for number, held in side.items() if held for place in clusters[number]}


def _fill(side: dict[int, bool], sizes: Sequence[tuple[int, int]], target: float) -> None:
    """Decide the undecided clusters of one class: nearest to the target, and none of the sides empty."""
    held = sum(size for number, size in sizes if side.get(number))
    free = [(size, number) for number, size in sizes if number not in side]
    for size, number in free:
        side[number] = abs(held + size - target) < abs(held - target)
        held += size * side[number]
    for wanted in (True, False):
        on_side = [number for number, _ in sizes if side[number] is wanted]
        if not on_side and len(sizes) > 1 and free:
            side[min(free)[1]] = wanted


def _latest(items: Sequence[Item], clusters: Sequence[tuple[int, ...]], valid_pct: float) -> set[int]:
    """Take the latest clusters until the share is reached; a cluster is as late as its first photo."""
    order = sorted(clusters, key=lambda cluster: min(_date(items[place]) for place in cluster), reverse=True)
    held: set[int] = set()
    target = valid_pct * sum(map(len, clusters))
    for cluster in order:
        if held and abs(len(held) + len(cluster) - target) >= abs(len(held) - target):
            break
        held.update(cluster)
    return held


def _date(item: Item) -> str:
    taken = item.taken or capture_time(item.path).taken
    if taken is None:
        raise DatasetError(
            f"The photo {str(item.path)!r} does not say when it was taken, and splitting by date needs that of "
            "every photo. Split at random instead, or give a split file.",
            code="no_dates",
        )
    return taken.replace(tzinfo=None).isoformat()


def _check_groups(items: Sequence[Item]) -> None:
    without = sum(item.group is None for item in items)
    if without or len({item.group for item in items}) < 2:
        raise DatasetError(
            f"Splitting by group needs a group for each photo and at least two groups; {without} of "
            f"{len(items)} photos have none. Name them in the group column of a CSV.",
            code="no_groups",
        )


def _as_split(items: Sequence[Item], held_out: set[int], test: set[int]) -> Split:
    valid, left_out = tuple(sorted(held_out)), held_out | test
    train = tuple(place for place in range(len(items)) if place not in left_out)
    if not train or not valid:
        raise DatasetError(
            f"{len(items) - len(test)} photos cannot be split: after keeping together what belongs together, "
            f"{len(train)} would be for training and {len(valid)} held out. Add other photos.",
            code="cannot_split",
        )
    return Split(train, valid, tuple(sorted(test)), notes=tuple(_notes(items, train, valid)))


def _notes(items: Sequence[Item], train: Sequence[int], valid: Sequence[int]) -> Iterator[str]:
    learnt = {items[place].label for place in train}
    held = {items[place].label for place in valid}
    for label in sorted(held - learnt):
        yield f"All photos of {label!r} are held out: the model cannot learn it."
    for label in sorted(learnt - held):
        yield f"No photo of {label!r} is held out: nothing says how well it is told."
