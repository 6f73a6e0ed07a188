"""Folds: what belongs together is held out together, and every class is known to the heads that are asked about it."""

from __future__ import annotations

import numpy as np

from fieldmark.fitting.folds import apart, assign_folds, spread, together


def test_groups_share_a_fold_and_classes_are_spread_over_all() -> None:
    targets = np.repeat([0, 1], [50, 10]).astype(np.intp)
    groups = np.arange(60) // 2
    folds = assign_folds(targets, groups, seed=0)
    assert (folds[0::2] == folds[1::2]).all()
    for target in (0, 1):
        assert set(folds[targets == target]) == {0, 1, 2, 3, 4}


def test_a_class_of_a_single_group_is_dealt_photo_by_photo_and_no_other() -> None:
    targets = np.repeat([0, 1, 2], [12, 7, 2]).astype(np.intp)
    groups = np.concatenate([np.arange(12) // 2, np.full(7, 50), [60, 60]])
    folds = assign_folds(targets, groups, seed=0)
    assert (folds[:12:2] == folds[1:12:2]).all()
    assert set(folds[targets == 1]) == {0, 1, 2, 3, 4}
    assert len(set(folds[targets == 2])) == 2
    assert together(targets, groups).tolist() == [1, 2]
    assert (apart(targets, groups)[:12] == groups[:12]).all()
    assert len(set(apart(targets, groups).tolist())) == 6 + 7 + 2


def test_where_all_photos_are_one_group_each_is_dealt_alone() -> None:
    targets = np.arange(10) % 2
    folds = assign_folds(targets, np.zeros(10, np.intp), seed=0)
    for target in (0, 1):
        assert set(folds[targets == target]) == {0, 1, 2, 3, 4}


def test_groups_of_a_class_that_met_in_one_fold_are_parted_whole() -> None:
    targets = np.array([0, 0, 0, 1, 1, 1], np.intp)
    groups = np.array([7, 7, 8, 9, 9, 4])
    folds = spread(np.array([3, 3, 3, 0, 0, 1], np.intp), targets, groups)
    assert folds.tolist() == [3, 3, 4, 0, 0, 1]


def test_folds_that_know_every_class_stay_as_they_are() -> None:
    targets, folds = np.array([0, 0, 1, 1], np.intp), np.array([0, 1, 2, 3], np.intp)
    assert spread(folds, targets, np.arange(4)) is folds
