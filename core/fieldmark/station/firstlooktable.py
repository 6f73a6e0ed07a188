"""The first look as a table: an event a row, those that look alike beneath each other, the likely empty ones last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.days import zone_of
from fieldmark.station.firstlook import Looked
from fieldmark.station.stations import the_station
from fieldmark.station.tables import Event, Frame
from fieldmark.tables import write_table

COLUMNS = ("event", "camera", "started_at", "frames", "night", "says", "alike", "difference", "best", "label")


def write_first_look(session: Session, looked: Sequence[Looked], out: Path) -> None:
    """Write the table; its last column is empty, for whoever names the events there."""
    ordered = sorted(looked, key=lambda event: (event.alike is None, -event.n_alike, event.alike or 0))
    zone = zone_of(the_station(session))
    write_table(out, COLUMNS, [_cells(session, event, zone) for event in ordered])


def _cells(session: Session, looked: Looked, zone: ZoneInfo) -> list[str]:
    event = session.get_one(Event, looked.event_id)
    best = session.scalar(select(Frame.name).where(Frame.id == event.best_frame_id))
    return [
        str(event.id),
        looked.camera,
        event.started_at.astimezone(zone).isoformat(),
        str(event.n_frames),
        "yes" if event.is_night else "no",
        looked.says,
        "" if looked.alike is None else str(looked.alike),
        "" if looked.difference is None else f"{looked.difference:.2f}",
        best or "",
        "",
    ]
