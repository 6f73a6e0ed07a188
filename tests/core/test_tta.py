"""Held-out photos judged by several views of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.dataset import read_dataset
from fieldmark.finetuning.tta import judge_by_views
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    dataset = read_dataset(write_sample(tmp_path / "photos"))
    return Learner(dataset, given_split(dataset), TrainConfig(rule=ResizeRule(64))).fit()


def test_views_are_averaged_for_the_held_out_photos(learner: Learner) -> None:
    found = judge_by_views(learner, 2)
    assert found.valid.items == learner.valid.items
    assert found.valid.probs.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(found.valid.probs, learner.valid.probs)
    assert f"{found.valid.n_wrong} of {len(learner.valid.items)} came out wrong" in found.sentence
    assert found.as_dict()["error_rate_ci"] == list(found.valid.error_rate_ci)


def test_a_held_out_photo_that_vanished_is_left_out_of_the_views(learner: Learner) -> None:
    gone = learner.valid.items[3]
    whole = judge_by_views(learner, 1)
    gone.path.unlink()
    found = judge_by_views(learner, 1)
    assert found.valid.items == tuple(item for item in learner.valid.items if item is not gone)
    assert found.valid.probs == pytest.approx(np.delete(whole.valid.probs, 3, axis=0), abs=5e-2)
    for item in found.valid.items:
        item.path.unlink()
    assert judge_by_views(learner, 1).sentence.startswith("There are no held-out photos")
