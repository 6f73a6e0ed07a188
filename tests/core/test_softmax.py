"""Softmax and the best sharpness of logits, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from scipy.optimize import minimize_scalar

from fieldmark.fitting.softmax import best_factor, log_softmax, mean_loss, softmax

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_is_scipy_s_and_keeps_the_precision(dtype: type[np.floating]) -> None:
    logits = (100 * RNG.normal(size=(20, 7))).astype(dtype)
    for own, theirs in ((softmax, scipy.special.softmax), (log_softmax, scipy.special.log_softmax)):
        found = own(logits)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, theirs(logits, axis=1), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("sharpness", [0.03, 0.4, 1.0, 6.0, 300.0])
@pytest.mark.parametrize("classes", [2, 40])
def test_the_best_factor_has_the_lowest_loss(sharpness: float, classes: int) -> None:
    honest = 2 * RNG.normal(size=(400, classes))
    drawn = np.array([RNG.choice(classes, p=probs) for probs in softmax(honest)])
    weights = RNG.uniform(0.2, 2, size=400)
    logits = sharpness * honest
    found = best_factor(logits, drawn, weights, low=1e-4, high=1e3)
    oracle = minimize_scalar(
        lambda log: mean_loss(np.exp(log) * logits, drawn, weights),
        bounds=(np.log(1e-4), np.log(1e3)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert found == pytest.approx(np.exp(oracle.x), rel=1e-3)


def test_the_end_of_the_range_is_given_exactly() -> None:
    """A fit whose held-out photos all came out right asks for endless sharpness, one all wrong for none."""
    logits, right = np.array([[2.0, 0.0], [0.0, 3.0]]), np.array([0, 1])
    assert best_factor(logits, right, low=0.05, high=1.0) == 1.0
    assert best_factor(logits, 1 - right, low=0.05, high=1.0) == 0.05
