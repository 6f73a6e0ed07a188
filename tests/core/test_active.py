"""Which photos are worth a label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.active import margins_of, pick_useful, suggest
from fieldmark.dataset import read_dataset
from fieldmark.errors import NotTrainedError
from fieldmark.learner import Learner
from fieldmark.sample import write_sample
from fieldmark.splits import make_splits


def test_the_photo_between_two_classes_comes_first() -> None:
    probs = np.array([[0.9, 0.1], [0.52, 0.48], [0.7, 0.3]], np.float32)
    features = np.eye(3, dtype=np.float32)
    assert pick_useful(probs, features, 1) == [1]
    assert np.allclose(margins_of(probs), [0.8, 0.04, 0.4])


def test_of_two_that_look_alike_only_one_is_asked_for() -> None:
    probs = np.array([[0.50, 0.50], [0.51, 0.49], [0.60, 0.40]], np.float32)
    features = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    assert pick_useful(probs, features, 2) == [0, 2]


def test_no_more_are_asked_for_than_there_are() -> None:
    probs, features = np.full((3, 2), 0.5, np.float32), np.eye(3, dtype=np.float32)
    assert sorted(pick_useful(probs, features, 20)) == [0, 1, 2]
    assert pick_useful(probs[:0], features[:0], 20) == []
    assert pick_useful(probs, features, 0) == []


def test_photos_without_a_label_get_suggestions_from_the_model(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "sample", mislabelled=False)
    dataset = read_dataset(sample / "train")
    learner = Learner(dataset, make_splits(dataset.items))
    with pytest.raises(NotTrainedError):
        suggest(learner, [])
    learner.fit()
    pool = sorted((sample / "valid").rglob("*.png"))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    found = suggest(learner, [*pool, broken, tmp_path / "gone.png"])
    assert [photo.path for photo in found.photos] == pool
    right = sum(photo.label == photo.path.parent.name for photo in found.photos)
    assert right >= 45
    assert set(found.failures) == {broken, tmp_path / "gone.png"}
    useful = found.most_useful(5)
    assert len({photo.path for photo in useful}) == 5
    assert useful[0].margin == min(photo.margin for photo in found.photos)
    assert found.surest()[0].margin == max(photo.margin for photo in found.photos)
