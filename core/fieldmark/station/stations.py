"""Stations and their cameras: made, found, and given their rules and models."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.predictor import Predictor
from fieldmark.station.auditlog import write_down
from fieldmark.station.channels import channels_of
from fieldmark.station.days import checked_zone
from fieldmark.station.people import require
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Camera, Model, Station

MODELS = "models"
"""Folder of a station with its models' files."""
CHAMPION, SHADOW, RETIRED = "champion", "shadow", "retired"


def add_station(session: Session, name: str, *, zone: str, rules: Rules, now: datetime) -> Station:
    """Make a station, in stage 1.

    Raises:
        StationError: the zone is not known, the name is taken or empty, or a channel could not be used.
    """
    checked_zone(zone)
    if not name.strip() or session.scalar(select(Station).where(Station.name == name)):
        raise StationError(f"A station called {name!r} is there already, or has no name.", code="bad_name")
    channels_of(rules.channels)
    station = Station(name=name, zone=zone, stage=1, rules=rules.as_dict(), since=now)
    session.add(station)
    session.flush()
    return station


def the_station(session: Session) -> Station:
    """Give the station of a store that has one; StationError where there is none yet."""
    station = session.scalars(select(Station).order_by(Station.id)).first()
    if station is None:
        raise StationError(
            "There is no station here yet. Make one: fieldmark station init DIR", code="no_station"
        )
    return station


def set_rules(session: Session, station: Station, rules: Rules, *, who: str, now: datetime) -> None:
    """Change the rules; who did is written down.

    Raises:
        StationError: `role` where that is no chief; `bad_channel` where one could not be used.
    """
    require(session, station.id, who, "chief")
    channels_of(rules.channels)
    before, station.rules = station.rules, rules.as_dict()
    write_down(
        session,
        at=now,
        who=who,
        what="rules",
        subject=f"station {station.id}",
        before=before,
        after=station.rules,
    )


def set_zone(session: Session, station: Station, zone: str, *, who: str, now: datetime) -> None:
    """Say in which time zone a station lives: its days, the times people read, and those its cameras write from now on.

    Frames that are here keep the moment they were placed at.

    Raises:
        StationError: `role` where that is no chief; `bad_zone` where there is no such zone.
    """
    require(session, station.id, who, "chief")
    before, station.zone = station.zone, checked_zone(zone)
    subject, after = f"station {station.id}", {"zone": zone}
    write_down(session, at=now, who=who, what="zone", subject=subject, before={"zone": before}, after=after)


def camera_named(session: Session, station: Station, name: str, *, now: datetime) -> Camera:
    """Give the camera of a name, added where it is new: a folder that appears in the spool is a camera."""
    camera = session.scalar(select(Camera).where(Camera.station_id == station.id, Camera.name == name))
    if camera is None:
        camera = Camera(station_id=station.id, name=name, since=now)
        session.add(camera)
        session.flush()
    return camera


def new_token(camera: Camera) -> str:
    """Give a camera's edge device a token to post with; only its hash is kept, so it is shown once."""
    token = secrets.token_urlsafe(24)
    camera.token_hash = hashlib.sha256(token.encode()).hexdigest()
    return token


def camera_of_token(session: Session, token: str) -> Camera | None:
    """Find the camera whose token this is."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return session.scalar(select(Camera).where(Camera.token_hash == digest))


def enter_model(session: Session, loaded: Predictor, *, role: str, who: str, now: datetime) -> Model:
    """Let a model answer: the first one as champion; a later one as shadow, until a person promotes it.

    Raises:
        StationError: it would be a second champion.
    """
    champion = session.scalar(select(Model).where(Model.role == CHAMPION))
    model = session.scalar(select(Model).where(Model.sha256 == loaded.sha256))
    if role == CHAMPION and champion is not None and champion is not model:
        raise StationError(
            f"{champion.title} answers here. A new model begins in its shadow; promote it when its figures are better.",
            code="champion",
        )
    if model is None:
        model = Model(
            sha256=loaded.sha256, title=loaded.card.title, vocab=list(loaded.vocab), role=role, since=now
        )
        session.add(model)
        session.flush()
        _log_role(session, model, "", who, now)
    return model


def keep_model_file(folder: Path, path: Path, loaded: Predictor) -> Path:
    """Keep a model's file with its station, so that `station run` finds it; gives where."""
    target = folder / MODELS / f"{loaded.sha256}.onnx"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
    return target


def kept_models(session: Session, folder: Path) -> tuple[Path, ...]:
    """Give the files of the models that answer here and are kept with the station: the champion's, then its shadows'."""
    rows = session.execute(
        select(Model.role, Model.sha256)
        .where(Model.role.in_((CHAMPION, SHADOW)))
        .order_by(Model.role, Model.id)
    )
    paths = [folder / MODELS / f"{sha256}.onnx" for _, sha256 in rows]
    return tuple(path for path in paths if path.is_file())


def promote(session: Session, model: Model, *, who: str, now: datetime) -> None:
    """Make a shadow the champion, by a person's decision; the one before is retired."""
    if not who.strip():
        raise StationError("A model is promoted by a person with a name.", code="no_name")
    before = model.role
    session.execute(update(Model).where(Model.role == CHAMPION).values(role=RETIRED))
    model.role, model.since = CHAMPION, now
    _log_role(session, model, before, who, now)


def _log_role(session: Session, model: Model, before: str, who: str, now: datetime) -> None:
    after = {"role": model.role, "sha256": model.sha256}
    write_down(
        session,
        at=now,
        who=who,
        what="model",
        subject=f"model {model.id}",
        before={"role": before},
        after=after,
    )
