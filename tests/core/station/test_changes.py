"""Whether pictures changed, whether the model keeps its promise, and what people saw that it did not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from core.station.conftest import NOON, RULES, SetClock
from core.station.test_stages import add
from core.station.visits import add_event
from fieldmark.station.changes import drift, say_drift
from fieldmark.station.desk import Desk
from fieldmark.station.figures import measure
from fieldmark.station.misses import Misses, say_misses
from fieldmark.station.report import write_report
from fieldmark.station.reviews import Said, review
from fieldmark.station.sentences import say_promise
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Frame

END = NOON + timedelta(hours=12)


def fill(store: Store, n: int, *, darker: float) -> None:
    """So many visits in the last week and as many in the weeks before; the last ones are darker by so much."""
    rng = np.random.default_rng(1)
    with store.writing() as session:
        for i in range(2 * n):
            is_recent = i < n
            at = END - timedelta(days=3 if is_recent else 15, minutes=10 * i)
            event = add_event(session, at, alarm=0.1 * rng.random())
            frame = Frame(
                camera_id=event.camera_id, event_id=event.id, sha256=f"{i:064x}", name="f", source="spool",
                received_at=at, captured=None, at=at, clock="camera", width=1, height=1, is_night=False,
                brightness=rng.normal(100 - darker * is_recent, 10), sharpness=rng.normal(50, 5), look="0" * 16,
            )  # fmt: skip
            session.add(frame)
            session.flush()
            event.best_frame_id = frame.id


@pytest.mark.parametrize(
    ("n", "darker", "said"),
    [
        (120, 20, "north by day: brightness differs from the four weeks before (120 visits against 120"),
        (120, 0, "Scores, brightness and sharpness are as in the four weeks before at north by day."),
        (30, 20, "Too few visits to tell whether pictures changed at north by day: each side needs 50."),
    ],
)
def test_what_changed_is_named_by_camera_and_light_and_too_few_is_an_answer(
    store: Store, n: int, darker: float, said: str
) -> None:
    fill(store, n, darker=darker)
    with store.reading() as session:
        sentences = say_drift(drift(session, the_station(session), end=END))
        page = write_report(session, end=END)
    assert [text[: len(said)] for text in sentences] == [said]
    assert "Do the pictures still look as they did?" in page


def test_a_model_that_promises_too_much_is_said_to(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        for i in range(40):
            event = add_event(session, clock() - timedelta(hours=i), alarm=0.95)
            verdict = "confirmed" if i % 2 else "rejected"
            review(session, Said(event.id, "Ola", verdict), RULES, now=clock())  # type: ignore[arg-type]
    with store.reading() as session:
        promise = measure(session, the_station(session), end=END).promise
    assert (promise.confirmed, promise.n) == (20, 40)
    assert "expected 95 % to be right" in say_promise(promise)
    assert "it promises too much" in say_promise(promise)
    assert "as it promises" in say_promise(replace(promise, expected=0.5))
    assert say_promise(replace(promise, n=3)) == ""


def test_what_people_saw_is_held_against_the_alarms_of_the_camera_at_the_time(
    store: Store, clock: SetClock
) -> None:
    add(store, clock)
    desk = Desk(store, clock=clock)
    for minutes, camera in ((5, 1), (20, 1), (300, 1), (5, None)):
        at = clock() - timedelta(minutes=minutes)
        desk.log(1, "Ola", "cat", seen_at=at, camera_id=camera)
    with store.reading() as session:
        misses = measure(session, the_station(session), end=END).misses
    assert (misses.by_people, misses.by_both, misses.by_model) == (3, 2, 1)
    assert "People saw 3 visits near a camera, 1 of them without an alarm." in say_misses(misses)


def test_how_many_there_were_is_estimated_from_who_saw_what_with_its_interval() -> None:
    said = say_misses(Misses(by_people=20, by_both=16, by_model=40))
    assert "about 50 visits (95 % 46–" in said
    assert say_misses(Misses(0, 0, 40)) == ""
    assert "are needed to estimate" in say_misses(Misses(3, 1, 40))
