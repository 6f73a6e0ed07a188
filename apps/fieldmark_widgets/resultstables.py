"""What the results show, as plain values: the answer, the confusion matrix, and the table of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldmark.interp import Interpretation
from fieldmark.learner import Learner
from fieldmark_widgets.strings.results import RESULTS

MAX_LEFT_OUT = 50
"""Photos that were left out of the training and are listed one by one."""


def describe_answer(learner: Learner) -> dict[str, str]:
    """The answer to "how good is it?": a headline, the error with its interval, and what it stands on."""
    valid, n_train = learner.valid, len(learner.train_items)
    n = len(valid.items)
    if not n:
        basis = RESULTS["basis_none"].format(n_train=n_train)
        return {"headline": RESULTS["headline_none"], "error": "", "basis": basis}
    low, high = valid.error_rate_ci
    seconds = max(0.1, sum(learner.seconds.values()))
    return {
        "headline": RESULTS["headline_one" if n == 1 else "headline"].format(wrong=valid.n_wrong, n=n),
        "error": RESULTS["error"].format(
            error=_percent(valid.n_wrong / n), low=_percent(low), high=_percent(high)
        ),
        "basis": RESULTS["basis"].format(n=n, n_train=n_train, seconds=f"{seconds:.1f}"),
    }


def describe_matrix(valid: Interpretation) -> dict[str, Any]:
    """The confusion matrix, only the cells with a photo in them, and the mistakes, most frequent first."""
    matrix = valid.confusion_matrix()
    totals = [int(n) for n in matrix.sum(axis=1)]
    cells = [[int(i), int(j), int(matrix[i, j])] for i, j in zip(*np.nonzero(matrix), strict=True)]
    place = {label: index for index, label in enumerate(valid.vocab)}
    pairs = [[place[pair.actual], place[pair.said], pair.count] for pair in valid.most_confused()]
    return {"labels": list(valid.vocab), "totals": totals, "cells": cells, "pairs": pairs}


def describe_left_out(learner: Learner) -> dict[str, Any]:
    """Photos that nothing was learned from and nothing judged by, and why."""
    lines = [{"name": path.name, "reason": reason} for path, reason in _left_out(learner)]
    n, more = len(lines), len(lines) - MAX_LEFT_OUT
    return {
        "title": RESULTS["left_out_one" if n == 1 else "left_out"].format(n=n) if n else "",
        "lines": lines[:MAX_LEFT_OUT],
        "more": RESULTS["left_out_more"].format(n=more) if more > 0 else "",
    }


def _left_out(learner: Learner) -> Iterator[tuple[Any, str]]:
    for path, error in learner.failures.items():
        yield path, str(error)
    for rejected in learner.dataset.rejected:
        yield rejected.path, rejected.reason


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
