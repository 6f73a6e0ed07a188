"""Odd ones out: photos that look like none of their class, also when they come in clumps."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.issues.oddones import SAMPLE, as_kinds, find_odd_ones
from fieldmark.models.backbone import ImageNetHead


def bundle(n: int, dim: int, at: int, dice: np.random.Generator) -> np.ndarray:
    """Photos that resemble each other: features around one axis."""
    features = 0.6 * dice.standard_normal((n, dim)) / np.sqrt(dim)
    features[:, at] += 1
    return features.astype(np.float32)


def test_clumps_of_strangers_are_the_oddest_of_their_class() -> None:
    dice = np.random.default_rng(0)
    features = np.concatenate([bundle(100, 64, 0, dice), bundle(100, 64, 1, dice), bundle(8, 64, 2, dice)])
    targets = np.array([0] * 100 + [1] * 100 + [0] * 8)
    odd = find_odd_ones(features, targets, np.arange(208))
    assert set(np.argsort(-odd.scores)[:8]) == set(range(200, 208))
    assert (odd.scores[200:] > 0.5).all()
    assert (odd.scores[:200] > 0.5).sum() <= 2


def test_copies_are_no_company() -> None:
    dice = np.random.default_rng(1)
    features = np.concatenate([bundle(30, 64, 0, dice), bundle(1, 64, 3, dice)])
    features = np.concatenate([features, features[-1:], features[-1:]])
    targets, groups = np.zeros(33, int), np.minimum(np.arange(33), 30)
    odd = find_odd_ones(features, targets, groups)
    assert (odd.scores[30:] > 0.9).all()


def test_a_class_of_one_or_of_copies_says_nothing() -> None:
    features = np.ones((3, 4), np.float32)
    odd = find_odd_ones(features, np.array([0, 1, 1]), np.array([0, 1, 1]))
    assert (odd.scores < 0.5).all()


def test_a_large_class_is_compared_with_a_sample_of_it() -> None:
    dice = np.random.default_rng(2)
    features = np.concatenate([bundle(3 * SAMPLE, 16, 0, dice), bundle(20, 16, 5, dice)])
    odd = find_odd_ones(features, np.zeros(len(features), int), np.arange(len(features)))
    assert set(np.argsort(-odd.scores)[:20]) == set(range(3 * SAMPLE, len(features)))


def test_photos_are_compared_by_what_they_are_taken_for() -> None:
    """What no kind looks at, such as the light, tells nothing; nor how strong all kinds are."""
    dice = np.random.default_rng(3)
    weight = dice.standard_normal((20, 8)).astype(np.float32)
    weight[:, 0] = 0
    head = ImageNetHead(weight, dice.standard_normal(20).astype(np.float32))
    features = dice.standard_normal((6, 8)).astype(np.float32)
    lit = features + 5 * np.eye(8, dtype=np.float32)[0]
    assert as_kinds(lit, head) == pytest.approx(as_kinds(features, head))
    stronger = ImageNetHead(weight, head.bias + 3)
    assert as_kinds(features, stronger) == pytest.approx(as_kinds(features, head), abs=1e-5)
