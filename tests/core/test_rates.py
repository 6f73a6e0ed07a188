"""Doubled, halved, or too few to tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from fieldmark.stats.rates import LEVEL, Day, changed_groups, compare_rates, explain_change, needed_days


def days(counts: list[int], uptime: float = 1.0) -> list[Day]:
    return [Day(count, uptime) for count in counts]


def test_a_clear_doubling_is_called_one_with_its_interval() -> None:
    change = compare_rates(days([10] * 7), days([5] * 28))
    assert change.verdict == "more"
    assert change.ratio == pytest.approx(2.0)
    assert change.interval.low < 2 < change.interval.high
    assert change.interval.low > 1


def test_half_the_events_in_half_the_uptime_is_no_halving() -> None:
    change = compare_rates(days([5] * 7, uptime=0.5), days([10] * 28))
    assert change.ratio == pytest.approx(1.0)
    assert change.verdict != "fewer"


def test_three_events_after_one_are_too_few_to_tell() -> None:
    assert compare_rates(days([1, 0, 0, 1, 0, 0, 1]), days([0] * 27 + [1])).verdict == "too few to tell"


def test_many_events_at_the_same_rate_are_steady() -> None:
    assert compare_rates(days([20] * 7), days([20] * 28)).verdict == "steady"


def test_a_first_event_ever_has_an_infinite_ratio_and_no_verdict() -> None:
    change = compare_rates(days([1, 0]), days([0] * 28))
    assert change.ratio == float("inf")
    assert change.verdict == "too few to tell"


def test_a_window_without_uptime_has_no_rate() -> None:
    with pytest.raises(ValueError, match="uptime"):
        compare_rates(days([0], uptime=0), days([1]))


def test_clumped_days_are_permuted_and_a_single_clump_is_no_change() -> None:
    clumped = days([0, 0, 12, 0, 0, 0, 0] * 4)
    change = compare_rates(days([0, 0, 0, 24, 0, 0, 0]), clumped)
    assert change.method == "permutation"
    assert change.verdict == "too few to tell"


@pytest.mark.parametrize("rate", [1, 5])
def test_the_level_is_held_on_independent_days(rate: int) -> None:
    rng = np.random.default_rng(rate)
    called = [
        compare_rates(days(rng.poisson(rate, 7).tolist()), days(rng.poisson(rate, 28).tolist())).verdict
        for _ in range(300)
    ]
    false = sum(verdict in ("more", "fewer") for verdict in called)
    assert false <= poisson.ppf(0.999, 2 * LEVEL * 300)  # two questions, each at the level


def test_the_level_is_held_on_clumped_days() -> None:
    rng = np.random.default_rng(3)

    def draw(n: int) -> list[Day]:
        return days((4 * rng.poisson(0.5, n)).tolist())  # visits of four: variance over mean is 4

    called = [compare_rates(draw(7), draw(28), seed=seed).verdict for seed in range(200)]
    assert sum(verdict in ("more", "fewer") for verdict in called) <= poisson.ppf(0.999, 2 * LEVEL * 200)


def test_the_camera_that_explains_a_change_comes_first() -> None:
    steady = (days([1] * 7), days([1] * 28))
    risen = (days([3] * 7), days([1] * 28))
    named = explain_change({"north": steady, "south": risen})
    assert named[0] == ("south", pytest.approx(14.0))
    assert named[1] == ("north", pytest.approx(0.0))


def test_fewer_events_a_day_need_more_days() -> None:
    assert needed_days(0.5) > needed_days(1) > needed_days(5) >= 1


def test_one_camera_that_changed_among_many_is_named_and_no_other() -> None:
    rng = np.random.default_rng(1)

    def draw(rate: float, n: int) -> list[Day]:
        return [Day(int(x), 1.0) for x in rng.poisson(rate, n)]

    groups = {f"camera {i}": (draw(1.5, 7), draw(1.5, 28)) for i in range(11)}
    groups["risen"] = (draw(6.0, 7), draw(1.5, 28))
    groups["down"] = ([Day(0, 0.0)], draw(1.5, 28))
    assert [(name, change.ratio > 2) for name, change in changed_groups(groups)] == [("risen", True)]


def test_of_twelve_cameras_that_did_not_change_one_is_hardly_ever_named() -> None:
    rng, named, n = np.random.default_rng(3), 0, 300
    for _ in range(n):
        groups = {
            str(i): (
                [Day(int(x), 1.0) for x in rng.poisson(2, 7)],
                [Day(int(x), 1.0) for x in rng.poisson(2, 28)],
            )
            for i in range(12)
        }
        named += bool(changed_groups(groups))
    assert named / n < 2.5 * LEVEL  # two questions, each at its level
