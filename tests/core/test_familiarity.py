"""Unfamiliar photos: a p-value that means what it says, and a flag that stays down for another source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.stats import binomtest, kstest

from fieldmark.dataset import read_dataset
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.models.card import calibration_of, flagged_by
from fieldmark.models.familiarity import Familiarity, fit_familiarity, limits_at, neighbourhoods, unit_length
from fieldmark.predictor import Predictor
from fieldmark.sources.sample import sample_photos, write_sample
from fieldmark.splits import make_splits

Features = npt.NDArray[np.float32]


@dataclass
class Source:
    """Photos of three classes: a mean each, and many directions in which photos differ."""

    seed: int = 0
    dim: int = 64
    spread: float = 0.3

    def photos(
        self, n: int, *, seed: int, shift: float = 0.0, way: int = 0
    ) -> tuple[Features, npt.NDArray[np.intp]]:
        """As from a backbone: none below 0. A shift moves all of them the same `way`, as another camera does."""
        world, rng = np.random.default_rng(self.seed), np.random.default_rng(seed)
        means, mix = world.gamma(1, 1, (3, self.dim)), world.normal(size=(self.dim, self.dim)) / 8
        away = [world.normal(size=self.dim) for _ in range(way + 1)][way]
        targets = np.arange(n) % 3
        rows = means[targets] + self.spread * rng.normal(size=(n, self.dim)) @ mix + shift * away
        return np.maximum(rows, 0).astype(np.float32), targets.astype(np.intp)


def learned(features: Features, targets: npt.NDArray[np.intp]) -> Familiarity:
    groups = np.arange(len(targets))
    folds = assign_folds(targets, groups, seed=0)
    return fit_familiarity(features, targets, groups=groups, folds=folds, seed=0)


def scores(known: Familiarity, features: Features) -> tuple[Features, Features]:
    """As the graph computes them."""
    unit = unit_length(features)
    knn = 1 - np.sort(unit @ known.bank.T, axis=1)[:, -5:].mean(axis=1)
    white = unit @ known.whitening
    squares = [np.square(white - mean).sum(axis=1) for mean in known.means]
    return np.asarray(knn, np.float32), np.asarray(np.min(squares, axis=0), np.float32)


def p_values(known: Familiarity, features: Features) -> list[npt.NDArray[np.float64]]:
    pairs = zip(scores(known, features), (known.knn, known.mahalanobis), strict=True)
    return [(1 + len(ref) - np.searchsorted(np.sort(ref), own)) / (len(ref) + 1) for own, ref in pairs]


def flagged(known: Familiarity, features: Features, level: float = 0.05) -> npt.NDArray[np.bool_]:
    knn, mahalanobis = scores(known, features)
    limits = limits_at(known, level)
    return (knn > limits[0]) | (mahalanobis > limits[1])


SOURCE = Source()
KNOWN = learned(*SOURCE.photos(600, seed=1))


def test_p_values_are_uniform_on_held_out_photos_of_the_same_source() -> None:
    """Kolmogorov and Smirnov; a fifth less neighbours in calibration makes no difference that 400 photos show."""
    features, _ = SOURCE.photos(400, seed=2)
    for p in p_values(KNOWN, features):
        assert kstest(p, "uniform").pvalue > 0.01


def test_p_values_are_small_for_photos_of_something_else() -> None:
    features, _ = Source(seed=9).photos(200, seed=2)
    for p in p_values(KNOWN, features):
        assert (p < 0.01).mean() > 0.99
    assert flagged(KNOWN, features).all()


def test_the_flag_is_up_for_no_more_of_the_same_source_than_the_level_says() -> None:
    features, _ = SOURCE.photos(1000, seed=3)
    found = int(flagged(KNOWN, features).sum())
    assert binomtest(found, 1000, 0.05, alternative="greater").pvalue > 0.01


def test_the_flag_stays_down_where_p_values_of_another_source_have_fallen() -> None:
    features, _ = SOURCE.photos(1000, seed=4, shift=0.05)
    smaller = np.minimum(*p_values(KNOWN, features))
    assert flagged(KNOWN, features).mean() < 0.6 * (smaller < 0.025).mean()


def test_told_its_cameras_the_flag_stays_down_for_another_one_and_up_for_something_else() -> None:
    """Each camera's photos differ from the others' in a way of their own, and little among themselves."""
    cameras = [Source(spread=0.05).photos(120, seed=seed, shift=0.3, way=seed) for seed in (1, 2, 3)]
    features, targets = (np.concatenate(part) for part in zip(*cameras[:2], strict=True))
    which, untold = np.repeat([0, 1], 120), np.arange(240)
    told = fit_familiarity(features, targets, groups=which, folds=which, seed=0)
    ignorant = fit_familiarity(features, targets, groups=untold, folds=untold % 5, seed=0)
    other, _ = cameras[2]
    assert flagged(told, other).mean() <= 0.08
    assert flagged(ignorant, other).mean() > 0.9
    assert flagged(told, Source(seed=9, spread=0.05).photos(100, seed=2)[0]).all()


def test_the_limits_lie_above_what_the_same_source_reaches() -> None:
    limits = limits_at(KNOWN, 0.05)
    assert limits[0] >= np.quantile(KNOWN.knn, 0.97)
    assert limits[1] >= np.quantile(KNOWN.mahalanobis, 0.97)


def test_known_photos_that_the_limits_flag_are_counted() -> None:
    limits = limits_at(KNOWN, 0.05)
    counted = flagged_by(limits, KNOWN)
    assert counted is not None
    strange = [i for i in range(600) if KNOWN.knn[i] > limits[0] or KNOWN.mahalanobis[i] > limits[1]]
    assert (counted.alone, counted.n, counted.n_apart) == (len(strange), 600, 600)
    assert counted.alone < counted.apart <= 0.05 * 600
    assert flagged_by(None, KNOWN) is None


def test_a_photo_is_not_its_own_neighbour_nor_its_duplicate_s() -> None:
    features, targets = SOURCE.photos(60, seed=5)
    doubled = np.concatenate([features, features])
    groups = np.tile(np.arange(60), 2)
    folds = assign_folds(np.tile(targets, 2), groups, seed=0)
    known = fit_familiarity(doubled, np.tile(targets, 2), groups=groups, folds=folds, seed=0)
    assert known.knn.min() > 1e-4
    assert (known.far_knn >= known.knn).all()


def test_neighbourhoods_are_alike_and_keep_groups_together() -> None:
    features, targets = SOURCE.photos(300, seed=6)
    features[1] = features[0]
    groups = np.arange(300)
    groups[[0, 1, 2]] = 0
    unit = unit_length(features)
    parts = neighbourhoods(unit, targets, groups, seed=0)
    assert parts[0] == parts[1] == parts[2]
    own = targets == 0
    same = parts[own][:, None] == parts[own][None, :]
    similarity = unit[own] @ unit[own].T
    assert similarity[same].mean() > similarity[~same].mean()
    assert (neighbourhoods(unit, targets, groups, seed=0) == parts).all()


@pytest.mark.parametrize(("n", "level"), [(39, None), (40, 0.05), (199, 0.05), (200, 0.01)])
def test_there_is_a_flag_only_with_enough_photos_for_its_level(n: int, level: float | None) -> None:
    calibration = calibration_of(learned(*SOURCE.photos(n, seed=7)))
    assert calibration.level == level
    assert (calibration.limits is None) == (level is None)


def test_more_photos_than_the_bank_holds_are_sampled_evenly() -> None:
    features, _ = Source(dim=8).photos(5000, seed=8)
    targets = np.zeros(5000, np.intp)
    targets[:100] = 1
    known = learned(features, targets)
    assert known.bank.shape == (4000, 8)
    assert len(known.knn) == len(known.mahalanobis) == 5000  # all of them tell what is usual
    rare = unit_length(features[:100])
    assert all((np.abs(known.bank - row).max(axis=1) < 1e-6).any() for row in rare[:10])


# --- With a model file ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    """Half of the sample's photos, drawn at random, so that the others are of the same source."""
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample"), mislabelled=False))
    config = TrainConfig(rule=ResizeRule(128))
    return Learner(dataset, make_splits(dataset.items, valid_pct=0.5), config).fit()


@pytest.fixture(scope="module")
def predictor(learner: Learner, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    learner.export(path)
    return Predictor.load(path)


def test_p_values_as_they_are_served_are_valid_and_not_wasteful(
    learner: Learner, predictor: Predictor
) -> None:
    """Twice the smaller of two uniform p-values: small ones are no more frequent than they say (Kolmogorov and
    Smirnov, one-sided), and not much rarer either."""
    answers = predictor.predict([item.path for item in learner.valid.items])
    p = np.array([answer.familiarity_p for answer in answers])  # type: ignore[union-attr]
    assert len(p) >= 80
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01
    assert np.median(p) < 0.8


def as_png(image: Image.Image, folder: Path) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.png"
    image.save(path)
    return path


def test_unfamiliarity_rises_as_a_photo_turns_into_noise(predictor: Predictor, tmp_path: Path) -> None:
    photo = next(p.image for p in sample_photos() if p.split == "valid")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    steps = [as_png(Image.blend(photo, noise, share), tmp_path) for share in (0.0, 0.3, 1.0)]
    answers = predictor.predict(steps)
    ps = [answer.familiarity_p for answer in answers]  # type: ignore[union-attr]
    assert ps[0] > 0.05 > ps[2]  # type: ignore[operator]
    assert ps[0] >= ps[1] >= ps[2]  # type: ignore[operator]
    assert (answers[0].verdict, answers[2].verdict) == ("familiar", "unfamiliar")  # type: ignore[union-attr]


def test_pictures_of_nothing_are_unfamiliar(predictor: Predictor, tmp_path: Path) -> None:
    paths = [as_png(Image.new("RGB", (64, 64), colour), tmp_path) for colour in ("black", "white", "red")]
    assert [a.verdict for a in predictor.predict(paths)] == ["unfamiliar"] * 3  # type: ignore[union-attr]


def test_photos_of_two_cameras_are_never_all_held_out_at_once() -> None:
    unit = unit_length(np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32))
    cameras = np.arange(16) % 2
    for seed in range(8):
        parts = neighbourhoods(unit, np.zeros(16, np.intp), cameras, seed=seed)
        assert len(np.unique(parts)) == 2
