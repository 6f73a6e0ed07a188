"""What a fine-tuned learner says of itself: how sure it is, and what is new to it."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.finetuning.finetuned import calibrated, softening
from fieldmark.models.familiarity import fit_familiarity


def test_a_temperature_softens_what_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 3)).astype(np.float32)
    targets = np.array([rng.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in logits.astype(float)])
    assert softening(4 * logits, targets) == pytest.approx(4, rel=0.1)


def test_a_temperature_never_sharpens() -> None:
    logits = np.eye(3, dtype=np.float32)
    assert softening(logits, np.arange(3)) == 1.0
    assert softening(logits[:0], np.arange(0)) == 1.0
    assert softening(logits, np.full(3, -1)) == 1.0


def test_new_photos_are_compared_with_held_out_ones() -> None:
    """The scores that calibrate are those that the served graph computes."""
    rng = np.random.default_rng(0)
    train, held = rng.normal(1, 1, (90, 8)).astype(np.float32), rng.normal(1, 1, (40, 8)).astype(np.float32)
    targets = np.arange(90) % 3
    known = fit_familiarity(train, targets, groups=np.arange(90), folds=targets, seed=0)
    found = calibrated(known, held)
    assert found.bank is known.bank
    unit = held / np.linalg.norm(held, axis=1, keepdims=True)
    nearest = [np.sort(1 - known.bank @ row)[:5].mean() for row in unit]
    assert found.knn == pytest.approx(nearest, abs=1e-5)
    distances = [min(np.sum((row @ known.whitening - mean) ** 2) for mean in known.means) for row in unit]
    assert found.mahalanobis == pytest.approx(distances, rel=1e-4)
