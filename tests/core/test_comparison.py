"""Two trainings on the same photos."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from fieldmark.results.comparison import compare_rounds, mcnemar
from fieldmark.rounds import Round


def trained(wrong: list[str], *, held_out: str = "same", n: int = 83) -> Round:
    return Round("2026-01-01T00:00:00+00:00", "data", held_out, 333, n, wrong, 1.0, {})


def test_photos_that_changed_sides_are_named() -> None:
    comparison = compare_rounds(trained(["a", "b"]), trained(["b", "c"]))
    assert comparison is not None
    assert (comparison.n, comparison.before, comparison.after) == (83, 2, 2)
    assert (comparison.mended, comparison.spoilt) == (("a",), ("c",))


def test_one_photo_fewer_is_too_few_to_say_better() -> None:
    comparison = compare_rounds(trained(["a", "b"]), trained(["b"]))
    assert comparison is not None
    assert (comparison.p, comparison.verdict) == (1.0, "undecided")


def test_better_and_worse_are_said_when_chance_would_hardly_do_it() -> None:
    many = [f"{number}" for number in range(6)]
    better, worse = compare_rounds(trained(many), trained([])), compare_rounds(trained([]), trained(many))
    assert better is not None and worse is not None
    assert better.p == pytest.approx(2 / 2**6)
    assert (better.verdict, worse.verdict) == ("better", "worse")


def test_rounds_judged_by_other_photos_are_not_compared() -> None:
    assert compare_rounds(trained([], held_out="these"), trained([], held_out="those")) is None


@pytest.mark.parametrize(("mended", "spoilt"), [(0, 0), (1, 0), (3, 3), (9, 1), (0, 5), (17, 30)])
def test_p_is_that_of_scipy(mended: int, spoilt: int) -> None:
    expected = binomtest(mended, mended + spoilt).pvalue if mended + spoilt else 1.0
    assert mcnemar(mended, spoilt) == pytest.approx(expected)
