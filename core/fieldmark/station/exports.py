"""Exports of a station: a table of events, and MegaDetector's JSON. No place, no person's frame, no name of a visitor."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.days import zone_of
from fieldmark.station.detections import has_person
from fieldmark.station.rules import Rules
from fieldmark.station.stations import CHAMPION, the_station
from fieldmark.station.tables import Camera, Event, Frame, Model, Prediction, Rejected
from fieldmark.tables import neutral_cell

COLUMNS = (
    "event",
    "camera",
    "started_at",
    "ended_at",
    "frames",
    "night",
    "model_label",
    "model_prob",
    "alarm_prob",
    "unfamiliar",
    "state",
    "label",
    "reviewed_by",
    "reviewed_at",
    "audit",
)
FORMAT_VERSION = "1.6"
"""Of MegaDetector's batch output: string ids; `failure` with null detections; a class of a whole frame has its box."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
FEWEST_SHOWN = 0.01
"""Probability below which a class is left out, so that a file of a million frames stays readable."""


def events_csv(session: Session) -> str:
    """Write every event as a row, oldest first; cells that a spreadsheet would run are made harmless.

    Times are the station's own, with their offset from UTC.
    """
    zone = zone_of(the_station(session))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    rows = session.execute(select(Event, Camera.name).join(Camera).order_by(Event.started_at, Event.id))
    for event, camera in rows:
        writer.writerow([neutral_cell(cell) for cell in _cells(event, camera, zone)])
    return buffer.getvalue()


def _cells(event: Event, camera: str, zone: ZoneInfo) -> list[str]:
    def when(at: datetime | None) -> str:
        return at.astimezone(zone).isoformat() if at else ""

    return [
        str(event.id),
        camera,
        when(event.started_at),
        when(event.ended_at),
        str(event.n_frames),
        "yes" if event.is_night else "no",
        event.label or "",
        f"{event.prob:.3f}",
        f"{event.alarm:.3f}",
        "yes" if event.is_unfamiliar else "no",
        event.state,
        event.human_label or "",
        event.reviewed_by or "",
        when(event.reviewed_at),
        "yes" if event.is_audit else "no",
    ]


def megadetector_json(session: Session) -> str:
    """Write every frame as MegaDetector's batch output has it, for the tools that read that.

    Frames that show a person, by the model or by a reviewer, are left out.
    """
    rules = Rules.from_dict(the_station(session).rules)
    model = session.scalar(select(Model).where(Model.role == CHAMPION))
    vocab = [str(name) for name in model.vocab] if model else []
    content = {
        "info": {
            "format_version": FORMAT_VERSION,
            "detector": "none (whole frames)",
            "classifier": f"{model.title} ({model.sha256[:12]})" if model else "none",
            "classification_completion_time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        },
        "detection_categories": {"1": "animal"},
        "classification_categories": {str(i): name for i, name in enumerate(vocab)},
        "images": [*_images(session, model, vocab, rules), *_failures(session)],
    }
    return json.dumps(content, indent=1)


def _images(
    session: Session, model: Model | None, vocab: list[str], rules: Rules
) -> Iterator[dict[str, Any]]:
    rows = session.execute(
        select(Frame, Event, Prediction)
        .join(Event, Event.id == Frame.event_id)
        .join(
            Prediction,
            (Prediction.frame_id == Frame.id) & (Prediction.model_id == (model.id if model else 0)),
        )
        .order_by(Frame.id)
    )
    for frame, event, prediction in rows:
        said = {event.label, event.human_label, _likeliest(prediction.probs)}
        if said & set(rules.person) or has_person(frame.boxes):
            continue
        yield {"file": frame.name, "detections": _detections(prediction.probs, vocab, rules)}


def _likeliest(probs: dict[str, float]) -> str:
    return max(probs, key=lambda name: probs[name])


def _detections(probs: dict[str, float], vocab: list[str], rules: Rules) -> list[dict[str, Any]]:
    """An animal in the whole frame, or none: an empty list says "processed, and nothing found"."""
    found = 1.0 - sum(probs.get(name, 0.0) for name in rules.blank)
    if found < 0.5:
        return []
    ranked = sorted(((probs[name], i) for i, name in enumerate(vocab)), reverse=True)
    classes = [[str(i), round(prob, 4)] for prob, i in ranked if prob >= FEWEST_SHOWN]
    return [{"category": "1", "conf": round(found, 4), "bbox": list(WHOLE), "classifications": classes}]


def _failures(session: Session) -> Iterator[dict[str, Any]]:
    for row in session.scalars(select(Rejected).order_by(Rejected.id)):
        yield {"file": row.name, "detections": None, "failure": row.code}
