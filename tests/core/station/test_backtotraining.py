"""Reviews become photos to train on; a new model begins in the shadow; an archive is played again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import RULES, SetClock, events, picture
from core.station.visits import add_champion, add_event
from fieldmark.catalog import Catalog
from fieldmark.cli.main import cli
from fieldmark.errors import DatasetError, StationError
from fieldmark.predictor import Predictor
from fieldmark.station.backtest import backtest, say
from fieldmark.station.desk import Desk
from fieldmark.station.reviews import Said
from fieldmark.station.rules import Rules
from fieldmark.station.stations import promote, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Audit, Camera, Event, Frame, Model, Prediction
from fieldmark.station.todataset import hold_out, make_dataset
from fieldmark.station.twomodels import compare_models, disagreements
from fieldmark.station.worker import Worker

LOCAL = datetime(2026, 6, 1, 13, 30)


@pytest.fixture
def reviewed(store: Store, clock: SetClock, drop: Callable[..., None]) -> Store:
    """Four cameras with a cat and a gravel each; people confirmed the cats, named the gravel, and one was a person."""
    for number, camera in enumerate(("a", "b", "c", "d")):
        cats = [picture("cat", number=10 * number + n, taken=LOCAL + timedelta(seconds=n)) for n in range(2)]
        drop(*cats, picture("gravel", number=number, taken=LOCAL - timedelta(hours=1)), camera=camera)
    desk = Desk(store, clock=clock)
    for event in events(store):
        if event.label == "cat":
            desk.review(Said(event.id, "Ola", "confirmed"))
        elif event.camera_id == 1:
            desk.review(Said(event.id, "Ola", "relabelled", "person"))
        else:
            desk.review(Said(event.id, "Ola", "rejected"))
    return store


def test_reviewed_visits_become_a_dataset_with_cameras_held_out_for_good(
    reviewed: Store, clock: SetClock, tmp_path: Path
) -> None:
    report = make_dataset(
        reviewed, tmp_path / "data", who="Ola", held_out=hold_out(reviewed, who="Ola", now=clock())
    )
    assert (report.events, report.withheld, report.labels) == (7, 1, {"cat": 4, "nothing": 3})
    assert report.test_cameras == ("d",)
    photos = Catalog.open(tmp_path / "data").photos()
    assert {photo.split for photo in photos if photo.source and "camera d" in photo.source} == {"test"}
    assert {photo.split for photo in photos if photo.source and "camera d" not in photo.source} == {None}
    groups = {photo.group for photo in photos}
    assert len(groups) == 7 and all(str(group).startswith("event ") for group in groups)
    with reviewed.reading() as session:
        assert Rules.from_dict(the_station(session).rules).test_cameras == ("d",)
        assert session.scalars(select(Audit.what)).all().count("rules") == 1


def test_the_same_again_adds_only_what_was_reviewed_since_and_the_test_stays(
    reviewed: Store, clock: SetClock, drop: Callable[..., None], tmp_path: Path
) -> None:
    make_dataset(reviewed, tmp_path / "data", who="Ola", held_out=hold_out(reviewed, who="Ola", now=clock()))
    drop(picture("cat", number=90, taken=LOCAL), camera="e")
    new = events(reviewed)[-1]
    Desk(reviewed, clock=clock).review(Said(new.id, "Ola", "confirmed"))
    again = make_dataset(
        reviewed, tmp_path / "data", who="Ola", held_out=hold_out(reviewed, who="Ola", now=clock())
    )
    assert (again.imported.added, again.test_cameras) == (1, ("d",))


def test_without_a_review_there_is_no_dataset(store: Store, clock: SetClock, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Nothing was reviewed"):
        make_dataset(store, tmp_path / "data", who="Ola", held_out=hold_out(store, who="Ola", now=clock()))
    assert not (tmp_path / "data").exists()


def test_what_the_blind_audit_drew_is_in_it(reviewed: Store, clock: SetClock, tmp_path: Path) -> None:
    with reviewed.writing() as session:
        for event in session.scalars(select(Event).where(Event.label == "nothing")):
            event.is_audit = True
    assert (
        make_dataset(
            reviewed, tmp_path / "data", who="Ola", held_out=hold_out(reviewed, who="Ola", now=clock())
        ).audited
        == 3
    )


def say_of_it(store: Store, event_id: int, model: Model, cat: float) -> None:
    """What a model says of the one frame of an event."""
    with store.writing() as session:
        event = session.get_one(Event, event_id)
        frame = session.scalars(select(Frame).where(Frame.event_id == event_id)).first()
        if frame is None:
            frame = Frame(
                camera_id=event.camera_id, event_id=event_id, sha256=f"{event_id:064}", name="x.jpg", source="spool",
                received_at=event.started_at, captured=None, at=event.started_at, clock="camera", width=1, height=1,
                is_night=False, brightness=0.0, sharpness=0.0, look="0" * 16,
            )  # fmt: skip
            session.add(frame)
            session.flush()
        probs = {"cat": cat, "nothing": 1 - cat}
        session.add(
            Prediction(
                frame_id=frame.id, model_id=model.id, probs=probs, familiarity_p=None, predicted_at=frame.at
            )
        )


@pytest.fixture
def two(store: Store, clock: SetClock) -> Store:
    """A champion and a shadow, and ten visits: they agree on seven; the shadow is right on the other three."""
    with store.writing() as session:
        champion = add_champion(session, clock())
        shadow = Model(
            sha256="1" * 64, title="cats, again", vocab=["cat", "nothing"], role="shadow", since=clock()
        )
        session.add(shadow)
        session.flush()
        numbers = []
        for place in range(10):
            event = add_event(session, clock() - timedelta(hours=place + 1), alarm=0.9)
            event.human_label = "cat" if place < 7 else "nothing"
            event.reviewed_by, event.state = "Ola", "confirmed" if place < 7 else "rejected"
            numbers.append(event.id)
    for place, number in enumerate(numbers):
        say_of_it(store, number, champion, 0.9)
        say_of_it(store, number, shadow, 0.8 if place < 7 else 0.1 + place / 100)
    return store


def test_disagreements_come_first_where_one_would_alert(two: Store, clock: SetClock) -> None:
    with two.writing() as session:
        event = session.get_one(Event, 9)
        event.human_label = event.reviewed_by = None
    with two.reading() as session:
        found = disagreements(session, the_station(session), now=clock())
    assert [one.event_id for one in found] == [9, 8, 10]  # nobody has looked at 9; then the furthest apart
    assert found[0].is_about_alarm and (found[0].champion_label, found[0].shadow_label) == ("cat", "nothing")
    assert found[0].champion_alarm == pytest.approx(0.9) and found[0].human_label is None


def test_better_is_only_said_when_the_test_says_so(two: Store, clock: SetClock) -> None:
    with two.reading() as session:
        compared = compare_models(session, the_station(session), now=clock())
    assert compared is not None
    assert (compared.n, compared.only_champion, compared.only_shadow) == (10, 0, 3)
    assert compared.p == 0.25 and compared.sentence.startswith("No difference is shown")
    assert "20 more visits" in compared.sentence
    clear = replace(compared, only_shadow=12, only_champion=1, n=40)
    assert clear.sentence.startswith("cats, again is better: of 40 reviewed visits 12")


def test_without_a_shadow_there_is_nothing_to_compare(store: Store, clock: SetClock) -> None:
    with store.writing() as session:
        add_champion(session, clock())
    with store.reading() as session:
        assert disagreements(session, the_station(session), now=clock()) == []
        assert compare_models(session, the_station(session), now=clock()) is None


def test_a_retrained_model_begins_in_the_shadow_and_a_person_promotes_it(
    store: Store, clock: SetClock, cat_predictor: Predictor, tmp_path: Path
) -> None:
    from fieldmark.pretrained import build_pretrained
    from fieldmark.station.stations import kept_models

    first, second = tmp_path / "one.onnx", tmp_path / "two.onnx"
    build_pretrained({"cat": ("tabby",)}, first, rest="nothing")
    build_pretrained({"cat": ("tabby", "tiger cat")}, second, rest="nothing")
    store.close()

    def model(*arguments: str) -> dict[str, object]:
        said = CliRunner().invoke(cli, ["station", "model", str(store.folder), *arguments, "--json"])
        assert said.exit_code == 0, said.output
        return dict(json.loads(said.stdout))

    model("--add", str(first))
    roles = model("--add", str(second))["models"]
    assert isinstance(roles, list) and [row["role"] for row in roles] == ["champion", "shadow"]
    digits = roles[1]["sha256"]
    nameless = CliRunner().invoke(cli, ["station", "model", str(store.folder), "--promote", digits[:8]])
    assert nameless.exit_code == 1 and "a person with a name" in nameless.output
    promoted = model("--promote", digits[:8], "--who", "Kari")["models"]
    assert isinstance(promoted, list) and [row["role"] for row in promoted] == ["champion", "retired"]
    with store.reading() as session:
        assert [path.stem for path in kept_models(session, store.folder)] == [digits]


def test_a_shadow_judges_no_event(
    store: Store, clock: SetClock, cat_predictor: Predictor, worker: Worker
) -> None:
    with store.writing() as session:
        other = Model(sha256="2" * 64, title="other", vocab=["cat"], role="shadow", since=clock())
        session.add(other)
        session.flush()
        promote(session, other, who="Kari", now=clock())
    again = Worker(store, models=(cat_predictor,), clock=clock, still_s=0)
    assert not again.scorers[0].is_champion


def test_a_backtest_says_what_would_have_happened_by_stage(reviewed: Store, clock: SetClock) -> None:
    result = backtest(reviewed, now=clock())
    d = result.as_dict()
    assert (d["frames"], d["visits"], d["reviewed"], d["skipped"]) == (12, 8, 8, 0)
    assert d["stage_1"] == {"highlighted": {"alarm": 4}, "sent": 0}
    assert (d["stage_2"]["sent"], d["stage_2"]["not_reviewed"]) == (4, 0)
    assert d["stage_3"]["right"]["hits"] == d["stage_3"]["right"]["n"] == 4
    assert d["found"] == {"hits": 4, "n": 4, "ci": d["found"]["ci"]} and d["found"]["ci"][0] < 1
    assert any("4 of 4 (95 % 51–100 %)" in line for line in say(result))


def test_a_backtest_takes_other_rules_and_another_model_and_changes_nothing(
    reviewed: Store, clock: SetClock, cat_predictor: Predictor
) -> None:
    with reviewed.reading() as session:
        before = [(event.id, event.state) for event in session.scalars(select(Event).order_by(Event.id))]
        n_predictions = len(session.scalars(select(Prediction.frame_id)).all())
    strict = backtest(reviewed, rules=replace(RULES, alarm_min=0.9999, gap_s=5), now=clock())
    asked = backtest(reviewed, predictor=cat_predictor, now=clock())
    assert len(strict.alarms) < 4 <= len(asked.alarms)
    with reviewed.reading() as session:
        assert before == [
            (event.id, event.state) for event in session.scalars(select(Event).order_by(Event.id))
        ]
        assert len(session.scalars(select(Prediction.frame_id)).all()) == n_predictions


def test_a_camera_that_cools_down_sends_one_alert(reviewed: Store, clock: SetClock) -> None:
    with reviewed.writing() as session:
        first = session.scalar(select(Camera.id).where(Camera.name == "a"))
        for number, frame in enumerate(session.scalars(select(Frame).where(Frame.camera_id != first))):
            frame.camera_id, frame.at = first or 0, frame.at + timedelta(seconds=150 * number)
    result = backtest(reviewed, rules=replace(RULES, cooldown_s=86400), now=clock() + timedelta(hours=2))
    assert len(result.alarms) > 1 == len(result.automatic)


def test_a_backtest_without_a_model_or_frames_says_so(store: Store, clock: SetClock) -> None:
    with pytest.raises(StationError, match="No model has looked"):
        backtest(store, now=clock())


def test_the_commands_speak_json(reviewed: Store, tmp_path: Path) -> None:
    reviewed.close()
    runner = CliRunner()
    folder = str(reviewed.folder)
    said = runner.invoke(cli, ["station", "dataset", folder, str(tmp_path / "d"), "--who", "Ola", "--json"])
    assert json.loads(said.stdout)["events"] == 7
    said = runner.invoke(cli, ["station", "backtest", folder, "--days", "36500", "--json"])
    assert json.loads(said.stdout)["visits"] == 8
    rules = tmp_path / "rules.json"
    rules.write_text('{"alarm_min": 7}')
    said = runner.invoke(cli, ["station", "backtest", folder, "--rules", str(rules)])
    assert said.exit_code == 1 and "alarm_min must lie between" in said.output
