"""Camtrap DP out, held against the tables of version 1.0.2."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from typer.testing import CliRunner

from core.station.conftest import SetClock, events, picture
from fieldmark.cli.main import cli
from fieldmark.errors import StationError
from fieldmark.station.camtrapdp import import_deployments
from fieldmark.station.camtrapexport import export_package
from fieldmark.station.desk import Desk
from fieldmark.station.reviews import Said
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Camera
from fieldmark.station.worker import Worker

LOCAL = datetime(2026, 6, 1, 13, 30)
TABLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "camtrap-dp-1.0.2-constraints.json").read_text("utf-8")
)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def faults(package: Path) -> list[str]:
    """Whatever in a package is not as the tables of 1.0.2 have it."""
    found: list[str] = []
    rows = {name: read(package / f"{name}.csv") for name in TABLES["tables"]}
    for name, table in TABLES["tables"].items():
        fields = table["fields"]
        with (package / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        found += [f"{name}: its columns are others, or in another order"] if header != list(fields) else []
        for row in rows[name]:
            for column, rule in fields.items():
                found += [f"{name}.{column}: {why}" for why in _broken(row.get(column, ""), rule)]
        keys = [row[table["key"]] for row in rows[name]]
        found += [f"{name}: keys twice"] if len(keys) != len(set(keys)) else []
    deployments = {row["deploymentID"] for row in rows["deployments"]}
    for name in ("media", "observations"):
        found += [
            f"{name}: no such deployment" for row in rows[name] if row["deploymentID"] not in deployments
        ]
    return found


def _broken(value: str, rule: dict[str, Any]) -> list[str]:
    if not value:
        return ["missing"] if rule.get("required") else []
    if "enum" in rule and value not in rule["enum"]:
        return [f"{value!r} is not allowed"]
    if "pattern" in rule and not re.match(rule["pattern"], value):
        return [f"{value!r} does not fit"]
    if rule.get("type") == "datetime":
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z")
    if rule.get("type") == "boolean" and value not in ("true", "false"):
        return [f"{value!r} is no boolean"]
    if rule.get("type") in ("number", "integer"):
        low, high = rule.get("minimum", float("-inf")), rule.get("maximum", float("inf"))
        return [] if low <= float(value) <= high else [f"{value} is out of range"]
    return []


@pytest.fixture
def station(store: Store, clock: SetClock, drop: Callable[..., None], tmp_path: Path) -> Store:
    """Two cameras, one with deployments; a cat that was confirmed, gravel, and a person."""
    package = tmp_path / "in"
    package.mkdir()
    (package / "datapackage.json").write_text(
        json.dumps({"resources": [{"name": "deployments", "path": "deployments.csv"}]})
    )
    (package / "deployments.csv").write_text(
        "deploymentID,locationName,latitude,longitude,deploymentStart,deploymentEnd\n"
        "spring,=north,60.16789,-4.98765,2026-05-01T00:00:00Z,2026-06-01T10:45:00Z\n"
        "summer,=north,60.16789,-4.98765,2026-06-01T10:45:00Z,\n"
    )
    with store.writing() as session:
        import_deployments(session, the_station(session), package / "datapackage.json", now=clock())
    drop(
        picture("cat", taken=LOCAL),
        picture("gravel", taken=LOCAL - timedelta(hours=1)),
        picture("gravel", number=1, taken=LOCAL - timedelta(hours=2)),
        camera="=north",
    )
    desk = Desk(store, clock=clock)
    for event in events(store):
        if event.label == "cat":
            desk.review(Said(event.id, "Ola Nordmann", "confirmed"))
        elif event.started_at < clock() - timedelta(hours=2):
            desk.review(Said(event.id, "Ola Nordmann", "relabelled", "person"))
    return store


def test_a_package_is_as_the_tables_of_1_0_2_have_it(station: Store, worker: Worker, tmp_path: Path) -> None:
    with station.reading() as session:
        report = export_package(session, worker.media, tmp_path / "out", files=True)
    assert faults(tmp_path / "out") == []
    assert (report.deployments, report.media, report.observations, report.files, report.withheld) == (
        2,
        3,
        3,
        2,
        1,
    )
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text("utf-8"))
    assert [part for part in TABLES["package"]["required"] if part not in package] == []
    assert [part for part in TABLES["package"]["project"] if part not in package["project"]] == []
    assert all(resource["schema"].endswith("-table-schema.json") for resource in package["resources"])
    assert {row["observationType"] for row in read(tmp_path / "out" / "observations.csv")} == {
        "animal",
        "blank",
        "human",
    }


def test_the_check_finds_what_is_wrong(station: Store, worker: Worker, tmp_path: Path) -> None:
    with station.reading() as session:
        export_package(session, worker.media, tmp_path / "out")
    table = tmp_path / "out" / "observations.csv"
    table.write_text(
        table.read_text("utf-8").replace(",blank,", ",nothing,").replace("event,", "moment,"), "utf-8"
    )
    assert {fault.split(":")[0] for fault in faults(tmp_path / "out")} == {
        "observations.observationLevel",
        "observations.observationType",
    }


def test_places_are_rough_unless_they_are_asked_for(station: Store, worker: Worker, tmp_path: Path) -> None:
    asked: dict[str, dict[str, Any]] = {
        "rough": {},
        "exact": {"places": True},
        "near": {"near": (60.0, -5.0)},
    }
    found = {}
    for name, options in asked.items():
        with station.reading() as session:
            export_package(session, worker.media, tmp_path / name, **options)
        found[name] = {
            (r["latitude"], r["longitude"], r["coordinateUncertainty"])
            for r in read(tmp_path / name / "deployments.csv")
        }
        assert faults(tmp_path / name) == []
    assert found == {
        "rough": {("60.2", "-5.0", "8000")},
        "exact": {("60.16789", "-4.98765", "")},
        "near": {("60.0", "-5.0", "")},
    }
    assert "60.16" not in "".join(path.read_text("utf-8") for path in (tmp_path / "rough").iterdir())


def test_no_name_of_a_reviewer_no_person_and_no_exif_leaves(
    station: Store, worker: Worker, tmp_path: Path
) -> None:
    with station.reading() as session:
        export_package(session, worker.media, tmp_path / "out", files=True)
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "out").glob("*.*"))
    assert "Nordmann" not in text and "'=north" in text  # and no spreadsheet runs a camera's name
    withheld = [row for row in read(tmp_path / "out" / "media.csv") if not row["fileName"]]
    assert len(withheld) == 1 and withheld[0]["filePublic"] == "false"
    files = sorted((tmp_path / "out" / "media").iterdir())
    assert len(files) == 2 and not any(Image.open(io.BytesIO(f.read_bytes())).getexif() for f in files)


def test_a_frame_belongs_to_the_deployment_of_its_time(
    station: Store, worker: Worker, tmp_path: Path
) -> None:
    with station.reading() as session:
        export_package(session, worker.media, tmp_path / "out")
    by_time = sorted(read(tmp_path / "out" / "media.csv"), key=lambda row: row["timestamp"])
    assert [row["deploymentID"] for row in by_time] == ["spring", "spring", "summer"]


def test_a_camera_without_a_place_is_named(
    store: Store, worker: Worker, drop: Callable[..., None], tmp_path: Path
) -> None:
    drop(picture("cat", taken=LOCAL))
    with store.reading() as session, pytest.raises(StationError, match="north has none"):
        export_package(session, worker.media, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    store.close()
    arguments = [
        "station",
        "export",
        str(store.folder),
        "--out",
        str(tmp_path / "out"),
        "--near",
        "60,5",
        "--json",
    ]
    said = CliRunner().invoke(cli, arguments)
    assert said.exit_code == 0 and json.loads(said.stdout)["deployments"] == 1
    assert faults(tmp_path / "out") == []
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 1 and "not empty" in again.output
    assert CliRunner().invoke(cli, [*arguments[:-2], "north"]).exit_code == 2


def test_what_was_exported_can_be_imported_as_cameras(
    station: Store, worker: Worker, tmp_path: Path, clock: SetClock
) -> None:
    from core.station.conftest import RULES
    from fieldmark.station.stations import add_station

    with station.reading() as session:
        export_package(session, worker.media, tmp_path / "out", places=True)
    other = open_store(tmp_path / "other", create=True)
    with other.writing() as session:
        add_station(session, "Other", zone="UTC", rules=RULES, now=clock())
        report = import_deployments(
            session, the_station(session), tmp_path / "out" / "datapackage.json", now=clock()
        )
        assert report.new == 2
        assert session.scalar(select(Camera.latitude)) == 60.16789
    other.close()
