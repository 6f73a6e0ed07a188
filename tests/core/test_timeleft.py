"""Time left: early, steady, and as people say it."""

from __future__ import annotations

import pytest

from fieldmark.finetuning.timeleft import TimeLeft, say_time

COSTS = (1, 3, 3, 3, 3)


class Clock:
    """Goes on only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(seconds: dict[int, float], *, steps: int = 40, first_s: float = 0.0) -> list[list[str]]:
    """What is said before each step of each epoch, where steps of an epoch take as long as its cost says."""
    clock = Clock()
    left, said = TimeLeft(COSTS, steps, clock), list[list[str]]()
    for epoch, cost in enumerate(COSTS):
        said.append([])
        for place in range(steps):
            said[-1].append(left.words(epoch, place))
            with left.step(epoch):
                clock.now += seconds[cost] + (first_s if epoch == place == 0 else 0)
    return said


def test_after_two_steps_of_the_first_epoch_it_knows_what_the_dearer_ones_will_take() -> None:
    said = run({1: 1.5, 3: 4.5})  # 60 s + 4 · 180 s
    assert said[0][:3] == ["", "", "about 15 min left"]
    assert said[1][0] == "about 10 min left"  # of 12


def test_within_an_epoch_it_goes_down() -> None:
    told = list(dict.fromkeys(run({1: 1.0, 3: 3.0})[1]))
    assert told == [f"about {minutes} min left" for minutes in (8, 7, 6)]


def test_a_slow_start_frightens_nobody() -> None:
    assert run({1: 1.5, 3: 4.5}, first_s=60)[0][2] == "about 15 min left"


def test_where_the_rest_is_dearer_than_thought_it_says_so_once_and_not_up_and_down() -> None:
    told = list(dict.fromkeys(words for epoch in run({1: 1.5, 3: 9.0}) for words in epoch))
    assert told[:3] == ["", "about 15 min left", "about 10 min left"]
    assert told[3] == "about 25 min left"
    assert told.count("about 15 min left") == 1


def test_judging_the_held_out_photos_is_part_of_it() -> None:
    clock = Clock()
    left = TimeLeft((1, 3), 2, clock)
    with left.judging():
        clock.now += 120
    for _ in range(2):
        with left.step(0):
            clock.now += 1
    assert left.words(1, 0) == "about 2 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (44, "less than a minute"),
        (50, "about 1 min"),
        (500, "about 8 min"),
        (590, "about 10 min"),
        (760, "about 15 min"),
        (3500, "about 60 min"),
        (5400, "about 1.5 hours"),
        (7300, "about 2 hours"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert say_time(seconds) == words
