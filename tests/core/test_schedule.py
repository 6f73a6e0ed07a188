"""The recipe's numbers, as the book's library has them."""

from __future__ import annotations

import numpy as np
import pytest

from fieldmark.finetuning.schedule import Hyper, Phase, cut, fine_tune_phases, one_cycle, phase_at

FROZEN, UNFROZEN = fine_tune_phases(4)


def test_one_frozen_epoch_comes_before_the_others() -> None:
    assert (FROZEN.epochs, FROZEN.frozen) == (1, True)
    assert (UNFROZEN.epochs, UNFROZEN.frozen) == (4, False)


def test_the_head_learns_at_2e_3_first_and_at_half_of_it_afterwards() -> None:
    assert FROZEN.hyper(0.99).lrs == pytest.approx((0, 0, 2e-3))
    assert UNFROZEN.hyper(0.3).lrs == pytest.approx((1e-5, 1e-4, 1e-3))


def test_a_cycle_starts_at_its_div_and_ends_at_a_hundred_thousandth() -> None:
    assert FROZEN.hyper(0).lrs[2] == pytest.approx(2e-3 / 25)
    assert UNFROZEN.hyper(0).lrs == pytest.approx((2e-6, 2e-5, 2e-4))
    assert UNFROZEN.hyper(1).lrs == pytest.approx((1e-10, 1e-9, 1e-8))


def test_momentum_is_low_where_the_rate_is_high() -> None:
    assert [UNFROZEN.hyper(pct).beta1 for pct in (0, 0.3, 1)] == pytest.approx([0.95, 0.85, 0.95])


def test_a_frozen_trunk_does_not_learn_at_any_step() -> None:
    assert {FROZEN.hyper(pct).lrs[:2] for pct in np.linspace(0, 1, 50)} == {(0.0, 0.0)}


SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0.3, 2e-4, 1e-3, 1e-8), [2e-4, 4e-4, 9.4641015e-4, 8.1174680e-4, 2.8306531e-4, 4.9525106e-5]),
        ((0.3, 0.95, 0.85, 0.95), [0.95, 0.925, 0.85669873, 0.86882551, 0.92169419, 0.94504844]),
    ],
    ids=["rate", "momentum"],
)
def test_the_cycle_is_the_one_of_fastai(
    arguments: tuple[float, float, float, float], expected: list[float]
) -> None:
    """What `fastai.callback.schedule.combined_cos` of fastai 2.8.12 gives for the same arguments."""
    assert [one_cycle(pct, *arguments) for pct in SHARES] == pytest.approx(expected, rel=1e-6)


def test_no_epoch_of_a_kind_leaves_that_phase_out() -> None:
    assert [phase.frozen for phase in fine_tune_phases(3, frozen_epochs=0)] == [False]
    assert [phase.frozen for phase in fine_tune_phases(0, frozen_epochs=2)] == [True]


def test_an_epoch_knows_its_phase_and_where_in_it_it_begins() -> None:
    phases = fine_tune_phases(4, frozen_epochs=2)
    begun = [(phase.frozen, start) for phase, start in (phase_at(phases, epoch) for epoch in range(6))]
    assert begun == [(True, 0), (True, 0.5), (False, 0), (False, 0.25), (False, 0.5), (False, 0.75)]
    with pytest.raises(ValueError, match="behind the last"):
        phase_at(phases, 6)


def test_hyper_gives_plain_numbers() -> None:
    assert Phase(1, 1e-2, frozen=False, pct_start=0.5, div=2).hyper(0.5) == Hyper((1e-4, 1e-3, 1e-2), 0.85)


@pytest.mark.parametrize("size", [2, 3, 16, 64])
def test_no_photo_is_left_out_and_none_is_alone(size: int) -> None:
    for n in range(2, 200):
        parts = [list(range(n))[part] for part in cut(n, size)]
        assert [place for part in parts for place in part] == list(range(n))
        assert min(map(len, parts)) >= 2
        assert max(map(len, parts)) <= max(size, 3)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
