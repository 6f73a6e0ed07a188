"""What the dashboard says of the week: the figures that decide about the station, large, and the sentences behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fieldmark.station.decisions import Proportion
from fieldmark.station.figures import StationFigures, measure
from fieldmark.station.misses import say_misses
from fieldmark.station.sentences import (
    say_audit,
    say_changed,
    say_coverage,
    say_delivery,
    say_precision,
    say_promise,
    say_rate,
)
from fieldmark.station.tables import Station
from fieldmark_widgets.strings.monitor import MONITOR


def describe_week(session: Session, station: Station, *, now: datetime) -> list[dict[str, Any]]:
    """Say how the week up to today went: first what has a figure, then the rest; as the page reads it."""
    figures = measure(session, station, end=now)
    others = [
        *say_changed(figures),
        say_promise(figures.promise),
        say_misses(figures.misses),
        say_delivery(figures),
    ]
    return [*_large(figures), *map(describe_sentence, filter(None, others))]


def describe_sentence(text: str) -> dict[str, Any]:
    """A sentence without a figure of its own."""
    return {"name": "", "value": "", "text": text}


def _large(figures: StationFigures) -> list[dict[str, Any]]:
    alarms = sum(camera.alarms for camera in figures.cameras)
    facts = {
        "alarms": (f"{alarms:,}", say_rate(figures)),
        "precision": (_of(figures.precision), say_precision(figures.precision)),
        "audit": (_of(figures.audit), say_audit(figures.audit)),
        "coverage": (f"{figures.camera_days:.1f}", say_coverage(figures)),
    }
    return [
        {"name": MONITOR[f"figure_{name}"], "value": value, "text": text}
        for name, (value, text) in facts.items()
    ]


def _of(share: Proportion) -> str:
    """So many of so many; a dash while there is none."""
    return MONITOR["figure_of"].format(hits=share.hits, n=share.n) if share.n else "–"
