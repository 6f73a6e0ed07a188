"""The learner: fair answers about every photo, quick after every decision, the same on every run."""

from __future__ import annotations

import shutil
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
from fieldmark.predictor import Prediction, Predictor
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


def threads() -> dict[str, int]:
    """How many each library that computes may take, by its file."""
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


def test_what_is_learned_to_export_beside_the_head_is_what_would_be_learned_after_it(
    dataset: Dataset, learner: Learner
) -> None:
    before = threads()
    beside = Learner(dataset, given_split(dataset), SMALL).fit(to_export=True)
    assert threads().items() >= before.items()
    assert beside.oof_probs.tobytes() == learner.oof_probs.tobytes()
    assert beside._done.familiarity is not None
    assert beside._done.familiarity.whitening.tobytes() == learner._familiar.whitening.tobytes()


def test_a_photo_seen_before_costs_no_forward_pass(dataset: Dataset, learner: Learner) -> None:
    assert Learner(dataset, given_split(dataset), SMALL).fit().computed == 0


def test_a_photo_that_was_moved_and_relabelled_costs_no_forward_pass(
    learner: Learner, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(learner.dataset.root, tmp_path / "photos"))
    (folder / "train/brick/brick-train-00.png").rename(folder / "train/gravel/moved.png")
    dataset = read_dataset(folder)
    again = Learner(dataset, given_split(dataset), SMALL).fit()
    assert [item.label for item in again.train_items if item.path.name == "moved.png"] == ["gravel"]
    assert again.computed == 0


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


# --- One burst, one place -------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["brick", "all"])
def one_group(request: pytest.FixtureRequest, dataset: Dataset) -> tuple[tuple[str, ...], Learner]:
    """Classes whose photos to train on all belong together, and what was fitted on them."""
    split = given_split(dataset)
    classes = dataset.vocab if request.param == "all" else (request.param,)
    burst = [place for place in split.train if dataset.items[place].label in classes]
    return classes, Learner(dataset, split, SMALL, groups=[burst]).fit()


def test_photos_that_all_belong_together_are_held_out_one_by_one(
    one_group: tuple[tuple[str, ...], Learner], learner: Learner
) -> None:
    _, alike = one_group
    right = [alike.vocab.index(item.label) for item in alike.train_items]
    assert (alike.oof_probs.argmax(axis=1) == right).mean() > 0.9
    assert (
        learner._done.head.temperature / 3 < alike._done.head.temperature < 3 * learner._done.head.temperature
    )
    assert alike.valid.n_wrong <= learner.valid.n_wrong + 2
    after = alike.refit(dropped=[alike.train_items[0].hash])
    assert np.abs(after.valid.probs - alike.valid.probs).max() < 0.2


def test_the_card_says_which_classes_are_of_one_place_or_burst(
    one_group: tuple[tuple[str, ...], Learner], learner: Learner, tmp_path: Path
) -> None:
    classes, alike = one_group
    (said,) = alike.limits
    assert f"All photos of {', '.join(classes)} that it learned from belong together" in said
    assert said in alike.export(tmp_path / "m.onnx").limits
    found = Predictor.load(tmp_path / "m.onnx").predict([item.path for item in alike.valid.items])
    familiar = [isinstance(one, Prediction) and one.verdict != "unfamiliar" for one in found]
    assert sum(familiar) > len(familiar) / 2
    assert learner.limits == ()


def test_a_broken_photo_is_left_out_and_named(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "photos")
    broken = folder / "train" / "brick" / "brick-train-00.png"
    broken.write_bytes(broken.read_bytes()[:500])
    dataset = read_dataset(folder)
    learner = Learner(dataset, given_split(dataset), SMALL).fit()
    assert {path: error.code for path, error in learner.failures.items()} == {broken: "truncated"}
    assert len(learner.train_items) == 119
    assert learner.refit().failures.keys() == learner.failures.keys()


@pytest.fixture
def one_class_broken(tmp_path: Path) -> Dataset:
    """All training photos of bricks are cut off."""
    folder = write_sample(tmp_path / "photos")
    for broken in (folder / "train" / "brick").iterdir():
        broken.write_bytes(broken.read_bytes()[:500])
    return read_dataset(folder)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_class_of_unreadable_photos_is_refused_by_name(one_class_broken: Dataset, balanced: bool) -> None:
    split = given_split(one_class_broken)
    learner = Learner(one_class_broken, split, replace(SMALL, balanced=balanced))
    with pytest.raises(EmptyDatasetError, match=r"photos that can be read: brick. Add photos") as refused:
        learner.fit()
    assert refused.value.code == "few_photos"


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
