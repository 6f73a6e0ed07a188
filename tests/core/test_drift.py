"""Whether what the cameras send still looks like what the model was judged on."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.stats.drift import check_precision, compare_figures, holm


def test_a_shifted_figure_is_found_and_the_steady_one_is_not() -> None:
    rng = np.random.default_rng(0)
    found = compare_figures(
        {
            "brightness": (rng.normal(100, 10, 200), rng.normal(120, 10, 200)),
            "sharpness": (rng.normal(100, 10, 200), rng.normal(100, 10, 200)),
        }
    )
    assert [each.state for each in found] == ["changed", "steady"]


def test_fewer_than_fifty_events_say_nothing() -> None:
    (found,) = compare_figures({"prob": ([0.1] * 200, [0.9] * 49)})
    assert (found.state, found.p) == ("too few to tell", 1.0)


def test_the_family_of_figures_keeps_one_level() -> None:
    rng = np.random.default_rng(1)

    def alarm() -> bool:
        figures = {str(i): (rng.normal(size=80), rng.normal(size=60)) for i in range(6)}
        return any(each.state == "changed" for each in compare_figures(figures))

    assert sum(alarm() for _ in range(100)) <= 5  # 1 % is meant; 5 of 100 has odds of 1 in 300


def test_holm_steps_down_and_never_below_the_one_before() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


def test_a_promise_outside_of_what_people_found_is_off() -> None:
    kept = check_precision([0.9] * 40, [True] * 36 + [False] * 4)
    broken = check_precision([0.9] * 40, [True] * 20 + [False] * 20)
    assert (kept.is_off, broken.is_off) == (False, True)
    assert not check_precision([], []).is_off
