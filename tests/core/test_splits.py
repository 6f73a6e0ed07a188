"""Splits: honest, stratified, the same for everybody."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fieldmark.dataset import Item
from fieldmark.errors import DatasetError
from fieldmark.splits import Method, Split, group_items, make_splits

START = datetime(2024, 5, 1)


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[Item], list[tuple[int, ...]]]:
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


def split_or_reject(items: list[Item], near: list[tuple[int, ...]], method: Method, pct: float) -> Split:
    try:
        return make_splits(items, valid_pct=pct, method=method, groups=near)
    except DatasetError:  # all photos belong together
        assume(False)
        raise


@given(datasets(), st.sampled_from(["random", "by_date", "by_group"]), st.floats(0.05, 0.9))
def test_no_group_ever_spans_a_split(
    dataset: tuple[list[Item], list[tuple[int, ...]]], method: Method, pct: float
) -> None:
    items, near = dataset
    split = split_or_reject(items, near, method, pct)
    valid = set(split.valid)
    for group in group_items(items, near):
        assert len({place in valid for place in group}) == 1


@given(datasets(), st.floats(0.05, 0.9))
def test_every_photo_is_on_exactly_one_side(
    dataset: tuple[list[Item], list[tuple[int, ...]]], pct: float
) -> None:
    items, near = dataset
    split = split_or_reject(items, near, "random", pct)
    assert sorted((*split.train, *split.valid)) == list(range(len(items)))


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
