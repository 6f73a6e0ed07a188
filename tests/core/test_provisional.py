"""What the model would say if decisions were applied, and what it sees in one photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.closelook import CloseLook
from fieldmark.dataset import read_dataset
from fieldmark.learner import Learner
from fieldmark.provisional import Provisional
from fieldmark.sample import write_sample
from fieldmark.splits import make_splits


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample") / "photos"))
    return Learner(dataset, make_splits(dataset.items, valid_pct=0.2, seed=1)).fit()


def test_without_decisions_it_says_what_the_learner_says(learner: Learner) -> None:
    probs = Provisional(learner).assess({})
    said = np.concatenate([learner.oof_probs, learner.valid.probs])
    assert probs.shape == said.shape
    assert (probs.argmax(axis=1) == said.argmax(axis=1)).mean() > 0.98
    assert np.abs(probs - said).max() < 0.05


def test_right_labels_make_the_model_surer_of_the_rest(learner: Learner) -> None:
    """The sample has five wrong labels; mended, the others are believed more."""
    provisional = Provisional(learner)
    right = [item.path.name.split("-")[0] for item in provisional.items]
    mended = {i: label for i, label in enumerate(right) if label != provisional.items[i].label}
    assert 0 < len(mended) <= 5
    targets = provisional.targets(mended)
    before = provisional.assess({})[np.arange(len(targets)), targets]
    after = provisional.assess(mended)[np.arange(len(targets)), targets]
    assert after.mean() > before.mean()


def test_it_begins_where_it_ended_and_comes_to_the_same(learner: Learner) -> None:
    changed: dict[int, str | None] = {0: learner.vocab[1], 3: None, 5: "a class that was not learned"}
    again = Provisional(learner)
    again.assess({1: None, 2: learner.vocab[0]})
    assert np.allclose(again.assess(changed), Provisional(learner).assess(changed), atol=0.02)


def test_a_photo_that_does_not_count_teaches_nothing(learner: Learner) -> None:
    provisional = Provisional(learner)
    drop: dict[int, str | None] = dict.fromkeys(range(30))
    probs = provisional.assess(drop)
    other = provisional.assess({**drop, 0: "also not learned"})
    assert np.allclose(probs, other, atol=0.005)


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
    assert found.values.shape == (7, 7)
    assert found.values.min() >= 0 and found.values.max() <= 1
    with pytest.raises(ValueError):
        CloseLook(learner).explain(item.path, "a class that was not learned")
