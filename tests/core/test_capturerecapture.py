"""Visits that nobody saw, from who saw the others."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.stats.capturerecapture import chapman


def test_when_both_saw_all_nobody_missed_any() -> None:
    assert chapman(20, 20, 20).total == 20
    assert chapman(20, 20, 20).interval == (20, 20)


def test_the_estimate_and_its_interval_never_fall_below_what_was_seen() -> None:
    found = chapman(30, 12, 8)
    assert 34 <= found.interval.low <= found.total <= found.interval.high


def test_the_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        model, people = rng.random(100) < 0.8, rng.random(100) < 0.5
        low, high = chapman(int(model.sum()), int(people.sum()), int((model & people).sum())).interval
        held += low <= 100 <= high
    assert held / 400 > 0.91


def test_more_by_both_than_by_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        chapman(3, 5, 4)
