"""What the command line asks of a station: done here while no worker runs there, else by the worker, its one writer.

Either way it is the same act, so a ranger imports, exports, changes rules and promotes models without stopping anything.
Whoever may read the station's folder may give commands; a name that is said with them is held to its role as everywhere.
What is said and answered is JSON; paths are of this computer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fieldmark.callbacks import Callback, silent
from fieldmark.errors import StationError
from fieldmark.predictor import Predictor
from fieldmark.station.camtrapdp import import_deployments
from fieldmark.station.clock import Clock, utc_now
from fieldmark.station.desk import Desk
from fieldmark.station.detections import import_detections
from fieldmark.station.firstlook import first_look
from fieldmark.station.office import Office
from fieldmark.station.onewriter import only_writer
from fieldmark.station.people import require
from fieldmark.station.rules import Rules
from fieldmark.station.stages import set_stage, sign_plan
from fieldmark.station.stations import (
    CHAMPION,
    MODELS,
    SHADOW,
    camera_named,
    enter_model,
    new_token,
    promote,
    set_rules,
    the_station,
)
from fieldmark.station.store import Store
from fieldmark.station.tables import Model
from fieldmark.station.todataset import hold_out

Said = Mapping[str, Any]
Answer = dict[str, Any]


def command(store: Store, act: str, *, callback: Callback = silent, **said: Any) -> Answer:
    """Do an act at a station, whoever its writer is.

    Args:
        callback: hears how far it is, where it is done here.
    Raises:
        StationError: as the act does; `no_worker` where a worker holds the station and does not answer.
        FieldmarkError: as the act does.
    """
    from fieldmark.station.client import DeskClient

    try:
        with only_writer(store.folder):
            return perform(store, act, said, callback=callback)
    except StationError as error:
        if error.code != "running":
            raise
    client = DeskClient(store.folder)
    try:
        return client.command(act, **said)
    finally:
        client.close()


def perform(
    store: Store, act: str, said: Said, *, clock: Clock = utc_now, callback: Callback = silent
) -> Answer:
    """Do an act in the process that writes the store; raises StationError `bad_request` for one that is not known."""
    if act not in ACTS:
        raise StationError(f"There is no command {act!r}; there are {', '.join(ACTS)}.", code="bad_request")
    return ACTS[act](_Here(store, clock, callback), said)


@dataclass(frozen=True)
class _Here:
    """The store that is written, the time, and who hears how far it is."""

    store: Store
    clock: Clock
    callback: Callback


def _deployments(here: _Here, said: Said) -> Answer:
    with here.store.writing() as session:
        report = import_deployments(session, the_station(session), Path(said["package"]), now=here.clock())
    return {"cameras": list(report.cameras), "new": report.new, "known": report.known}


def _detections(here: _Here, said: Said) -> Answer:
    with here.store.writing() as session:
        return dict(vars(import_detections(session, Path(said["path"]))))


def _hold_out(here: _Here, said: Said) -> Answer:
    return {"cameras": list(hold_out(here.store, who=said["who"], now=here.clock()))}


def _add_model(here: _Here, said: Said) -> Answer:
    """Enter a model whose file is kept with the station already."""
    loaded = Predictor.load(here.store.folder / MODELS / f"{said['sha256']}.onnx")
    with here.store.writing() as session:
        is_first = session.scalar(select(Model.id).where(Model.role == CHAMPION)) is None
        role = CHAMPION if is_first else SHADOW
        return {"role": enter_model(session, loaded, role=role, who=said["who"], now=here.clock()).role}


def _promote(here: _Here, said: Said) -> Answer:
    digits = str(said["digits"])
    with here.store.writing() as session:
        if said["who"].strip():
            require(session, the_station(session).id, said["who"], "chief")
        found = session.scalars(
            select(Model).where(Model.role == SHADOW, Model.sha256.startswith(digits, autoescape=True))
        ).all()
        if len(found) != 1:
            raise StationError(
                f"{len(found)} shadows begin with {digits!r}; one was expected.", code="no_model"
            )
        promote(session, found[0], who=said["who"], now=here.clock())
        return {"model": found[0].title}


def _stage(here: _Here, said: Said) -> Answer:
    """Sign the plan, where one is given, and move: both or neither."""
    with here.store.writing() as session:
        station, now = the_station(session), here.clock()
        if said.get("plan") is not None:
            sign_plan(session, station, who=said["who"], now=now, **said["plan"])
        set_stage(session, station, int(said["to"]), who=said["who"], why=said["why"], now=now)
        return {"stage": station.stage}


def _rules(here: _Here, said: Said) -> Answer:
    with here.store.writing() as session:
        station = the_station(session)
        wanted = Rules.from_dict({**station.rules, **said["changed"]})
        set_rules(session, station, wanted, who=said["who"], now=here.clock())
        return {"rules": wanted.as_dict()}


def _zone(here: _Here, said: Said) -> Answer:
    return {"zone": Office(here.store, clock=here.clock).set_zone(said["who"], str(said["zone"]))}


def _person(here: _Here, said: Said) -> Answer:
    office = Office(here.store, clock=here.clock)
    if said.get("remove"):
        return {"name": office.remove_person(said["who"], said["name"]), "role": ""}
    return {
        "name": said["name"],
        "role": office.add_person(*(said[k] for k in ("who", "name", "role", "pin"))),
    }


def _camera(here: _Here, said: Said) -> Answer:
    """Enter a camera, say where it stands, give its edge device a token; only what is said is changed."""
    with here.store.writing() as session:
        station, now = the_station(session), here.clock()
        require(session, station.id, said["who"], "chief")
        camera = camera_named(session, station, said["name"], now=now)
        if said.get("place") is not None:
            camera.latitude, camera.longitude = map(float, said["place"])
        token = new_token(camera) if said.get("token") else ""
        return {"camera": camera.name, "place": [camera.latitude, camera.longitude], "token": token}


def _look(here: _Here, said: Said) -> Answer:
    """Look at all visits that need no model for it; the worker goes on taking pictures in meanwhile."""
    return {"looked": [asdict(event) for event in first_look(here.store, callback=here.callback)]}


def _log(here: _Here, said: Said) -> Answer:
    desk, seen_at = Desk(here.store, clock=here.clock), datetime.fromisoformat(said["seen_at"])
    entry = desk.log_near(
        said["camera"], who=said["who"], label=said["label"], seen_at=seen_at, note=said["note"]
    )
    return {"entry": entry}


def _acknowledge(here: _Here, said: Said) -> Answer:
    return {"by": Desk(here.store, clock=here.clock).acknowledge(said["key"], said["who"])}


ACTS: Mapping[str, Callable[[_Here, Said], Answer]] = {
    "deployments": _deployments,
    "detections": _detections,
    "hold_out": _hold_out,
    "add_model": _add_model,
    "promote": _promote,
    "stage": _stage,
    "rules": _rules,
    "zone": _zone,
    "person": _person,
    "camera": _camera,
    "look": _look,
    "log": _log,
    "acknowledge": _acknowledge,
}
