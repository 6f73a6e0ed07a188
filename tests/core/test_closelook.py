"""What a learner sees in one photo, and what is thought of all when some labels are others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.callbacks import silent
from fieldmark.dataset import read_dataset
from fieldmark.issues.suspects import take_suspects
from fieldmark.learner import Learner
from fieldmark.results.closelook import CloseLook
from fieldmark.sources.sample import write_sample
from fieldmark.splits import make_splits


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample") / "photos"))
    return Learner(dataset, make_splits(dataset.items, valid_pct=0.2, seed=1)).fit()


def test_right_labels_make_the_model_surer_of_the_rest(learner: Learner) -> None:
    """The sample has five wrong labels; mended, the others are believed more."""
    suspects = take_suspects(learner, silent)
    right = [item.path.name.split("-")[0] for item in suspects.items]
    items = zip(suspects.items, right, strict=True)
    mended = {item.hash: label for item, label in items if label != item.label}
    assert 0 < len(mended) <= 5
    after = suspects.relabelled(mended)
    rows = np.arange(len(right))
    assert after.opinion[rows, after.targets].mean() > suspects.opinion[rows, after.targets].mean()
    assert [item.label for item in after.items] == right


def test_the_nearest_photos_are_of_the_same_kind_and_never_itself(learner: Learner) -> None:
    look = CloseLook(learner)
    hits = []
    for item in learner.valid.items[:10]:
        near = look.neighbours(item, 4)
        assert [n.similarity for n in near] == sorted((n.similarity for n in near), reverse=True)
        assert item.hash not in {n.item.hash for n in near}
        hits += [n.item.path.name.split("-")[0] == item.path.name.split("-")[0] for n in near]
    assert sum(hits) > 0.8 * len(hits)


def test_a_stranger_has_no_neighbours(learner: Learner, tmp_path: Path) -> None:
    item = learner.valid.items[0]
    assert CloseLook(learner).neighbours(type(item)(tmp_path / "x.jpg", "brick", "0" * 64)) == []


def test_the_map_says_where_the_evidence_is(learner: Learner) -> None:
    item = learner.valid.items[0]
    found = CloseLook(learner).explain(item.path, learner.vocab[0])
    assert found.values.shape == (8, 8)  # of a backbone that looks at 256 pixels
    assert found.values.min() >= 0 and found.values.max() <= 1
    with pytest.raises(ValueError):
        CloseLook(learner).explain(item.path, "a class that was not learned")
