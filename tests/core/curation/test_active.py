"""Which photos are worth a label."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.curation.active import margins_of, pick_useful, pick_varied


def test_the_photo_between_two_classes_comes_first() -> None:
    probs = np.array([[0.9, 0.1], [0.52, 0.48], [0.7, 0.3]], np.float32)
    features = np.eye(3, dtype=np.float32)
    assert pick_useful(probs, features, 1) == [1]
    assert np.allclose(margins_of(probs), [0.8, 0.04, 0.4])


def test_of_two_that_look_alike_only_the_less_sure_one_is_asked_for() -> None:
    probs = np.array([[0.51, 0.49], [0.50, 0.50], [0.60, 0.40]], np.float32)
    features = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    assert pick_useful(probs, features, 2) == [1, 2]


@pytest.mark.parametrize("n", [0, 3, 20])
def test_no_more_are_asked_for_than_there_are(n: int) -> None:
    probs, features = np.full((3, 2), 0.5, np.float32), np.eye(3, dtype=np.float32)
    assert len(pick_useful(probs, features, n)) == len(pick_varied(features, n)) == min(n, 3)
    assert pick_useful(probs[:0], features[:0], n) == pick_varied(features[:0], n) == []


def test_without_a_model_each_group_that_looks_alike_is_asked_about_once_the_largest_first() -> None:
    rng = np.random.default_rng(1)
    centres = np.eye(4, 16, dtype=np.float32)
    sizes = (50, 30, 15, 5)
    features = np.concatenate(
        [c + 0.05 * rng.normal(size=(n, 16)) for c, n in zip(centres, sizes, strict=True)]
    )
    chosen = pick_varied(features.astype(np.float32), 4)
    assert [int(np.searchsorted(np.cumsum(sizes), place, side="right")) for place in chosen] == [0, 1, 2, 3]


def test_copies_of_one_photo_are_asked_for_only_where_there_is_nothing_else() -> None:
    features = np.array([[1, 0]] * 6 + [[0, 1]], np.float32)
    chosen = pick_varied(features, 3)
    assert 6 in chosen
    assert len(set(chosen)) == 3
