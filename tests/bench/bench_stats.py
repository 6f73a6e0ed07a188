"""Do the tests behind "doubled" and "halved" keep their level, and how much do they find?

    make bench-stats                            (or: python tests/bench/bench_stats.py)

Weeks are drawn, a recent one of 7 days against a baseline of 28, at one, two and five events a day: unchanged, doubled
and halved; as independent events, and in visits that come in clumps. Nothing is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from fieldmark.stats import wilson
from fieldmark.stats.rates import Day, compare_rates

RUNS = 1000
RATES = (1.0, 2.0, 5.0)
WINDOW, BASELINE = 7, 28
CLUMP = 4
"""Events of one clumped visit: the variance of a day is so many times its mean."""
NAIVE_YEARS = 200
"""Camera-years for the rule that calls every factor of two a change."""


def main() -> int:
    """Draw and print."""
    rng = np.random.default_rng(1)
    print(
        f"Called a change, of {RUNS} weeks drawn (95 % interval); 1 % is meant for each of the two questions.\n"
    )
    print("| events a day | unchanged | doubled | halved | unchanged, in clumps |")
    print("| --- | --- | --- | --- | --- |")
    for rate in RATES:
        cells = [share(lambda s, r=rate, t=times: called(rng, poisson, r, t, s)) for times in (1.0, 2.0, 0.5)]
        cells.append(share(lambda s, r=rate: called(rng, clumps, r, 1.0, s)))
        print(f"| {rate:g} | {' | '.join(cells)} |")
    print("\nA rule that calls every week of twice or half the one before, without any change:")
    for rate in (0.5, 1.0, 2.0):
        print(f"  {rate:g} a day: {naive(rng, rate):.1f} false alarms per camera-year")
    return 0


def poisson(rng: np.random.Generator, rate: float, n: int) -> list[Day]:
    """Days of independent events."""
    return [Day(int(count), 1.0) for count in rng.poisson(rate, n)]


def clumps(rng: np.random.Generator, rate: float, n: int) -> list[Day]:
    """Days whose events come four at a time."""
    return [Day(CLUMP * int(count), 1.0) for count in rng.poisson(rate / CLUMP, n)]


def called(
    rng: np.random.Generator,
    draw: Callable[[np.random.Generator, float, int], list[Day]],
    rate: float,
    times: float,
    seed: int,
) -> bool:
    """Whether a change is called in the direction it went, or in any where there is none."""
    found = compare_rates(draw(rng, rate * times, WINDOW), draw(rng, rate, BASELINE), seed=seed).verdict
    wanted = {1.0: ("more", "fewer"), 2.0: ("more",), 0.5: ("fewer",)}[times]
    return found in wanted


def share(call: Callable[[int], bool]) -> str:
    """Run it often: how many in a hundred, with the interval."""
    hits = sum(call(seed) for seed in range(RUNS))
    low, high = wilson(hits, RUNS)
    return f"{100 * hits / RUNS:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def naive(rng: np.random.Generator, rate: float) -> float:
    """False alarms a year of the rule that needs no test."""
    weeks = rng.poisson(7 * rate, (NAIVE_YEARS, 53))
    before, now = weeks[:, :-1], weeks[:, 1:]
    alarms = (now >= 2 * before) | (2 * now <= before)
    return float(alarms.sum() / NAIVE_YEARS)


if __name__ == "__main__":
    sys.exit(main())
