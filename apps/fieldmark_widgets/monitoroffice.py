"""What the dashboard tells of who somebody is, and of what only chiefs decide; as its page reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldmark.account import Account
from fieldmark.station import people
from fieldmark.station.days import zone_of
from fieldmark.station.notices import takers
from fieldmark.station.office import SETTINGS
from fieldmark.station.rules import Rules
from fieldmark.station.stages import WITH_ROOM, look_at_gate, signed_plan
from fieldmark.station.tables import Frame, Model, Plan, Prediction, Station
from fieldmark.station.twomodels import Disagreement, compare_models, disagreements
from fieldmark_widgets.strings.monitor import MONITOR

ACTS = frozenset({"plan", "stage", "rules", "zone", "promote", "frames", "enter", "remove"})
"""What a page may ask the office for; core decides who may."""
FACTS = frozenset(
    [
        "to",
        "why",
        "goal",
        "action",
        "responsible",
        "fears",
        "changed",
        "zone",
        "model_id",
        "event_id",
        "name",
        "role",
        "pin",
    ]
)
"""What it may say with it."""
MOST_DIFFER = 10
LATEST = 100
"""Frames of which a model says how many it has answered: to count them all takes long after a year."""


def describe_me(
    session: Session,
    station: Station,
    *,
    typed: str,
    token: str,
    now: datetime,
    account: Account | None = None,
) -> dict[str, Any]:
    """Say who looks, as `people` has it: the server's account; else who signed in with a PIN; else the name typed."""
    entered = [person.name for person in people.people(session, station.id)]
    if account is not None:
        return {"entered": entered, "name": account.name, "role": account.role, "is_account": True}
    person = people.whose(session, token, now=now) if entered else None
    name = person.name if person is not None else "" if entered else typed.strip()
    return {"entered": entered, "name": name, "role": people.role_of(session, station.id, name) or ""}


def describe_office(session: Session, station: Station, *, now: datetime) -> dict[str, Any]:
    """Say what is decided, what the next stage still lacks, and where two models disagree."""
    compared = compare_models(session, station, now=now)
    plan, is_last = signed_plan(session, station.id), station.stage == WITH_ROOM
    blockers = [] if is_last or station.stage == 1 else list(look_at_gate(session, station).blockers)
    rules = Rules.from_dict(station.rules)
    told, zone = takers(rules), zone_of(station)
    if plan is None:
        blockers.insert(0, MONITOR["blocked_plan"])
    return {
        "stage": station.stage,
        "stage_text": MONITOR[f"stage_{station.stage}"],
        "blockers": blockers,
        "plan": _describe_plan(plan, zone) if plan is not None else {},
        "people": [{"name": one.name, "role": one.role} for one in people.people(session, station.id)],
        "rules": {name: value for name, value in rules.as_dict().items() if name in SETTINGS},
        "zone": station.zone,
        "notices_to": MONITOR["notices_to"].format(names=", ".join(told))
        if told
        else MONITOR["notices_none"],
        "compared": compared.sentence if compared is not None else "",
        "differ": [
            _describe_disagreement(one, zone)
            for one in disagreements(session, station, now=now, limit=MOST_DIFFER)
        ],
        "models": [
            _describe_model(session, model, zone)
            for model in session.scalars(select(Model).order_by(Model.id))
        ],
    }


def _describe_disagreement(one: Disagreement, zone: ZoneInfo) -> str:
    return MONITOR["differ"].format(
        camera=one.camera,
        time=f"{one.started_at.astimezone(zone):%d %b %H:%M}",
        champion=one.champion_label,
        shadow=one.shadow_label,
        human=one.human_label or MONITOR["differ_nobody"],
    )


def _describe_plan(plan: Plan, zone: ZoneInfo) -> dict[str, Any]:
    signed = MONITOR["plan_signed"].format(
        who=plan.signed_by, at=f"{plan.signed_at.astimezone(zone):%d %b %Y}"
    )
    parts = {name: getattr(plan, name) for name in ("goal", "action", "responsible", "fears", "signed_by")}
    return {**parts, "signed_text": signed}


def _describe_model(session: Session, model: Model, zone: ZoneInfo) -> dict[str, Any]:
    latest = select(Frame.id).order_by(Frame.id.desc()).limit(LATEST)
    of = len(session.scalars(latest).all())
    n = session.scalar(
        select(func.count()).where(Prediction.model_id == model.id, Prediction.frame_id.in_(latest))
    )
    text = MONITOR["model"].format(
        title=model.title,
        role=MONITOR[f"model_{model.role}"],
        since=f"{model.since.astimezone(zone):%d %b %Y}",
        sha=model.sha256[:10],
        n=n,
        of=of,
    )
    return {"id": model.id, "role": model.role, "text": text}
