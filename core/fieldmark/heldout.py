"""Which photos of a dataset are held out: kept in its catalog, so that one training can be compared with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fieldmark.splitfile import given_split
from fieldmark.splits import Split, SplitConfig, group_items, make_splits

if TYPE_CHECKING:
    from fieldmark.catalog import Catalog
    from fieldmark.dataset import Dataset

KEY = "held_out"
"""Of the catalog's settings."""
MOST_KEPT = 8
"""Ways of drawing whose photos are remembered."""
TOO_FEW = 0.5
"""Of the share that was chosen: below it, as when photos were labelled as one goes, photos are held out anew. Most of
those that were held out stay so, because the draw goes by their content."""
KEY_LENGTH = 16
"""Hexadecimal digits of a photo's SHA-256 that name it here and in the list of trainings."""

Groups = Sequence[tuple[int, ...]]


def hold_out(catalog: Catalog, dataset: Dataset, groups: Groups, config: SplitConfig) -> Split:
    """Hold out what this way of drawing held out before, and what belongs together with it; draw where it is new.

    A split that the dataset brings is taken as it is. Photos that came since are learned from, unless so many came
    that too few are held out. `config.file` is not looked at.
    """
    if dataset.split_given:
        return given_split(dataset, groups)
    keys = [item.hash[:KEY_LENGTH] for item in dataset.items]
    if before := held_out_by(catalog, config):
        split = _split_again(dataset, groups, keys, before)
        if split.train and len(split.valid) >= TOO_FEW * config.valid_pct * len(keys):
            return split
    split = draw(dataset, groups, config)
    _keep(catalog, config, sorted({keys[place] for place in split.valid}))
    return split


def held_out_by(catalog: Catalog, config: SplitConfig) -> frozenset[str]:
    """Name the photos that this way of drawing held out last, by their keys; none before the first training."""
    return frozenset(_kept(catalog).get(_way(config), ()))


def draw(dataset: Dataset, groups: Groups, config: SplitConfig) -> Split:
    """Draw the photos that are held out."""
    drawn = {name: value for name, value in asdict(config).items() if name != "file"}
    return make_splits(dataset.items, **drawn, groups=groups)


def _split_again(dataset: Dataset, groups: Groups, keys: Sequence[str], held_out: frozenset[str]) -> Split:
    clusters = group_items(dataset.items, groups)
    held = {place for cluster in clusters if any(keys[p] in held_out for p in cluster) for place in cluster}
    train = tuple(place for place in range(len(keys)) if place not in held)
    return Split(train, tuple(sorted(held)))


def _way(config: SplitConfig) -> str:
    return f"{config.method} {config.valid_pct} {config.seed}"


def _kept(catalog: Catalog) -> dict[str, list[str]]:
    """What each way held out, the latest last."""
    kept: Any = catalog.setting(KEY, {})
    if "way" in kept:  # written before several were kept
        return {" ".join(map(str, kept["way"])): kept["photos"]}
    return dict(kept)


def _keep(catalog: Catalog, config: SplitConfig, photos: list[str]) -> None:
    others = {way: held for way, held in _kept(catalog).items() if way != _way(config)}
    latest: Any = dict([*others.items(), (_way(config), photos)][-MOST_KEPT:])
    catalog.set_setting(KEY, latest)
