"""The learner: fair answers about every photo, quick after every decision, the same on every run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from fieldmark.callbacks import Progress
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import Cancelled, EmptyDatasetError, NotTrainedError
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.models.card import choose_sureness
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


def test_every_training_photo_has_an_out_of_fold_answer(learner: Learner) -> None:
    assert learner.oof_probs.shape == (len(learner.train_items), 3) == (120, 3)
    assert learner.oof_probs.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_no_photo_s_own_label_reaches_its_out_of_fold_answer(learner: Learner) -> None:
    """Planted wrong labels: a head that had seen them would have learned some by heart."""
    truth = [item.path.name.split("-")[0] for item in learner.train_items]
    said = [learner.vocab[index] for index in learner.oof_probs.argmax(axis=1)]
    planted = {f"{label}-{side}-{n:02}.png" for side, label, n in MISLABELLED if side == "train"}
    found = [
        s == t for s, t, i in zip(said, truth, learner.train_items, strict=True) if i.path.name in planted
    ]
    assert found == [True] * 4


def test_the_same_seed_gives_the_same_learner(dataset: Dataset, learner: Learner) -> None:
    again = Learner(dataset, given_split(dataset), SMALL).fit()
    assert again.oof_probs.tobytes() == learner.oof_probs.tobytes()
    assert again.valid.probs.tobytes() == learner.valid.probs.tobytes()


def test_what_is_learned_to_export_beside_the_head_is_what_would_be_learned_after_it(
    dataset: Dataset, learner: Learner
) -> None:
    threads = threadpool_info()
    beside = Learner(dataset, given_split(dataset), SMALL).fit(to_export=True)
    assert threadpool_info() == threads
    assert beside.oof_probs.tobytes() == learner.oof_probs.tobytes()
    assert beside._done.familiarity is not None
    assert beside._done.familiarity.whitening.tobytes() == learner._familiar.whitening.tobytes()


def test_a_photo_seen_before_costs_no_forward_pass(dataset: Dataset, learner: Learner) -> None:
    assert Learner(dataset, given_split(dataset), SMALL).fit().computed == 0


# --- Refit --------------------------------------------------------------------------------------------------


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


# --- What cannot be -------------------------------------------------------------------------------------------


def test_nothing_is_said_before_it_was_fitted(dataset: Dataset) -> None:
    with pytest.raises(NotTrainedError, match="Call fit"):
        _ = Learner(dataset, given_split(dataset), SMALL).valid


def test_a_class_of_one_photo_is_refused_before_the_start(dataset: Dataset) -> None:
    split = given_split(dataset)
    first = {dataset.items[p].label: p for p in split.train}
    with pytest.raises(EmptyDatasetError, match="fewer than 2"):
        Learner(dataset, Split(tuple(first.values()), split.valid), SMALL)


def test_two_photos_a_class_are_enough(dataset: Dataset) -> None:
    split = given_split(dataset)
    by_class = {label: [p for p in split.train if dataset.items[p].label == label] for label in dataset.vocab}
    few = tuple(p for places in by_class.values() for p in places[:2])
    learner = Learner(dataset, Split(few, split.valid), SMALL).fit()
    assert len(learner.train_items) == 6
    assert learner.valid.error_rate is not None
    assert learner.valid.error_rate < 0.6  # guessing: 0.67


def test_a_broken_photo_is_left_out_and_named(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "photos")
    broken = folder / "train" / "brick" / "brick-train-00.png"
    broken.write_bytes(broken.read_bytes()[:500])
    dataset = read_dataset(folder)
    learner = Learner(dataset, given_split(dataset), SMALL).fit()
    assert {path: error.code for path, error in learner.failures.items()} == {broken: "truncated"}
    assert len(learner.train_items) == 119
    assert learner.refit().failures.keys() == learner.failures.keys()


def test_stopping_leaves_no_half_fitted_learner(dataset: Dataset) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == "Fitting":
            raise Cancelled("enough")

    learner = Learner(dataset, given_split(dataset), SMALL)
    with pytest.raises(Cancelled):
        learner.fit(stop)
    with pytest.raises(NotTrainedError):
        _ = learner.oof_probs


# --- Thresholds -----------------------------------------------------------------------------------------------


def test_the_threshold_of_a_sure_answer_is_the_lowest_that_is_right_often_enough() -> None:
    top = np.linspace(0.5, 0.999, 400)
    probs = np.stack([top, 1 - top], axis=1)
    targets = (np.random.default_rng(0).random(400) > top).astype(np.intp)
    chosen = choose_sureness(probs, targets)
    sure = top >= chosen.prob_min
    assert (chosen.right, chosen.n) == ((targets[sure] == 0).sum(), sure.sum())
    assert chosen.right / chosen.n >= 0.95
    lower = top >= chosen.prob_min - 0.05
    assert (targets[lower] == 0).mean() < 0.95


def test_one_changed_label_keeps_the_strength_and_many_choose_it_again(learner: Learner) -> None:
    one = learner.refit({learner.train_items[0].hash: "gravel"})
    assert one.strength == learner.strength
    assert one._done.head.path.keys() == learner._done.head.path.keys()
    assert np.abs(one.oof_probs - learner.oof_probs).max() > 1e-3  # and it is learned from
    some = {item.hash: "gravel" for item in learner.train_items[:60]}
    assert len(learner.refit(some)._done.head.path) >= 2
