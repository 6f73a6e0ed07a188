"""Interpretation: what a model gets right and wrong on held-out photos, from one cached prediction pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fieldmark.dataset import Item
from fieldmark.stats import Interval, wilson

Direction = Literal["row", "column"]

SMALLEST_PROB = 1e-7
"""Keeps the loss of a photo finite."""


@dataclass(frozen=True)
class ClassReport:
    """How well one class is told from the others."""

    label: str
    n: int
    """Held-out photos of the class."""
    right: int
    said: int
    """How often the model answered with it."""

    @property
    def recall(self) -> float | None:
        """Share of its photos that were found; None without photos."""
        return self.right / self.n if self.n else None

    @property
    def precision(self) -> float | None:
        """Share of its answers that were right; None if it was never answered."""
        return self.right / self.said if self.said else None

    @property
    def recall_ci(self) -> Interval:
        """95 % interval of `recall`."""
        return wilson(self.right, self.n)

    @property
    def precision_ci(self) -> Interval:
        """95 % interval of `precision`."""
        return wilson(self.right, self.said)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where neither is known."""
        either = self.n + self.said
        return 2 * self.right / either if either else None

    @property
    def f1_ci(self) -> Interval:
        """95 % interval of `f1`.

        F1 is 2 J / (1 + J) of J, the share of right ones among photos that are or were called the class; J is a
        proportion, so its Wilson interval carries over (Hand et al. 2021).
        """
        low, high = wilson(self.right, self.n + self.said - self.right)
        return Interval(2 * low / (1 + low), 2 * high / (1 + high))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "label": self.label,
            "n": self.n,
            "f1": self.f1,
            "f1_ci": list(self.f1_ci),
            "recall": self.recall,
            "recall_ci": list(self.recall_ci),
            "precision": self.precision,
            "precision_ci": list(self.precision_ci),
        }


@dataclass(frozen=True)
class Confusion:
    """One way of being wrong."""

    actual: str
    said: str
    count: int


@dataclass(frozen=True)
class Loss:
    """One photo and how surprising its label was to the model."""

    item: Item
    said: str
    prob: float
    """Of the answer."""
    loss: float
    """Cross-entropy of the given label, ≥ 0."""


class Interpretation:
    """Held-out photos and what the model said of them."""

    def __init__(self, items: Sequence[Item], vocab: Sequence[str], probs: npt.NDArray[np.floating]) -> None:
        """Keep the pass.

        Args:
            items: the photos.
            probs: (photos, classes), in the order of `items` and `vocab`.
        """
        if probs.shape != (len(items), len(vocab)):
            raise ValueError(f"probs has shape {probs.shape}, expected {(len(items), len(vocab))}")
        self.items, self.vocab, self.probs = tuple(items), tuple(vocab), probs

    @cached_property
    def targs(self) -> npt.NDArray[np.intp]:
        """(n,) index of each photo's label; -1 where the model does not know the class."""
        place = {label: index for index, label in enumerate(self.vocab)}
        return np.array([place.get(item.label, -1) for item in self.items], dtype=np.intp)

    @cached_property
    def preds(self) -> npt.NDArray[np.intp]:
        """(n,) index of each answer."""
        return self.probs.argmax(axis=1) if len(self.items) else np.empty(0, np.intp)

    @cached_property
    def losses(self) -> npt.NDArray[np.float64]:
        """(n,) cross-entropy of each photo's label."""
        own = np.where(self.targs >= 0, self.probs[np.arange(len(self.items)), self.targs], 0.0)
        return -np.log(np.maximum(own, SMALLEST_PROB))

    @property
    def n_wrong(self) -> int:
        """Photos answered with another label than theirs."""
        return int((self.preds != self.targs).sum())

    @property
    def error_rate(self) -> float | None:
        """Share of wrong answers; None without photos."""
        return self.n_wrong / len(self.items) if self.items else None

    @property
    def error_rate_ci(self) -> Interval:
        """95 % interval of the error rate (Wilson)."""
        return wilson(self.n_wrong, len(self.items))

    @property
    def mean_loss(self) -> float | None:
        """Mean cross-entropy; None without photos."""
        return float(self.losses.mean()) if self.items else None

    @property
    def wrong(self) -> list[Item]:
        """The photos answered wrongly, in the order given."""
        return [item for item, p, t in zip(self.items, self.preds, self.targs, strict=True) if p != t]

    def confusion_matrix(self) -> npt.NDArray[np.intp]:
        """Counts (classes, classes): rows are what a photo is, columns what the model said."""
        matrix = np.zeros((len(self.vocab),) * 2, dtype=np.intp)
        known = self.targs >= 0
        np.add.at(matrix, (self.targs[known], self.preds[known]), 1)
        return matrix

    def confusion_shares(self, by: Direction) -> npt.NDArray[np.float64]:
        """The matrix as shares of each row (of photos of a class) or column (of answers); 0 where it is empty."""
        counts = self.confusion_matrix().astype(np.float64)
        total = counts.sum(axis=1 if by == "row" else 0, keepdims=True)
        return np.asarray(counts / np.maximum(total, 1))

    def most_confused(self, min_count: int = 1) -> list[Confusion]:
        """Ways of being wrong that happened at least `min_count` times, the most frequent first."""
        matrix = self.confusion_matrix()
        pairs = [
            Confusion(self.vocab[i], self.vocab[j], int(matrix[i, j]))
            for i, j in zip(*np.nonzero(matrix), strict=True)
            if i != j and matrix[i, j] >= min_count
        ]
        return sorted(pairs, key=lambda pair: -pair.count)

    def top_losses(self, k: int = 9) -> list[Loss]:
        """The `k` photos whose label surprised the model most, the worst first."""
        worst = np.argsort(-self.losses, kind="stable")[:k]
        return [
            Loss(self.items[i], self.vocab[self.preds[i]], float(self.probs[i].max()), float(self.losses[i]))
            for i in worst
        ]

    def per_class(self) -> list[ClassReport]:
        """A report for each class, in vocab order."""
        matrix = self.confusion_matrix()
        return [
            ClassReport(label, int(matrix[i].sum()), int(matrix[i, i]), int(matrix[:, i].sum()))
            for i, label in enumerate(self.vocab)
        ]
