"""Time left: how long a fine-tuning will still take, from the steps that it has done, as people say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

WARM_UP = 1
"""First steps that do not count: they set things up."""
RECENT = 25
"""Steps that are looked at; a busy moment among them is outvoted."""
JUMP = 1.25
"""What was said before stands until the time left is longer by this factor: going up and down says nothing."""


class TimeLeft:
    """Told how long steps took, says how long the others will take."""

    def __init__(self, costs: Sequence[int], steps: int, clock: Callable[[], float] = perf_counter) -> None:
        """Begin with nothing done.

        Args:
            costs: of a step in each epoch, against the cheapest.
            steps: in each epoch.
            clock: gives seconds.
        """
        self._costs, self._steps, self._clock = tuple(costs), steps, clock
        self._seconds: dict[int, list[float]] = {}
        self._judging_s = 0.0
        self._to_warm_up = WARM_UP
        self._said: float | None = None

    @contextmanager
    def step(self, epoch: int) -> Iterator[None]:
        """Take the time of a step of an epoch (from 0)."""
        started = self._clock()
        yield
        if self._to_warm_up:
            self._to_warm_up -= 1
        else:
            self._seconds.setdefault(self._costs[epoch], []).append(self._clock() - started)

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Take the time that the held-out photos are judged in, as after each epoch."""
        started = self._clock()
        yield
        self._judging_s = self._clock() - started

    def words(self, epoch: int, place: int) -> str:
        """Say how long it takes from a step of an epoch on, both from 0; empty as long as nobody knows."""
        if not self._seconds:
            return ""
        left = self._seconds_left(epoch, place)
        if self._said is None or not self._said <= left <= JUMP * self._said:
            self._said = left
        return f"{say_time(self._said)} left"

    def _seconds_left(self, epoch: int, place: int) -> float:
        """By the dearest steps known, as most of those to come are."""
        cost = max(self._seconds)
        unit_s = median(self._seconds[cost][-RECENT:]) / cost
        units = self._costs[epoch] * (self._steps - place) + sum(self._costs[epoch + 1 :]) * self._steps
        return unit_s * units + self._judging_s * (len(self._costs) - epoch)


def say_time(seconds: float) -> str:
    """Say a time as exactly as people do: by the minute, from ten on by five, from an hour and a half on by half hours."""
    minutes = round(seconds / 60)
    if seconds < 45:
        return "less than a minute"
    if minutes < 10:
        return f"about {max(1, minutes)} min"
    if minutes < 90:
        return f"about {5 * round(minutes / 5)} min"
    return f"about {round(minutes / 30) / 2:g} hours"
