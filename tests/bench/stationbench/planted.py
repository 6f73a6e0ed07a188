"""A planted week against what the station made of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fieldmark.station.figures import measure
from fieldmark.station.planting import BEGIN, RISEN
from fieldmark.station.sentences import say_changed, say_rate
from fieldmark.station.simulate import simulate
from fieldmark.station.stations import the_station
from fieldmark.station.store import open_store

DAYS, CAMERAS = 35, 3
"""Four weeks as a baseline and the week of the many visits."""


def simulator(work: Path) -> None:
    """Play five weeks of seed 1, and ask each day whether there were more."""
    done = simulate(work / "station", days=DAYS, cameras=CAMERAS, seed=1, begin=BEGIN)
    for line in done.lines():
        print(f"  {line}")
    risen = done.planted["many_visits"]["camera"]
    store = open_store(work / "station")
    with store.reading() as session:
        for day in range(1, 8):
            end = BEGIN + timedelta(days=DAYS - 7 + day)
            figures = measure(session, the_station(session), end=end, days=7)
            said = " ".join([say_rate(figures), *say_changed(figures)])
            if risen in said and "more than before" in said:
                print(f"  {RISEN:g} times as many at {risen}: told after {day} days: {said}")
                break
        else:
            print(f"  {RISEN:g} times as many at {risen}: not told within the week: {said}")
    store.close()
