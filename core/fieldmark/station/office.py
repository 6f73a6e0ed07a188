"""The office: what only a chief decides, each act one transaction and a line in the audit log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fieldmark.account import Account
from fieldmark.errors import StationError
from fieldmark.station import people, stages
from fieldmark.station.clock import Clock, utc_now
from fieldmark.station.persons import ask_to_see
from fieldmark.station.rules import Rules
from fieldmark.station.stations import promote, set_rules, set_zone, the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Model

SETTINGS = frozenset(
    {
        "alarm_min",
        "sure_min",
        "gap_s",
        "audit_share",
        "cooldown_s",
        "escalate_s",
        "precision_min",
        "missed_max",
        "silence_notices",
    }
)
"""Rules that the dashboard may change; classes and channels are the command line's."""


class Office:
    """Takes what chiefs decide; only the worker has one, so that the store has one writer."""

    def __init__(self, store: Store, *, clock: Clock = utc_now, account: Account | None = None) -> None:
        """Write into a store, for whoever says a name, or for an account of the server and for nobody else."""
        self.store, self.clock, self.account = store, clock, account

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Session]:
        with self.store.writing() as session:
            people.act_as(session, self.account)
            yield session

    def sign_plan(
        self, who: str, *, goal: str, action: str, responsible: str, fears: Mapping[str, str]
    ) -> int:
        """Sign the plan; gives its number; raises as `stages.sign_plan`."""
        with self._writing() as session:
            station = the_station(session)
            plan = stages.sign_plan(
                session,
                station,
                who=who,
                goal=goal,
                action=action,
                responsible=responsible,
                fears=fears,
                now=self.clock(),
            )
            return plan.id

    def set_stage(self, who: str, to: int, *, why: str) -> int:
        """Move the station; gives its stage; raises as `stages.set_stage`."""
        with self._writing() as session:
            station = the_station(session)
            stages.set_stage(session, station, to, who=who, why=why, now=self.clock())
            return station.stage

    def change_rules(self, who: str, changed: Mapping[str, Any]) -> dict[str, Any]:
        """Change some of the rules; gives all of them; StationError where one cannot be changed here or be meant."""
        if unknown := sorted(set(changed) - SETTINGS):
            raise StationError(f"These cannot be changed here: {', '.join(unknown)}.", code="bad_rules")
        with self._writing() as session:
            station = the_station(session)
            rules = Rules.from_dict({**station.rules, **changed})
            set_rules(session, station, rules, who=who, now=self.clock())
            return rules.as_dict()

    def set_zone(self, who: str, zone: str) -> str:
        """Say in which time zone the station lives; gives it; raises as `stations.set_zone`."""
        with self._writing() as session:
            set_zone(session, the_station(session), zone, who=who, now=self.clock())
        return zone

    def promote(self, who: str, model_id: int) -> str:
        """Let a shadow answer from now on; gives its title. The worker follows with its next round."""
        with self._writing() as session:
            people.require(session, the_station(session).id, who, "chief")
            model = session.get(Model, model_id)
            if model is None:
                raise StationError(f"There is no model {model_id}.", code="no_model")
            promote(session, model, who=who, now=self.clock())
            return model.title

    def open_frames(self, who: str, event_id: int, *, why: str) -> datetime:
        """Let a chief see the frames of an event that shows a person, for a while; gives until when.

        The log says who, when and why.

        Raises:
            StationError: `role`, `no_event`, or `no_reason`.
        """
        with self._writing() as session:
            people.require(session, the_station(session).id, who, "chief")
            return ask_to_see(session, event_id, who, why, role="chief", now=self.clock())

    def add_person(self, who: str, name: str, role: str, pin: str) -> str:
        """Enter a person; gives their role; raises as `people.add_person`."""
        with self._writing() as session:
            station = the_station(session)
            return people.add_person(session, station, name, role, pin=pin, who=who, now=self.clock()).role

    def remove_person(self, who: str, name: str) -> str:
        """Let a person go; gives the name; raises as `people.remove_person`."""
        with self._writing() as session:
            people.remove_person(session, the_station(session), name, who=who, now=self.clock())
        return name

    def sign_in(self, name: str, pin: str) -> str:
        """Give the token of a shift; StationError `wrong_pin` or `locked`."""
        with self._writing() as session:  # also for a wrong PIN, which is counted
            token = people.sign_in(session, the_station(session), name, pin, now=self.clock())
        if token is None:
            raise StationError(
                "Name and PIN do not fit. Try again; a chief can give you a new PIN.", code="wrong_pin"
            )
        return token

    def sign_out(self, token: str) -> bool:
        """End a shift; False where it had ended."""
        with self._writing() as session:
            return people.sign_out(session, token)
