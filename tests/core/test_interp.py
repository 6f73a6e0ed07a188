"""Interpretation: what is right and wrong, counted once and the same in every view of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.dataset import Item
from fieldmark.interp import Interpretation
from fieldmark.stats import wilson

VOCAB = ("ant", "bee", "cat")


def judged(labels: str, answers: list[tuple[str, float]]) -> Interpretation:
    """One photo a letter; an answer is a class and its probability, the rest is shared."""
    full = {name[0]: name for name in (*VOCAB, "dog")}
    items = [Item(Path(f"{n}.jpg"), full[letter], f"{n:064x}") for n, letter in enumerate(labels)]
    rows = [[p if name[0] == said else (1 - p) / 2 for name in VOCAB] for said, p in answers]
    return Interpretation(items, VOCAB, np.array(rows).reshape(len(items), 3))


FOUND = judged(
    "aaabbcd", [("a", 0.9), ("a", 0.8), ("b", 0.7), ("b", 0.9), ("a", 0.6), ("c", 0.5), ("c", 0.9)]
)


def test_every_wrong_answer_is_counted_also_of_a_class_the_model_does_not_know() -> None:
    assert FOUND.n_wrong == 3
    assert [item.path.name for item in FOUND.wrong] == ["2.jpg", "4.jpg", "6.jpg"]
    assert FOUND.error_rate == pytest.approx(3 / 7)
    assert FOUND.error_rate_ci == wilson(3, 7)


def test_rows_of_the_matrix_are_what_photos_are_and_columns_what_was_said() -> None:
    assert FOUND.confusion_matrix().tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_confusions_are_listed_with_the_most_frequent_first() -> None:
    assert [(c.actual, c.said, c.count) for c in FOUND.most_confused()] == [
        ("ant", "bee", 1),
        ("bee", "ant", 1),
    ]
    assert FOUND.most_confused(min_count=2) == []


def test_the_most_surprising_labels_come_first() -> None:
    top = FOUND.top_losses(3)
    assert [loss.item.path.name for loss in top] == ["6.jpg", "2.jpg", "4.jpg"]
    assert top[0].loss == pytest.approx(16.118, abs=0.01)  # of a class with probability 0
    assert (top[1].said, top[1].prob) == ("bee", pytest.approx(0.7))
    assert [loss.loss for loss in top] == sorted((loss.loss for loss in top), reverse=True)


def test_recall_and_precision_carry_their_counts() -> None:
    ant, bee, cat = FOUND.per_class()
    assert (ant.n, ant.right, ant.said) == (3, 2, 3)
    assert (bee.recall, bee.precision) == (0.5, 0.5)
    assert ant.recall_ci == wilson(2, 3)
    assert (cat.recall, cat.n) == (1.0, 1)


def test_without_held_out_photos_nothing_is_claimed() -> None:
    nothing = judged("", [])
    assert (nothing.error_rate, nothing.mean_loss, nothing.wrong) == (None, None, [])
    assert nothing.error_rate_ci == (0.0, 1.0)
    assert nothing.per_class()[0].recall is None


def test_probabilities_must_fit_the_photos() -> None:
    with pytest.raises(ValueError, match="expected"):
        Interpretation([], VOCAB, np.zeros((1, 3)))
