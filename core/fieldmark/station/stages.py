"""The three stages of a careful roll-out: beside the rangers, under their eye, with room.

    1  no sighting leaves: it is only highlighted
    2  an alert that a named person confirmed may leave
    3  alerts may leave by themselves, while the figures hold; otherwise the station is back at 2, and stays there
       until a person decides

The book's advice ("From Model to Production", fastai chapter 2) as rules that the code keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from fieldmark.errors import StationError
from fieldmark.station.auditlog import write_down
from fieldmark.station.people import require
from fieldmark.station.rules import Rules
from fieldmark.station.tables import Camera, Event, Model, Plan, Station
from fieldmark.stats import highest_rate, wilson
from fieldmark.stats.drift import PrecisionCheck, check_precision

BESIDE, UNDER_THEIR_EYE, WITH_ROOM = 1, 2, 3
GATE = "the gate"
"""Who it was that took a station back, in the audit log."""


@dataclass(frozen=True)
class Gate:
    """Whether alerts may be automatic, and each figure that says so."""

    confirmed: int
    """Alarms of the present model that people confirmed."""
    reviewed: int
    """Alarms of the present model that people decided about."""
    missed: int
    """Events of the blind audit in which the model had found nothing, and people did."""
    audited: int
    """Events of the blind audit in which the model had found nothing, reviewed."""
    precision: PrecisionCheck
    blockers: tuple[str, ...]
    """What is missing, as sentences; empty when the gate holds."""

    @property
    def holds(self) -> bool:
        """Whether nothing is missing."""
        return not self.blockers


def look_at_gate(session: Session, station: Station) -> Gate:
    """Measure what stage 3 asks for, on events of the model that answers now."""
    rules = Rules.from_dict(station.rules)
    reviewed = _reviewed(session, station)
    alarms = [event for event in reviewed if event.alarm >= rules.alarm_min]
    silent = [event for event in reviewed if event.is_audit and event.alarm < rules.alarm_min]
    right = [event.human_label in rules.alarm for event in alarms]
    missed = sum(event.human_label in rules.alarm for event in silent)
    precision = check_precision([event.alarm for event in alarms], right)
    blockers = (
        *_precision_blockers(sum(right), len(alarms), rules),
        *_audit_blockers(missed, len(silent), rules),
        *_promise_blockers(precision),
    )
    return Gate(sum(right), len(alarms), missed, len(silent), precision, blockers)


def is_alarm(event: Event, rules: Rules) -> bool:
    """Whether a person said that it was one of the classes of the alarm."""
    return event.human_label in rules.alarm


def may_alert(session: Session, event: Event) -> str:
    """Say why an alert about an event may not leave; empty where it may. Nothing else decides this."""
    station = session.get_one(Station, session.get_one(Camera, event.camera_id).station_id)
    rules = Rules.from_dict(station.rules)
    if station.stage == BESIDE:
        return "In stage 1 no sighting leaves the station."
    if event.reviewed_by is not None:
        return "" if is_alarm(event, rules) else f"{event.reviewed_by} found nothing to alert about."
    if station.stage == UNDER_THEIR_EYE:
        return "In stage 2 a person confirms first."
    if event.alarm < rules.alarm_min or event.is_unfamiliar:
        return "Only a familiar alarm leaves by itself; a person looks at the others first."
    return " ".join(look_at_gate(session, station).blockers)


def sign_plan(
    session: Session,
    station: Station,
    *,
    who: str,
    goal: str,
    action: str,
    responsible: str,
    fears: Mapping[str, str],
    now: datetime,
) -> Plan:
    """Sign what has to be clear before anything leaves.

    Args:
        fears: each feared failure, and the figure that would reveal it.
    Raises:
        StationError: a part is empty; all of them are named. `role` where this is no chief.
    """
    parts = {"a name": who, "a goal": goal, "an action": action, "somebody responsible": responsible}
    missing = [part for part, text in parts.items() if not text.strip()]
    if not fears or not all(fear.strip() and figure.strip() for fear, figure in fears.items()):
        missing.append("at least one feared failure with the figure that would reveal it")
    if missing:
        raise StationError(f"The plan lacks {', '.join(missing)}.", code="bad_plan")
    require(session, station.id, who, "chief")
    plan = Plan(
        station_id=station.id,
        signed_by=who,
        signed_at=now,
        goal=goal,
        action=action,
        responsible=responsible,
        fears=dict(fears),
    )
    session.add(plan)
    session.flush()
    after = {"goal": goal, "action": action, "responsible": responsible, "fears": dict(fears)}
    write_down(session, at=now, who=who, what="plan", subject=f"station {station.id}", before={}, after=after)
    return plan


def signed_plan(session: Session, station_id: int) -> Plan | None:
    """Give the plan that was signed last."""
    return session.scalars(
        select(Plan).where(Plan.station_id == station_id).order_by(Plan.id.desc()).limit(1)
    ).first()


def set_stage(session: Session, station: Station, to: int, *, who: str, why: str, now: datetime) -> None:
    """Move a station by a named person's decision: up one step when it is earned, down at any time.

    Raises:
        StationError: `no_name`, `role` where this is no chief, `bad_stage`, `no_plan`, or `gate` with what is missing.
    """
    if not who.strip():
        raise StationError("A stage is changed by a person with a name.", code="no_name")
    require(session, station.id, who, "chief")
    if to not in (BESIDE, UNDER_THEIR_EYE, WITH_ROOM) or to > station.stage + 1:
        raise StationError(
            f"From stage {station.stage} the next one up is {min(station.stage + 1, WITH_ROOM)}.",
            code="bad_stage",
        )
    if to > station.stage:
        _check_earned(session, station, to)
    _move(session, station, to, who=who, why=why, now=now)


def fall_back(session: Session, station: Station, *, now: datetime) -> tuple[str, ...]:
    """Take a station of stage 3 back to 2 where its figures hold no more; gives the reasons, empty where they do."""
    if station.stage != WITH_ROOM:
        return ()
    gate = look_at_gate(session, station)
    if not gate.holds:
        _move(session, station, UNDER_THEIR_EYE, who=GATE, why=" ".join(gate.blockers), now=now)
    return gate.blockers


def _check_earned(session: Session, station: Station, to: int) -> None:
    if signed_plan(session, station.id) is None:
        raise StationError(
            "Before anything leaves the station, somebody signs a plan: the goal, what an alert triggers, who is "
            "responsible, and what could go wrong.",
            code="no_plan",
        )
    if to == WITH_ROOM and (blockers := look_at_gate(session, station).blockers):
        raise StationError(" ".join(blockers), code="gate")


def _move(session: Session, station: Station, to: int, *, who: str, why: str, now: datetime) -> None:
    before, station.stage = station.stage, to
    write_down(
        session,
        at=now,
        who=who,
        what="stage",
        subject=f"station {station.id}",
        before={"stage": before},
        after={"stage": to, "why": why},
    )


def _reviewed(session: Session, station: Station) -> Sequence[Row[float, bool, str | None]]:
    """Events of the present champion that a person decided about; "unsure" decides nothing."""
    return session.execute(
        select(Event.alarm, Event.is_audit, Event.human_label)
        .join(Camera, Camera.id == Event.camera_id)
        .join(Model, Model.id == Event.model_id)
        .where(
            Camera.station_id == station.id,
            Model.role == "champion",
            Event.reviewed_at.is_not(None),
            Event.state != "unsure",
        )
    ).all()


def _precision_blockers(right: int, n: int, rules: Rules) -> list[str]:
    low = wilson(right, n).low
    if low >= rules.precision_min:
        return []
    if n == 0:
        return ["No alarm of this model was reviewed yet; 16 in a row that are right are enough."]
    return [
        f"{right} of {n} reviewed alarms were right: at least {100 * low:.0f} %, and "
        f"{100 * rules.precision_min:.0f} % are asked for."
    ]


def _audit_blockers(missed: int, n: int, rules: Rules) -> list[str]:
    high = highest_rate(missed, n)
    if high <= rules.missed_max:
        return []
    if n == 0:
        return ["No event without alarm was audited yet; about 300 without a miss are enough."]
    return [
        f"{missed} of {n} audited events without alarm had one: up to {100 * high:.1f} % may be missed, and at most "
        f"{100 * rules.missed_max:.0f} % may be."
    ]


def _promise_blockers(precision: PrecisionCheck) -> list[str]:
    low, high = precision.interval
    if not precision.is_off or precision.expected < low:
        return []
    return [
        f"The model expected {100 * precision.expected:.0f} % of its alarms to be right; people found "
        f"{100 * low:.0f} to {100 * high:.0f} % (n = {precision.n})."
    ]
