"""The worker's door: where edge devices hand frames in, and dashboards their reviews. One process writes the store.

It listens on this computer only; `endpoint.json` in the station's folder tells its address and secret to those who may
read the folder. A reverse proxy may let edge devices in from outside: their route asks for a camera's token.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fieldmark.account import ROLES, Account
from fieldmark.errors import StationError
from fieldmark.station.card import take_file
from fieldmark.station.commands import perform
from fieldmark.station.desk import Desk
from fieldmark.station.doorserver import DoorServer, error_answer
from fieldmark.station.ingest import Arrival, Ingest
from fieldmark.station.office import Office
from fieldmark.station.people import people, whose
from fieldmark.station.reviews import Said
from fieldmark.station.stations import camera_named, camera_of_token, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Station

ENDPOINT = "endpoint.json"
OF_NOBODY = ("sign_in", "sign_out", "card")
"""Acts that decide nothing: they take the station's secret, and no name."""
STATUS = {"new": 201, "duplicate": 409, "rejected": 422}


class Door:
    """Answers requests, each in a thread of its own; the store's lock puts their writes in order."""

    def __init__(self, store: Store, ingest: Ingest, desk: Desk) -> None:
        """Open on a free port of this computer."""
        self.store, self.ingest, self.desk = store, ingest, desk
        self.secret = secrets.token_urlsafe(24)
        self._server = DoorServer(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take_frame(self, token: str, name: str, data: bytes) -> tuple[int, dict[str, Any]]:
        """Take a frame from the camera whose token this is: 201 new, 409 seen before, 422 refused, 403 no camera."""
        with self.store.reading() as session:
            camera = camera_of_token(session, token)
        if camera is None:
            return 403, error_answer("no_camera", "No camera has this token.")
        arrival = self.ingest.take(data, camera.id, name, "post")
        answer = {"status": arrival.status, "frame": arrival.frame_id}
        if arrival.status == "rejected":
            answer |= error_answer(arrival.code, arrival.reason)
        return STATUS[arrival.status], answer

    def at_desk(self, act: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person asks for; raises StationError as `Desk` does, and `bad_request` for what it does not know."""
        account = _account(said)
        desk = Desk(self.store, clock=self.desk.clock, account=account)
        acts: dict[str, Callable[[], dict[str, Any]]] = {
            "hold": lambda: {"held": desk.hold(int(said["event_id"]), str(said["who"]))},
            "review": lambda: vars(desk.review(_said(said))),
            "undo": lambda: vars(desk.undo(int(said["event_id"]), str(said["who"]))),
            "log": lambda: {"entry": desk.log_near(str(said.get("camera", "")), **_entry(said))},
            "acknowledge": lambda: {"by": desk.acknowledge(str(said["key"]), str(said["who"]))},
            "person": lambda: {"until": _see_person(desk, said).isoformat()},
            "card": lambda: vars(self._take_card_file(said)),
            **_in_the_office(Office(self.store, clock=self.desk.clock, account=account), said),
        }
        if act not in acts:
            raise StationError(f"There is no act {act!r}; there are {', '.join(acts)}.", code="bad_request")
        if act not in OF_NOBODY and account is None:
            self._check_who(said)
        with _understood():
            return acts[act]()

    def command(self, act: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the command line asks, which has the station's secret because it may read the folder."""
        with _understood():
            return perform(self.store, act, said, clock=self.desk.clock)

    def _check_who(self, said: Mapping[str, Any]) -> None:
        """Where people are entered, whoever decides has signed in: a name alone says nothing."""
        now = self.desk.clock()
        with self.store.reading() as session:
            station = session.scalars(select(Station).order_by(Station.id)).first()
            if station is None or not people(session, station.id):
                return
            person = whose(session, str(said.get("token", "")), now=now)
        if person is None or person.name != said.get("who"):
            raise StationError(
                "Sign in first: what is decided is written down with your name.", code="sign_in"
            )

    def _take_card_file(self, said: Mapping[str, Any]) -> Arrival:
        """Take a file of a card that hangs at this computer, for `station import` while the worker runs."""
        path, name = Path(str(said["path"])), str(said["name"])
        with self.store.writing() as session:
            camera = camera_named(session, the_station(session), str(said["camera"]), now=self.ingest.clock())
        return take_file(self.ingest, path, camera.id, name, "card")

    def serve(self) -> None:
        """Answer until `close`."""
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def open_door(store: Store, ingest: Ingest, desk: Desk) -> Iterator[Door]:
    """Have the door open, and its address known, for as long as the block runs."""
    door = Door(store, ingest, desk)
    thread = threading.Thread(target=door.serve, name="door", daemon=True)
    thread.start()
    path = store.folder / ENDPOINT
    _write_private(path, json.dumps({"url": door.url, "secret": door.secret}))
    try:
        yield door
    finally:
        path.unlink(missing_ok=True)
        door.close()
        thread.join()


def _write_private(path: Path, text: str) -> None:
    """Write beside and rename: who reads it meanwhile sees all of it or none."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """Say what is wrong with a request whose parts are missing, or cannot be read, instead of failing on it."""
    try:
        yield
    except OSError as exc:
        raise StationError(f"That cannot be read: {exc.strerror or exc}.", code="unreadable") from exc
    except (KeyError, TypeError, ValueError) as exc:
        raise StationError(f"The request lacks something: {exc}.", code="bad_request") from exc


def _in_the_office(office: Office, said: Mapping[str, Any]) -> dict[str, Callable[[], dict[str, Any]]]:
    """What only chiefs do, and signing in."""
    who = str(said.get("who", ""))
    return {
        "sign_in": lambda: {"token": office.sign_in(str(said["name"]), str(said["pin"]))},
        "sign_out": lambda: {"was_in": office.sign_out(str(said["token"]))},
        "plan": lambda: {"plan": office.sign_plan(who, **_plan(said))},
        "stage": lambda: {"stage": office.set_stage(who, int(said["to"]), why=str(said["why"]))},
        "rules": lambda: {"rules": office.change_rules(who, dict(said["changed"]))},
        "zone": lambda: {"zone": office.set_zone(who, str(said["zone"]))},
        "promote": lambda: {"model": office.promote(who, int(said["model_id"]))},
        "frames": lambda: {
            "until": office.open_frames(who, int(said["event_id"]), why=str(said["why"])).isoformat()
        },
        "enter": lambda: {
            "role": office.add_person(who, str(said["name"]), str(said["role"]), str(said["pin"]))
        },
        "remove": lambda: {"removed": office.remove_person(who, str(said["name"]))},
    }


def _entry(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "seen_at": datetime.fromisoformat(str(said["seen_at"])),
        **{name: str(said.get(name, "")) for name in ("who", "label", "note")},
    }


def _see_person(desk: Desk, said: Mapping[str, Any]) -> datetime:
    who, why, role = (str(said[name]) for name in ("who", "why", "role"))
    return desk.see_person(int(said["event_id"]), who, why, role=role)


def _account(said: Mapping[str, Any]) -> Account | None:
    """The account of the server that asks, as a dashboard's kernel tells: it has the station's secret, a page has not.

    Raises:
        StationError: `bad_request`: it is none.
    """
    told = said.get("account")
    if told is None:
        return None
    role = next((role for role in ROLES if isinstance(told, dict) and role == told.get("role")), None)
    if role is None or not str(told.get("name", "")).strip():
        raise StationError("An account has a name and a role.", code="bad_request")
    return Account(str(told["name"]), role)


def _said(said: Mapping[str, Any]) -> Said:
    label = said.get("label")
    return Said(
        int(said["event_id"]), str(said["who"]), said["verdict"], str(label) if label is not None else None
    )


def _plan(said: Mapping[str, Any]) -> dict[str, Any]:
    fears = {str(fear): str(figure) for fear, figure in dict(said["fears"]).items()}
    return {**{part: str(said[part]) for part in ("goal", "action", "responsible")}, "fears": fears}
