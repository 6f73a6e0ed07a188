"""What the learner says of every photo, fairly."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldmark.dataset import Item, read_dataset
from fieldmark.learner import Learner
from fieldmark.results.assessment import Assessed, assess
from fieldmark.sources.sample import MISLABELLED, write_sample
from fieldmark.splitfile import given_split


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> list[Assessed]:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample")))
    return assess(Learner(dataset, given_split(dataset)).fit())


def test_every_photo_is_judged_once(assessed: list[Assessed]) -> None:
    assert len({photo.item.path for photo in assessed}) == len(assessed) == 168
    assert sum(photo.side == "valid" for photo in assessed) == 48


def test_photos_come_with_the_most_surprising_label_first(assessed: list[Assessed]) -> None:
    losses = [photo.loss for photo in assessed]
    assert losses == sorted(losses, reverse=True)


def test_wrong_labels_surprise_more_than_right_ones_on_either_side(assessed: list[Assessed]) -> None:
    """A head that had seen them would have learned them by heart."""
    planted = {(side, f"{label}-{side}-{number:02}.png") for side, label, number in MISLABELLED}
    first = {(photo.side, photo.item.path.name) for photo in assessed[: len(planted) + 1]}
    assert len(planted & first) >= len(planted) - 1


def test_a_suggestion_is_the_class_the_patch_was_cut_from(assessed: list[Assessed]) -> None:
    wrong = [photo for photo in assessed if not photo.item.path.name.startswith(photo.given + "-")]
    assert len(wrong) == len(MISLABELLED)
    assert all(photo.item.path.name.startswith(photo.said + "-") for photo in wrong)
    assert all(photo.is_wrong and photo.prob_given < photo.prob_said for photo in wrong)


def test_a_label_the_model_does_not_know_has_probability_zero() -> None:
    item = Item(Path("1.png"), "moss", "0" * 64)
    photo = Assessed(item, "valid", {"brick": 0.25, "grass": 0.75})
    assert (photo.said, photo.prob_given, photo.is_wrong) == ("grass", 0.0, True)
    assert photo.loss == pytest.approx(16.118, abs=0.01)
