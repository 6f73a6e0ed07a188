"""Refit: after every decision of who cleans, at once and fairly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import EmptyDatasetError
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner, _changes
from fieldmark.sources.sample import MISLABELLED, write_sample
from fieldmark.splitfile import given_split
from fieldmark.splits import Split

SMALL = TrainConfig(rule=ResizeRule(64))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_dataset(write_sample(tmp_path_factory.mktemp("sample")))


@pytest.fixture(scope="module")
def learner(dataset: Dataset) -> Learner:
    return Learner(dataset, given_split(dataset), SMALL).fit()


def hash_of(learner: Learner, name: str) -> str:
    return next(item.hash for item in learner.dataset.items if item.path.name == name)


def corrected(learner: Learner) -> dict[str, str]:
    """The right labels of what was mislabelled."""
    return {hash_of(learner, f"{label}-{side}-{n:02}.png"): label for side, label, n in MISLABELLED}


def test_a_refit_is_what_a_fit_with_these_labels_would_be(learner: Learner) -> None:
    right = corrected(learner)
    after = learner.refit(right)
    items = tuple(replace(i, label=right.get(i.hash, i.label)) for i in learner.dataset.items)
    fresh = Learner(replace(learner.dataset, items=items), learner.split, SMALL).fit()
    assert after.valid.n_wrong == fresh.valid.n_wrong <= learner.valid.n_wrong - 1
    assert np.abs(after.valid.probs - fresh.valid.probs).max() < 0.2  # photos were dealt into other folds
    assert after.oof_probs.argmax(axis=1).tolist() == fresh.oof_probs.argmax(axis=1).tolist()


def test_a_refit_leaves_the_learner_from_before_as_it_was(learner: Learner) -> None:
    before = learner.valid.probs.copy(), learner.dataset
    learner.refit(corrected(learner))
    assert (learner.valid.probs == before[0]).all()
    assert learner.dataset is before[1]


def test_a_refit_without_a_change_changes_no_answer(learner: Learner) -> None:
    after = learner.refit()
    assert np.abs(after.oof_probs - learner.oof_probs).max() < 0.01
    assert np.abs(after.valid.probs - learner.valid.probs).max() < 0.005


def test_dropped_photos_are_gone_from_both_sides(learner: Learner) -> None:
    gone = {learner.train_items[3].hash, learner.train_items[50].hash, learner.valid.items[2].hash}
    after = learner.refit(dropped=gone)
    assert (len(after.train_items), len(after.valid.items)) == (118, 47)
    assert not gone & {item.hash for item in (*after.train_items, *after.valid.items)}
    assert after.oof_probs.shape == (118, 3)


def test_a_relabelled_photo_keeps_its_side_and_its_fold(learner: Learner) -> None:
    item = learner.train_items[0]
    after = learner.refit({item.hash: "gravel"})
    assert after.train_items[0].label == "gravel"
    assert (after._done.material.folds == learner._done.material.folds).all()
    assert [i.hash for i in after.valid.items] == [i.hash for i in learner.valid.items]


def test_refits_can_follow_each_other_and_the_last_is_exported(learner: Learner, tmp_path: Path) -> None:
    after = learner.refit(dropped=[learner.train_items[0].hash]).refit(corrected(learner))
    card = after.export(tmp_path / "m.onnx")
    assert (card.n_train, card.n_wrong) == (119, after.valid.n_wrong)


def test_a_class_may_come_and_go_in_a_refit(learner: Learner) -> None:
    moss = {item.hash: "moss" for item in learner.train_items if item.label == "grass"}
    after = learner.refit(moss)
    assert after.vocab == ("brick", "gravel", "moss")
    new = {item.hash: "lawn" for item in learner.train_items[:6]}
    assert learner.refit(new).vocab == ("brick", "grass", "gravel", "lawn")


def few(dataset: Dataset, each: int, **options: object) -> Learner:
    """Fitted on so many photos of a class."""
    split = given_split(dataset)
    by_class = {label: [p for p in split.train if dataset.items[p].label == label] for label in dataset.vocab}
    some = tuple(p for places in by_class.values() for p in places[:each])
    return Learner(dataset, Split(some, split.valid[:4]), SMALL, **options).fit()  # type: ignore[arg-type]


@pytest.mark.parametrize("grouped", [False, True], ids=["single photos", "in groups"])
def test_any_photo_of_a_tiny_learner_can_be_dropped(dataset: Dataset, grouped: bool) -> None:
    """The only photo of a fold, too: then there are fewer heads than before."""
    groups = [few(dataset, 3).split.train[:2]] if grouped else []
    learner = few(dataset, 3, groups=groups)
    for item in learner.train_items:
        after = learner.refit(dropped=[item.hash])
        assert after.oof_probs.shape == (8, 3)
        assert np.isfinite(after.oof_probs).all()


def test_a_class_left_with_one_photo_is_refused_by_name(dataset: Dataset) -> None:
    learner = few(dataset, 2)
    for item in learner.train_items:
        with pytest.raises(EmptyDatasetError, match=item.label) as refused:
            learner.refit(dropped=[item.hash])
        assert refused.value.code == "few_photos"


def test_a_new_class_whose_photos_were_in_one_fold_is_asked_of_heads_that_know_it(learner: Learner) -> None:
    folds = learner._done.material.folds
    same = [item for item, fold in zip(learner.train_items, folds, strict=True) if fold == 2][:4]
    after = learner.refit({item.hash: "lawn" for item in same})
    lawn = [item.label == "lawn" for item in after.train_items]
    moved = after._done.material.folds
    assert len(set(moved[lawn])) == 4
    assert (moved == folds)[~np.array(lawn)].all()


def test_copies_count_once_each_among_the_changes(learner: Learner) -> None:
    first = learner.train_items[0]
    twice = (*learner.train_items, first, replace(first, label="another"))
    assert _changes(twice, twice) == 0
    renamed = [replace(item, label="x") if item.hash == first.hash else item for item in twice]
    assert _changes(twice, renamed) == 3
    assert _changes(twice, twice[2:]) == 2


def test_photos_that_the_learner_has_not_seen_need_a_fit(learner: Learner) -> None:
    stranger = replace(learner.dataset.items[0], hash="0" * 64)
    more = replace(learner.dataset, items=(*learner.dataset.items, stranger))
    assert learner.follow(more) is None


def test_a_refit_that_leaves_one_class_says_so(learner: Learner) -> None:
    with pytest.raises(EmptyDatasetError, match="at least two"):
        learner.refit({item.hash: "brick" for item in learner.dataset.items})


def test_views_are_refitted_as_well(dataset: Dataset) -> None:
    learner = Learner(dataset, given_split(dataset), replace(SMALL, views=1)).fit()
    after = learner.refit(dropped=[learner.train_items[0].hash])
    assert len(after._done.material.turned.x) == 2 * len(after.train_items) == 238


def test_one_changed_label_keeps_the_strength_and_many_choose_it_again(learner: Learner) -> None:
    one = learner.refit({learner.train_items[0].hash: "gravel"})
    assert one.strength == learner.strength
    assert one._done.head.path.keys() == learner._done.head.path.keys()
    assert np.abs(one.oof_probs - learner.oof_probs).max() > 1e-3  # and it is learned from
    some = {item.hash: "gravel" for item in learner.train_items[:60]}
    assert len(learner.refit(some)._done.head.path) >= 2


def test_a_class_left_with_unreadable_photos_alone_goes_in_a_refit(tmp_path: Path) -> None:
    """Who cleans has decided about every photo of it that can be seen."""
    folder = write_sample(tmp_path / "photos")
    broken = folder / "train" / "brick" / "brick-train-00.png"
    broken.write_bytes(broken.read_bytes()[:500])
    dataset = read_dataset(folder)
    learner = Learner(dataset, given_split(dataset), SMALL).fit()
    bricks = [item.hash for item in learner.dataset.items if item.label == "brick" and item.path != broken]
    for after in (learner.refit(dict.fromkeys(bricks, "grass")), learner.refit(dropped=bricks)):
        assert after.vocab == ("grass", "gravel")
        assert broken in after.failures
    left = next(item.hash for item in learner.train_items if item.label == "brick")
    with pytest.raises(EmptyDatasetError, match="brick"):
        learner.refit(dropped=set(bricks) - {left})
