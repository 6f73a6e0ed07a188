"""Silence: how long a camera was not heard, and whether that is longer than it ever is.

What it goes by is when the server received something, never the camera's clock; a card that somebody carried is no
sign of life. The hours in which no worker ran are nobody's silence: nothing could be heard then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.coverage import patience
from fieldmark.station.tables import Beat, Camera, Frame

Liveness = Literal["ok", "amber", "grey"]
"""ok · amber: silent for longer than it ever is · grey: dead, or never heard."""
DEAD = 3
"""Times its patience after which a silent camera counts as dead."""
LEARNED_FROM = 500
"""Latest frames whose gaps teach how long a camera is usually silent."""
WARM_UP = timedelta(days=14)
"""So long its gaps teach too little to disturb somebody by: nothing is sent before the camera counts as dead."""
AWAY, LONG_AWAY = "away", timedelta(hours=1)
"""Beat that notes for how long no worker ran, where that was longer than this."""


@dataclass(frozen=True)
class Away:
    """When no worker ran for the last time: nothing could be heard."""

    begin: datetime
    end: datetime

    def within(self, begin: datetime, end: datetime) -> timedelta:
        """How much of a span it covers."""
        return max(timedelta(0), min(self.end, end) - max(self.begin, begin))


def note_away(session: Session, *, now: datetime) -> None:
    """Note, as a worker starts, for how long none ran."""
    last = session.get(Beat, "worker")
    if last is not None and now - last.at > LONG_AWAY:
        session.merge(Beat(name=AWAY, at=now, note=last.at.isoformat()))


def last_away(session: Session) -> Away | None:
    """When no worker ran for the last time; None where one always did."""
    noted = session.get(Beat, AWAY)
    return None if noted is None else Away(datetime.fromisoformat(noted.note), noted.at)


def liveness(camera: Camera, times: Sequence[datetime], now: datetime, away: Away | None = None) -> Liveness:
    """Judge a camera.

    Args:
        times: when its latest frames came, sorted.
        away: when nothing could be heard.
    """
    if camera.heard_at is None:
        return "grey"
    silent, allowed = now - camera.heard_at, patience(times)
    if away is not None:
        silent -= away.within(camera.heard_at, now)
    return "grey" if silent > DEAD * allowed else "amber" if silent > allowed else "ok"


def is_worth_a_word(session: Session, camera: Camera, *, now: datetime, away: Away | None) -> bool:
    """Whether a camera is silent for so long that somebody should be told; see `WARM_UP`."""
    alive = liveness(camera, _heard(session, camera), now, away)
    return camera.heard_at is not None and alive in (
        ("grey",) if camera.heard_at - camera.since < WARM_UP else ("amber", "grey")
    )


def _heard(session: Session, camera: Camera) -> list[datetime]:
    times = select(Frame.received_at).where(Frame.camera_id == camera.id)
    return sorted(session.scalars(times.order_by(Frame.received_at.desc()).limit(LEARNED_FROM)))
