"""The desk: what a person does with an event, each act one transaction with all that follows from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.account import Account
from fieldmark.errors import StationError
from fieldmark.station import reviews
from fieldmark.station.auditlog import write_down
from fieldmark.station.clock import Clock, utc_now
from fieldmark.station.days import zone_of
from fieldmark.station.outbox import acknowledge, queue_alert
from fieldmark.station.people import act_as, require
from fieldmark.station.persons import ask_to_see
from fieldmark.station.reviews import Said
from fieldmark.station.rules import Rules
from fieldmark.station.stages import BESIDE, fall_back, is_alarm
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Alert, Camera, Event, LogEntry, Station


@dataclass(frozen=True)
class Outcome:
    """What came of a review."""

    event_id: int
    state: str
    alert_key: str | None
    """The alert that may leave now; None where none may."""
    fell_back: tuple[str, ...]
    """Why the station is back in stage 2, where it is."""


class Desk:
    """Takes what people say; only the worker has one, so that the store has one writer."""

    def __init__(self, store: Store, *, clock: Clock = utc_now, account: Account | None = None) -> None:
        """Write into a store, for whoever says a name, or for an account of the server and for nobody else."""
        self.store, self.clock, self.account = store, clock, account

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Session]:
        with self.store.writing() as session:
            act_as(session, self.account)
            yield session

    def hold(self, event_id: int, who: str) -> bool:
        """Lease an event, so that two people do not decide about it at once; False where somebody holds it."""
        with self._writing() as session:
            return reviews.hold(session, event_id, who, _rules_of(session, event_id), now=self.clock())

    def review(self, said: Said) -> Outcome:
        """Take a review, queue the alert it allows, and look at the gate again; raises as `reviews.review`."""
        now = self.clock()
        with self._writing() as session:
            station = _station_of(session, said.event_id)
            rules = Rules.from_dict(station.rules)
            event = reviews.review(session, said, rules, now=now)
            alert = None
            if station.stage != BESIDE and is_alarm(event, rules):
                alert = queue_alert(session, event, now=now)
            reasons = fall_back(session, station, now=now)
            return Outcome(event.id, event.state, alert.key if alert else None, reasons)

    def undo(self, event_id: int, who: str) -> Outcome:
        """Take the last review back, and its alert while that has not left.

        Raises:
            StationError: `not_reviewed`; `sent` where the alert has left: then somebody has to be told otherwise.
        """
        now = self.clock()
        with self._writing() as session:
            _withdraw_alert(session, event_id, who, now)
            event = reviews.undo(session, event_id, who, now=now)
            return Outcome(event.id, event.state, None, ())

    def see_person(self, event_id: int, who: str, why: str, *, role: str) -> datetime:
        """Let a chief see the frames of a visit with a person for an hour; raises as `persons.ask_to_see`."""
        with self._writing() as session:
            until = ask_to_see(session, event_id, who, why, role=role, now=self.clock())
            require(session, _station_of(session, event_id).id, who, "chief")  # whatever role was claimed
            return until

    def log(
        self,
        station_id: int,
        who: str,
        label: str,
        *,
        seen_at: datetime,
        note: str = "",
        camera_id: int | None = None,
    ) -> int:
        """Note what somebody saw: it is how misses are measured that no audit of pictures can show.

        Raises:
            StationError: a name or a label is missing.
        """
        if not who.strip() or not label.strip():
            raise StationError("An entry needs a name, and what was seen.", code="bad_entry")
        with self._writing() as session:
            require(session, station_id, who, "ranger")
            entry = LogEntry(
                station_id=station_id,
                camera_id=camera_id,
                who=who,
                written_at=self.clock(),
                seen_at=seen_at,
                label=label,
                note=note,
            )
            session.add(entry)
            session.flush()
            return entry.id

    def log_near(self, camera: str, *, who: str, label: str, seen_at: datetime, note: str = "") -> int:
        """Note what somebody saw near a camera, or near none where its name is empty; as `log`.

        Args:
            seen_at: in the station's zone where it names none.
        Raises:
            StationError: `no_camera` as well.
        """
        with self.store.reading() as session:
            station = the_station(session)
            where = (Camera.station_id == station.id, Camera.name == camera)
            number = session.scalar(select(Camera.id).where(*where)) if camera else None
            at = seen_at if seen_at.tzinfo else seen_at.replace(tzinfo=zone_of(station))
        if camera and number is None:
            raise StationError(f"There is no camera {camera!r}.", code="no_camera")
        return self.log(station.id, who, label, seen_at=at, note=note, camera_id=number)

    def acknowledge(self, key: str, who: str) -> str:
        """Note that somebody in the field has an alert; gives who has it; raises StationError `no_alert`, or `role`."""
        with self._writing() as session:
            require(session, the_station(session).id, who, "ranger")
            return acknowledge(session, key, who, now=self.clock()).acknowledged_by or who


def _withdraw_alert(session: Session, event_id: int, who: str, now: datetime) -> None:
    alert = session.scalar(select(Alert).where(Alert.event_id == event_id))
    if alert is None:
        return
    if alert.sent_at is not None or alert.tries:
        raise StationError(
            "The alert has left already. Tell its receivers, and note it in the log.", code="sent"
        )
    write_down(
        session,
        at=now,
        who=who,
        what="withdrawn",
        subject=f"event {event_id}",
        before={"key": alert.key},
        after={},
    )
    session.delete(alert)
    session.flush()


def _station_of(session: Session, event_id: int) -> Station:
    event = session.get(Event, event_id)
    if event is None:
        raise StationError(f"There is no event {event_id}.", code="no_event")
    return session.get_one(Station, session.get_one(Camera, event.camera_id).station_id)


def _rules_of(session: Session, event_id: int) -> Rules:
    return Rules.from_dict(_station_of(session, event_id).rules)
