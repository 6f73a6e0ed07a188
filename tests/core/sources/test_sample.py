"""The sample that everything can be tried on, offline."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from fieldmark.dataset import read_dataset
from fieldmark.sources.sample import CLASSES, MISLABELLED, PATCH_PX, sample_photos, write_sample


def test_each_class_has_40_patches_to_train_on_and_16_to_judge_by() -> None:
    counts = Counter((photo.split, photo.label) for photo in sample_photos(mislabelled=False))
    assert counts == {(split, label): n for label in CLASSES for split, n in (("train", 40), ("valid", 16))}


@pytest.mark.parametrize("label", CLASSES)
def test_no_patch_to_judge_by_touches_one_to_train_on(label: str) -> None:
    photograph = np.asarray(getattr(data, label)())
    rows = {"train": set[int](), "valid": set[int]()}
    for photo in sample_photos(mislabelled=False):
        if photo.label == label:
            grey = np.asarray(photo.image)[:, :, 0]
            tops = [
                top
                for top in range(0, 512, PATCH_PX)
                for left in range(0, 512, PATCH_PX)
                if np.array_equal(photograph[top : top + PATCH_PX, left : left + PATCH_PX], grey)
            ]
            rows[photo.split].update(top // PATCH_PX for top in tops)
    assert min(rows["valid"]) - max(rows["train"]) == 2


def test_five_labels_are_wrong_on_purpose_and_they_are_the_ones_named() -> None:
    pairs = zip(sample_photos(mislabelled=False), sample_photos(), strict=True)
    wrong = [(right.split, right.label, given.label) for right, given in pairs if right.label != given.label]
    named = [(split, label, given) for (split, label, _), given in MISLABELLED.items()]
    assert sorted(wrong) == sorted(named)


def test_written_it_is_a_dataset_that_brings_its_own_split(tmp_path: Path) -> None:
    dataset = read_dataset(write_sample(tmp_path / "sample"))
    assert dataset.vocab == CLASSES
    assert Counter(item.split for item in dataset.items) == {"train": 120, "valid": 48}
