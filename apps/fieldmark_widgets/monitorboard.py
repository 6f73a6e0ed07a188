"""What the dashboard says of cameras, of events that wait and of alerts that left; as its page reads it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fieldmark.station.board import CameraTile
from fieldmark.station.outbox import Left
from fieldmark.station.waiting import Card
from fieldmark_widgets.strings.monitor import MONITOR


def describe_tile(tile: CameraTile, now: datetime) -> dict[str, Any]:
    """Say how a camera is."""
    heard = (
        MONITOR["never"] if tile.heard_at is None else MONITOR["heard"].format(ago=_ago(now - tile.heard_at))
    )
    is_changed = tile.urgency == "amber" and tile.view != "ok"
    waiting = f"{MONITOR['waiting'].format(n=tile.waiting)} · " if tile.waiting else ""
    return {
        "name": tile.name,
        "urgency": tile.urgency,
        "word": tile.view if is_changed else MONITOR["new" if tile.heard_at is None else tile.urgency],
        "text": f"{waiting}{heard}{f' · {tile.note}' if tile.note else ''}",
        "frame": tile.frame_id,
        "place": tile.place,
    }


def describe_alert(one: Left, now: datetime) -> dict[str, Any]:
    """Say what became of an alert, and whether somebody is still to say that they have it."""
    facts = {
        "label": one.label,
        "camera": one.camera,
        "ago": _ago(now - one.created_at),
        "by": one.acknowledged_by,
    }
    text = MONITOR[f"alert_{one.state}"].format(**facts)
    return {"key": one.key, "text": text, "open": one.state in ("sent", "failed")}


def describe_card(card: Card, zone: ZoneInfo) -> dict[str, Any]:
    """Say what waits for a person; the time is the station's own."""
    n = MONITOR["frame_one"] if len(card.frames) == 1 else MONITOR["frames"].format(n=len(card.frames))
    known = card.reason if card.label or not card.reason else f"{card.reason}_new"
    said = MONITOR[f"text_{known}"].format(
        alike=len(card.alike), label=card.label, prob=round(100 * card.prob), n=n
    )
    return {
        **asdict(card),
        "started_at": None,
        "frames": list(card.frames),
        "alike": list(card.alike),
        "chip": MONITOR[f"reason_{card.reason}"],
        "title": MONITOR["at"].format(
            camera=card.camera, time=f"{card.started_at.astimezone(zone):%d %b %H:%M}"
        ),
        "text": said,
    }


def _ago(silent: timedelta) -> str:
    seconds = max(0, int(silent.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 60 and seconds >= 60):
            return f"{seconds // size} {unit}"
    return MONITOR["moment"]
