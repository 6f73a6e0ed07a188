"""Splits: honest, stratified, the same for everybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fieldmark.dataset import Item
from fieldmark.errors import DatasetError
from fieldmark.splits import Method, Split, group_items, make_splits

START = datetime(2024, 5, 1)
Pairs = list[tuple[int, int]]


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[Item], Pairs]:
    """Photos with few hashes, groups and labels, so that they collide, and some near duplicates."""
    n = draw(st.integers(2, 40))
    items = [
        Item(
            Path(f"{place}.jpg"),
            draw(st.sampled_from("abc")),
            draw(st.integers(0, 30).map("{:064x}".format)),
            group=draw(st.sampled_from([None, None, None, "north", "south", "east"])),
            taken=START + timedelta(hours=draw(st.integers(0, 5000))),
        )
        for place in range(n)
    ]
    near = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=4))
    return items, near


def split_or_reject(items: list[Item], near: Pairs, method: Method, pct: float) -> Split:
    try:
        return make_splits(items, valid_pct=pct, method=method, groups=near)
    except DatasetError:  # all photos belong together, or a site is missing
        assume(False)
        raise


def sides(split: Split) -> dict[int, str]:
    """The side of each place; fails when one is on two."""
    pairs = [(place, name) for name in ("train", "valid", "test") for place in getattr(split, name)]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def together(items: list[Item], near: Pairs) -> Pairs:
    """Every pair of photos with the same bytes, of one site, or nearly the same."""
    pairs = combinations(range(len(items)), 2)
    same = [
        (a, b)
        for a, b in pairs
        if items[a].hash == items[b].hash or (items[a].group and items[a].group == items[b].group)
    ]
    return same + near


@settings(deadline=None)
@given(datasets(), st.sampled_from(["random", "by_date", "by_group"]), st.floats(0.05, 0.9))
def test_no_group_ever_spans_a_split_by_whatever_method(
    dataset: tuple[list[Item], Pairs], method: Method, pct: float
) -> None:
    items, near = dataset
    if method == "by_group":
        items = [replace(item, group=item.group or f"site of {item.hash[-1]}") for item in items]
    side = sides(split_or_reject(items, near, method, pct))
    assert [pair for pair in together(items, near) if side[pair[0]] != side[pair[1]]] == []


@settings(deadline=None)
@given(datasets(), st.sampled_from(["random", "by_date"]), st.floats(0.05, 0.9))
def test_every_photo_is_on_exactly_one_side(
    dataset: tuple[list[Item], Pairs], method: Method, pct: float
) -> None:
    items, near = dataset
    split = split_or_reject(items, near, method, pct)
    assert sorted(sides(split)) == list(range(len(items)))
    assert split.train
    assert split.valid


@settings(deadline=None)
@given(datasets(), st.sets(st.integers(0, 40)), st.sampled_from(["random", "by_date"]))
def test_photos_that_are_for_the_test_go_there_with_their_groups_and_nothing_else(
    dataset: tuple[list[Item], Pairs], chosen: set[int], method: Method
) -> None:
    items, near = dataset
    items = [replace(item, split="test") if n in chosen else item for n, item in enumerate(items)]
    split = split_or_reject(items, near, method, 0.3)
    wanted = {n for n, item in enumerate(items) if item.split == "test"}
    pairs = together(items, near)
    while more := {b for pair in pairs for a, b in (pair, pair[::-1]) if a in wanted} - wanted:
        wanted |= more
    assert set(split.test) == wanted


@settings(deadline=None)
@given(datasets(), st.floats(0.05, 0.9))
def test_a_class_of_two_groups_of_its_own_is_on_both_sides(
    dataset: tuple[list[Item], Pairs], pct: float
) -> None:
    items, near = dataset
    split = split_or_reject(items, near, "random", pct)
    classes = [{items[place].label for place in cluster} for cluster in group_items(items, near)]
    own = Counter(next(iter(labels)) for labels in classes if len(labels) == 1)
    for label in (label for label, n in own.items() if n >= 2):
        assert label in {items[place].label for place in split.train}
        assert label in {items[place].label for place in split.valid}


@given(datasets())
def test_clusters_are_the_smallest_that_keep_together_what_belongs_together(
    dataset: tuple[list[Item], Pairs],
) -> None:
    items, near = dataset
    graph = [set(pair) for pair in together(items, near)] + [{place} for place in range(len(items))]
    joined: list[set[int]] = []
    for part in graph:
        touching = [other for other in joined if other & part]
        joined = [other for other in joined if not other & part] + [part.union(*touching)]
    assert sorted(group_items(items, near)) == sorted(tuple(sorted(part)) for part in joined)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(10, 60), min_size=2), st.floats(0.1, 0.5))
def test_each_class_is_held_out_by_its_share_to_the_photo(counts: dict[str, int], pct: float) -> None:
    labels = [label for label, n in counts.items() for _ in range(n)]
    items = [Item(Path(f"{i}.jpg"), label, f"{i:064x}") for i, label in enumerate(labels)]
    held = Counter(items[place].label for place in make_splits(items, valid_pct=pct).valid)
    assert all(abs(held[label] - pct * n) <= 1 for label, n in counts.items())


def photos(n: int, **changes: object) -> list[Item]:
    return [Item(Path(f"{i}.jpg"), "ab"[i % 2], f"{i:064x}", **changes) for i in range(n)]  # type: ignore[arg-type]


def test_the_same_seed_holds_out_the_same_photos_in_whatever_order_they_come() -> None:
    items = photos(50)
    held = {items[place].hash for place in make_splits(items, seed=7).valid}
    backwards = items[::-1]
    assert {backwards[place].hash for place in make_splits(backwards, seed=7).valid} == held
    assert {items[place].hash for place in make_splits(items, seed=8).valid} != held


def test_by_date_the_latest_photos_are_held_out() -> None:
    items = [Item(Path(f"{i}.jpg"), "ab"[i % 2], f"{i:064x}", taken=START + timedelta(i)) for i in range(20)]
    assert make_splits(items, method="by_date", valid_pct=0.25).valid == (15, 16, 17, 18, 19)


def test_by_date_a_photo_without_a_date_is_named(tmp_path: Path) -> None:
    (tmp_path / "undated.png").write_bytes(b"")
    items = [*photos(4, taken=START), Item(tmp_path / "undated.png", "a", "f" * 64)]
    with pytest.raises(DatasetError, match=r"undated\.png") as caught:
        make_splits(items, method="by_date")
    assert caught.value.code == "no_dates"


def test_by_group_photos_without_a_group_are_counted() -> None:
    with pytest.raises(DatasetError, match="2 of 2 photos have none") as caught:
        make_splits(photos(2), method="by_group")
    assert caught.value.code == "no_groups"


def test_photos_that_all_belong_together_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="cannot be split") as caught:
        make_splits(photos(6, group="one camera"))
    assert caught.value.code == "cannot_split"


def test_a_class_that_is_only_held_out_is_said() -> None:
    items = [*photos(20), Item(Path("rare.jpg"), "rare", "e" * 64)]
    notes = make_splits(items, valid_pct=0.5).notes
    assert any("rare" in note for note in notes)
