"""Leave-out opinions: the shortcut gives what leaving each photo out and fitting again would give."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.fitting.leaveout import LeaveOut
from fieldmark.fitting.neighbours import Neighbours
from fieldmark.issues.labelerrors import find_label_errors


def clouds(n: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of features, half overlapping."""
    dice = np.random.default_rng(seed)
    targets = np.arange(n) % 2
    features = dice.standard_normal((n, dim)).astype(np.float32)
    features[:, 0] += 2 * targets
    return features, targets


def ridge_without(features: np.ndarray, onehot: np.ndarray, held: np.ndarray, penalty: float) -> np.ndarray:
    """The slow way, on the coordinates that the photos are turned to; the penalty is in their unit."""
    x = features - features.mean(axis=0)
    x = x / np.sqrt(x.var(axis=0).mean())
    seen = ~held
    gram = x[seen].T @ x[seen] + penalty * np.square(x).sum() * np.eye(x.shape[1])
    return x[held] @ np.linalg.solve(gram, x[seen].T @ onehot[seen])


@pytest.mark.parametrize("dim", [6, 60])
def test_leaving_out_is_exact_for_single_photos_and_for_groups(dim: int) -> None:
    features, targets = clouds(40, dim)
    groups = np.arange(40)
    groups[[3, 7, 9]] = 3
    onehot = np.eye(2)[targets] - 0.5
    answers = LeaveOut(features, groups)._left_out(onehot, 0.01)
    for group in (0, 3, 20):
        held = groups == group
        assert answers[held] == pytest.approx(
            ridge_without(features.astype(float), onehot, held, 0.01), abs=2e-3
        )


def test_probabilities_sum_to_one_and_know_most_labels() -> None:
    features, targets = clouds(200, 5)
    opinion = LeaveOut(features, np.arange(200)).opinion(targets, 2)
    assert opinion.probs.sum(axis=1) == pytest.approx(np.ones(200))
    assert (opinion.probs.argmax(axis=1) == targets).mean() > 0.75


def test_a_copy_does_not_vouch_for_its_own_wrong_label() -> None:
    features, targets = clouds(100, 5, seed=1)
    features[:, 0] += 4 * targets
    features[1] = features[3]
    wrong = targets.copy()
    wrong[[1, 3]] = 1 - wrong[[1, 3]]
    apart = LeaveOut(features, np.arange(100)).opinion(wrong, 2).probs
    together = LeaveOut(features, np.where(np.arange(100) == 1, 3, np.arange(100))).opinion(wrong, 2).probs
    assert together[1, wrong[1]] < apart[1, wrong[1]]


def test_wrong_labels_come_first_and_are_told_right() -> None:
    features, targets = clouds(300, 5)
    features[:, 0] += 4 * targets - 3  # away from the origin, as features of photos are
    given = targets.copy()
    planted = [5, 50, 123, 200, 271]
    given[planted] = 1 - given[planted]
    errors = find_label_errors(LeaveOut(features, np.arange(300)).opinion(given, 2).probs, given)
    assert set(errors.ranking[:5]) == set(planted)
    assert (errors.suggested[planted] == targets[planted]).all()
    assert errors.confident[planted].sum() >= 3
    assert errors.confident.sum() <= errors.suspected.sum()


def test_a_wrong_label_that_a_straight_line_believes_is_doubted_by_its_neighbours() -> None:
    """A small clump of one class lies behind the other; a ridge gives it to the class that it lies behind."""
    dice = np.random.default_rng(0)
    features = dice.standard_normal((220, 4)).astype(np.float32) * 0.1
    features[:, 0] += 1
    features[:100, 1] -= 1
    features[100:200, 1] += 1
    features[200:, 1] += 3
    features[200:, 2] += 1.5
    targets = np.repeat([0, 1, 0], [100, 100, 20])
    given = targets.copy()
    given[210] = 1
    shares = Neighbours(features, np.arange(220)).shares(given, 2)
    assert shares[210, 0] > 0.8
    assert (shares[:100, 0] > 0.9).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(220))


def test_copies_have_no_say_about_each_other() -> None:
    features, targets = clouds(60, 5)
    features[[3, 5, 7]] = features[3]
    groups = np.arange(60)
    groups[[3, 5, 7]] = 3
    wrong = targets.copy()
    wrong[[3, 5, 7]] = 1 - wrong[[3, 5, 7]]
    with_them = Neighbours(features, np.arange(60)).shares(wrong, 2)
    without = Neighbours(features, groups).shares(wrong, 2)
    assert without[3, wrong[3]] < with_them[3, wrong[3]]


def test_the_photos_of_a_small_class_are_not_outvoted_by_a_large_one() -> None:
    dice = np.random.default_rng(0)
    features = dice.standard_normal((206, 6)).astype(np.float32)
    features[200:, 0] += 30
    targets = np.repeat([0, 1], [200, 6])
    shares = Neighbours(features, np.arange(206)).shares(targets, 2)
    assert (shares[200:, 1] > 0.5).all()


def test_a_photo_of_a_class_that_is_not_learned_is_judged_and_never_suspected() -> None:
    features, targets = clouds(60, 5)
    targets[10] = -1
    opinion = LeaveOut(features, np.arange(60)).opinion(targets, 2)
    errors = find_label_errors(opinion.probs, targets)
    assert errors.scores[10] == 0
    assert not errors.suspected[10]


def test_the_penalty_of_an_earlier_opinion_gives_the_same_again() -> None:
    features, targets = clouds(80, 5)
    judge = LeaveOut(features, np.arange(80))
    first = judge.opinion(targets, 2)
    assert judge.opinion(targets, 2, penalty=first.penalty).probs == pytest.approx(first.probs)
