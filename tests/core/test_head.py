"""The head: one objective, the same as scikit-learn's, and out-of-fold answers that are honest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from fieldmark.callbacks import Progress
from fieldmark.errors import Cancelled
from fieldmark.fitting.folds import assign_folds
from fieldmark.fitting.head import TEMPERATURE_SPREAD, HeadFit, fit_head
from fieldmark.fitting.logistic import Photos, _Problems, minimise

Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]


def photos(n: int, dim: int, *, classes: int = 3, seed: int = 0) -> tuple[Features, Targets]:
    """Classes that overlap, on features of very different spread, as those of a backbone are."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    spread = np.geomspace(1, 0.02, dim)
    centres = rng.normal(size=(classes, dim)) * spread
    features = centres[targets] + 1.5 * spread * rng.normal(size=(n, dim)) + 3
    return features.astype(np.float32), targets.astype(np.intp)


def fitted(features: Features, targets: Targets, **options: object) -> HeadFit:
    own = targets[: len(targets)]
    folds = assign_folds(own, np.arange(len(own)), seed=1)
    return fit_head(features, targets, classes=int(targets.max()) + 1, folds=folds, **options)  # type: ignore[arg-type]


def raw_logits(fit: HeadFit, features: Features) -> npt.NDArray[np.float64]:
    """Before the temperature; a constant a row means nothing, so it is taken away."""
    logits = fit.head.logits(features).astype(np.float64) * fit.temperature
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(("n", "dim"), [(60, 200), (300, 12)], ids=["few photos", "many photos"])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("strength", [1e-3, 1e-1, 1.0])
def test_the_objective_is_that_of_scikit_learn(n: int, dim: int, balanced: bool, strength: float) -> None:
    features, targets = photos(n, dim)
    kept = (targets < 2) | (np.arange(n) % 9 == 2)  # the third class is rare
    features, targets = features[kept], targets[kept]
    fit = fitted(features, targets, balanced=balanced, strengths=(strength,))
    scale = np.sqrt(features.var(axis=0).mean())
    weight = "balanced" if balanced else None
    oracle = LogisticRegression(C=strength, class_weight=weight, tol=1e-9, max_iter=20_000)
    oracle.fit((features - features.mean(axis=0)) / scale, targets)
    expected = oracle.decision_function((features - features.mean(axis=0)) / scale)
    expected -= expected.mean(axis=1, keepdims=True)
    assert np.abs(raw_logits(fit, features) - expected).max() < 0.01 * np.abs(expected).max()


def out_of_fold(fit: HeadFit) -> npt.NDArray[np.float64]:
    """Raw out-of-fold logits, less a constant a row."""
    logits = np.log(fit.oof_probs.astype(np.float64)) * fit.temperature
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def test_a_photo_s_own_label_and_its_duplicate_s_never_reach_its_out_of_fold_answer() -> None:
    features, targets = photos(90, 30)
    features[1] = features[0]
    groups = np.arange(90)
    groups[1] = 0
    lied = targets.copy()
    lied[[0, 1]] = (targets[0] + 1) % 3
    folds = assign_folds(targets, groups, seed=3)
    fits = [fit_head(features, t, classes=3, folds=folds, strengths=(0.1,)) for t in (targets, lied)]
    before, after = (out_of_fold(fit) for fit in fits)
    held = folds == folds[0]
    assert np.abs(before[held] - after[held]).max() < 1e-4
    assert np.abs(before[~held] - after[~held]).max() > 1e-2  # the others did see it


def test_a_photo_s_views_are_held_out_with_it() -> None:
    features, targets = photos(60, 20)
    giveaway = np.zeros((60, 3), np.float32)  # a view tells the label outright, its photo does not
    views = np.concatenate([np.full_like(features, 3.0), 100 * np.eye(3, dtype=np.float32)[targets]], axis=1)
    plain = np.concatenate([np.full_like(features, 3.0), giveaway], axis=1)
    fit = fitted(np.concatenate([plain, views]), targets, views=1)
    assert fit.oof_probs.shape == (60, 3)
    assert np.abs(fit.oof_probs - 1 / 3).max() < 0.05


def test_the_strength_with_the_lowest_out_of_fold_loss_is_chosen() -> None:
    features, targets = photos(120, 60)
    losses = {}
    for strength in (1e-3, 1e-1, 10.0):
        rows = log_softmax(out_of_fold(fitted(features, targets, strengths=(strength,))), axis=1)
        losses[strength] = -rows[np.arange(120), targets].mean()
    assert fitted(features, targets, strengths=tuple(losses)).strength == min(losses, key=losses.__getitem__)


def test_the_temperature_softens_a_head_that_is_too_sure_of_itself() -> None:
    features, targets = photos(60, 100)
    targets[::4] = (targets[::4] + 1) % 3  # a quarter of the labels are wrong, and it learns them by heart
    fit = fitted(features, targets, strengths=(1000.0,))
    assert fit.temperature > 1.5
    logits, rows = out_of_fold(fit), np.arange(60)

    def loss(temperature: float) -> float:
        expected = (np.log(temperature) / TEMPERATURE_SPREAD) ** 2 / 2  # before a photo is asked
        return float(expected - log_softmax(logits / temperature, axis=1)[rows, targets].sum())

    assert loss(fit.temperature) <= min(loss(fit.temperature * 1.02), loss(fit.temperature / 1.02)) + 1e-3


@pytest.mark.parametrize("balanced", [False, True])
def test_a_few_photos_that_all_came_out_right_make_no_answer_certain(balanced: bool) -> None:
    rng = np.random.default_rng(0)
    targets = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 0], np.intp)
    features = (targets[:, None] * np.linspace(1, 2, 20) + 0.2 * rng.normal(size=(10, 20))).astype(np.float32)
    fit = fitted(features, targets, balanced=balanced)
    assert (fit.oof_probs.argmax(axis=1) == targets).all()
    assert 0.5 < fit.temperature < 1
    assert fit.oof_probs.max() < 0.999
    many = fitted(np.tile(features, (40, 1)), np.tile(targets, 40), balanced=balanced)
    assert many.temperature < fit.temperature


def test_the_same_photos_give_the_same_head_to_the_last_bit() -> None:
    features, targets = photos(80, 150)
    first, second = (fitted(features, targets) for _ in range(2))
    assert first.head.weight.tobytes() == second.head.weight.tobytes()
    assert first.oof_probs.tobytes() == second.oof_probs.tobytes()
    assert (first.strength, first.temperature) == (second.strength, second.temperature)


def test_balanced_weights_find_more_of_a_rare_class() -> None:
    features, targets = photos(400, 4, classes=2, seed=5)
    kept = (targets == 0) | (np.arange(400) % 20 == 1)
    features, targets = features[kept], targets[kept]
    found = {
        balanced: (fitted(features, targets, balanced=balanced).oof_probs.argmax(axis=1) == 1).sum()
        for balanced in (False, True)
    }
    assert found[True] > found[False]


def test_two_photos_a_class_are_enough() -> None:
    features, targets = photos(4, 50, classes=2)
    fit = fitted(features, targets)
    assert np.isfinite(fit.head.weight).all()
    assert (fit.head.probs(features).argmax(axis=1) == targets).all()
    assert fit.oof_probs.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_fitting_can_be_stopped() -> None:
    def stop(_: Progress) -> None:
        raise Cancelled("enough")

    features, targets = photos(60, 20)
    with pytest.raises(Cancelled):
        fitted(features, targets, callback=stop)


def test_a_refit_begins_where_the_last_fit_ended_and_ends_where_a_fit_from_nothing_does() -> None:
    features, targets = photos(150, 40)
    changed = targets.copy()
    changed[7] = (targets[7] + 1) % 3
    folds = assign_folds(targets, np.arange(150), seed=1)
    before = fit_head(features, targets, classes=3, folds=folds)
    fits = [fit_head(features, changed, classes=3, folds=folds, start=start) for start in (None, before)]
    assert np.abs(fits[0].oof_probs - fits[1].oof_probs).max() < 0.01
    assert np.abs(fits[0].head.probs(features) - fits[1].head.probs(features)).max() < 0.005
    assert fits[0].strength == fits[1].strength


def test_beginning_at_an_earlier_fit_lets_no_photo_s_label_into_its_own_answer() -> None:
    """The earlier heads knew the old label, but not those that this photo is asked of."""
    features, targets = photos(90, 30)
    folds = assign_folds(targets, np.arange(90), seed=3)
    lied = targets.copy()
    lied[0] = (targets[0] + 1) % 3
    before = fit_head(features, lied, classes=3, folds=folds, strengths=(0.1,))
    after = fit_head(features, targets, classes=3, folds=folds, strengths=(0.1,), start=before)
    plain = fit_head(features, targets, classes=3, folds=folds, strengths=(0.1,))
    assert out_of_fold(after)[0] == pytest.approx(out_of_fold(plain)[0], abs=0.02)


def test_a_refit_with_fewer_folds_begins_anew_with_the_strength_that_was_found() -> None:
    features, targets = photos(60, 20)
    folds = assign_folds(targets, np.arange(60), seed=1)
    before = fit_head(features, targets, classes=3, folds=folds)
    few = folds < 4
    options = {"classes": 3, "folds": folds[few], "strengths": (before.strength,)}
    after, plain = (fit_head(features[few], targets[few], **options, start=start) for start in (before, None))  # type: ignore[arg-type]
    assert after.oof_probs.tobytes() == plain.oof_probs.tobytes()


def test_a_class_that_its_heads_never_saw_does_not_decide_how_sure_the_others_are() -> None:
    features, targets = photos(90, 30)
    folds = assign_folds(targets, np.arange(90), seed=3)
    plain = fit_head(features, targets, classes=3, folds=folds)
    folds[targets == 2] = 0
    fit = fit_head(features, targets, classes=3, folds=folds)
    assert plain.temperature / 2 < fit.temperature < 2 * plain.temperature
    assert np.isfinite(fit.oof_probs).all()


def test_where_no_photo_could_be_held_out_no_answer_is_sure() -> None:
    features, targets = photos(30, 10)
    fit = fit_head(features, targets, classes=3, folds=np.zeros(30, np.intp))
    assert np.abs(fit.oof_probs - 1 / 3).max() < 1e-3
    assert np.isfinite(fit.head.weight).all()
    assert fit.head.probs(features).max() < 0.6


def test_a_regression_that_never_saw_the_changed_label_rests_after_one_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, targets = photos(600, 60)
    folds = assign_folds(targets, np.arange(600), seed=1)
    weights = np.stack([folds != fold for fold in range(5)], axis=1).astype(np.float64)
    turned, changed = Photos.of(features), targets.copy()
    changed[7] = (targets[7] + 1) % 3
    before = minimise(turned, targets, weights, classes=3, tolerance=1e-6)
    asked: list[int] = []
    product = _Problems.logits

    def counted(problems: _Problems, coefficients: Features) -> Features:
        asked.append(coefficients.shape[1])
        return product(problems, coefficients)

    monkeypatch.setattr(_Problems, "logits", counted)
    after = minimise(turned, changed, weights, classes=3, start=before.coefficients, tolerance=1e-6)
    assert asked[0] == 5
    assert asked[-1] < 5
    plain = minimise(turned, changed, weights, classes=3, tolerance=1e-6)
    assert np.abs(after.logits - plain.logits).max() < 0.01 * np.abs(plain.logits).max()
    own = folds[7]
    assert np.abs(after.logits[:, own] - before.logits[:, own]).max() < 1e-3 * np.abs(plain.logits).max()
