"""Backtest: what would have happened, by stage, had today's model and rules watched the archive? Reads only."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import StationError, StoreError
from fieldmark.predictor import Prediction as Answer
from fieldmark.predictor import Predictor
from fieldmark.station.events import Score, reason_to_look, score_frames
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import CHAMPION, the_station
from fieldmark.station.store import MEDIA, Store
from fieldmark.station.tables import Event, Frame, Model, Prediction
from fieldmark.stats import wilson

BATCH = 256
"""Frames whose bytes are in memory at once, where a new model has to look at them."""

Answers = Mapping[int, tuple[Mapping[str, float], float | None]]


@dataclass(frozen=True)
class Visit:
    """A visit as today's rules cut it, and what would have come of it."""

    camera_id: int
    started_at: datetime
    score: Score
    reason: str
    truth: str | None
    """What a person said of it at the time; None where nobody did."""


@dataclass(frozen=True)
class Backtest:
    """What would have happened."""

    frames: int
    skipped: int
    """Frames that no answer could be had for: gone, or damaged."""
    begin: datetime
    end: datetime
    visits: tuple[Visit, ...]
    rules: Rules

    @property
    def alarms(self) -> list[Visit]:
        """Visits that would have been highlighted for an alarm."""
        return [visit for visit in self.visits if visit.reason == "alarm"]

    @property
    def automatic(self) -> list[Visit]:
        """Alarms that would have left by themselves in stage 3: familiar, and not within a camera's cooldown."""
        last: dict[int, datetime] = {}
        sent = []
        for visit in self.alarms:
            before = last.get(visit.camera_id)
            cool = before is None or visit.started_at - before >= timedelta(seconds=self.rules.cooldown_s)
            if cool and not visit.score.is_unfamiliar:
                last[visit.camera_id] = visit.started_at
                sent.append(visit)
        return sent

    def as_dict(self) -> dict[str, Any]:
        """All figures, each share with its n and 95 % interval."""
        known = [visit for visit in self.visits if visit.truth is not None]
        real = [visit for visit in known if visit.truth in self.rules.alarm]
        weeks = max((self.end - self.begin) / timedelta(days=7), 1 / 7)
        waiting = [visit for visit in self.visits if visit.reason]
        confirmed = [visit for visit in self.alarms if visit.truth in self.rules.alarm]
        return {
            "frames": self.frames,
            "skipped": self.skipped,
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "visits": len(self.visits),
            "reviewed": len(known),
            "stage_1": {"highlighted": dict(Counter(v.reason for v in waiting)), "sent": 0},
            "stage_2": {
                "to_review_a_week": round(len(waiting) / weeks, 1),
                "sent": len(confirmed),
                "not_reviewed": sum(v.truth is None for v in self.alarms),
            },
            "stage_3": {
                "sent": len(self.automatic),
                "sent_a_week": round(len(self.automatic) / weeks, 1),
                "right": _share(v.truth in self.rules.alarm for v in self.automatic if v.truth is not None),
            },
            "alarms_right": _share(v.truth in self.rules.alarm for v in self.alarms if v.truth is not None),
            "found": _share(v.reason == "alarm" for v in real),
        }


def _share(hits: Iterator[bool]) -> dict[str, Any]:
    listed = list(hits)
    low, high = wilson(sum(listed), len(listed))
    return {"hits": sum(listed), "n": len(listed), "ci": [round(low, 3), round(high, 3)]}


def backtest(
    store: Store,
    *,
    predictor: Predictor | None = None,
    rules: Rules | None = None,
    days: int = 365,
    now: datetime,
    callback: Callback = silent,
) -> Backtest:
    """Let a model and rules watch what the station has kept.

    Args:
        predictor: another model than the champion, whose answers are there already.
        rules: others than those of the station.
    Raises:
        StationError: `no_model`: no model has looked at the frames, and none is given; `no_frames`.
    """
    with store.reading() as session:
        rules = rules or Rules.from_dict(the_station(session).rules)
        frames = session.scalars(
            select(Frame)
            .where(Frame.at >= now - timedelta(days=days))
            .order_by(Frame.camera_id, Frame.at, Frame.id)
        ).all()
        truths = _truths(session)
        answers = {} if predictor is not None else _kept(session, frames)
    if not frames:
        raise StationError(f"Nothing was taken in during these {days} days.", code="no_frames")
    level = None
    if predictor is not None:
        answers = dict(_asked(Media(store.folder / MEDIA), frames, predictor, callback))
        level = predictor.info.calibration.level if predictor.info.calibration else None
    known = [frame for frame in frames if frame.id in answers]
    visits = sorted(
        (_judge(own, answers, truths, rules, level) for own in _cut(known, rules)), key=lambda v: v.started_at
    )
    times = [frame.at for frame in frames]
    return Backtest(len(frames), len(frames) - len(known), min(times), max(times), tuple(visits), rules)


def _truths(session: Session) -> dict[int, str]:
    rows = session.execute(
        select(Event.id, Event.human_label).where(
            Event.reviewed_by.is_not(None), Event.human_label.is_not(None), Event.state != "unsure"
        )
    )
    return {int(event): str(label) for event, label in rows}


def _kept(session: Session, frames: Sequence[Frame]) -> Answers:
    """Give the champion's answers, as they are in the store."""
    champion = session.scalar(select(Model).where(Model.role == CHAMPION))
    if champion is None:
        raise StationError("No model has looked here yet. Name one: --model MODEL.onnx", code="no_model")
    if not frames:
        return {}
    rows = session.execute(
        select(Prediction.frame_id, Prediction.probs, Prediction.familiarity_p)
        .join(Frame, Frame.id == Prediction.frame_id)
        .where(Prediction.model_id == champion.id, Frame.at >= min(frame.at for frame in frames))
    )
    return {int(frame): (probs, p) for frame, probs, p in rows}


def _asked(
    media: Media, frames: Sequence[Frame], predictor: Predictor, callback: Callback
) -> Iterator[tuple[int, tuple[Mapping[str, float], float | None]]]:
    """Ask a model that has not looked at them; what is gone or damaged is left out."""
    for start in range(0, len(frames), BATCH):
        piece = frames[start : start + BATCH]
        for frame, answer in zip(piece, predictor.predict([_bytes(media, f) for f in piece]), strict=True):
            if isinstance(answer, Answer):
                yield frame.id, (dict(answer.probs), answer.familiarity_p)
        callback(Progress("Looking at the archive", min(start + BATCH, len(frames)), len(frames)))


def _bytes(media: Media, frame: Frame) -> bytes:
    try:
        return media.get(frame.sha256)
    except StoreError:
        return b""


def _cut(frames: Sequence[Frame], rules: Rules) -> Iterator[list[Frame]]:
    """Cut the frames of each camera into visits, as these rules do; the frames of a video stay together."""
    gap = timedelta(seconds=rules.gap_s)
    for _, own in itertools.groupby(frames, key=lambda frame: frame.camera_id):
        visit: list[Frame] = []
        for frame in own:
            same_clip = visit and frame.clip_id is not None and frame.clip_id == visit[-1].clip_id
            if visit and not same_clip and frame.at - visit[-1].at > gap:
                yield visit
                visit = []
            visit.append(frame)
        yield visit


def _judge(
    frames: Sequence[Frame], answers: Answers, truths: Mapping[int, str], rules: Rules, level: float | None
) -> Visit:
    score = score_frames([answers[frame.id] for frame in frames], rules, level=level)
    said = [label for frame in frames if (label := truths.get(frame.event_id or 0)) is not None]
    truth = next((label for label in said if label in rules.alarm), said[0] if said else None)
    return Visit(frames[0].camera_id, frames[0].at, score, reason_to_look(score, rules), truth)


def say(result: Backtest) -> list[str]:
    """Say it for people."""
    d = result.as_dict()
    days = (result.end - result.begin).days + 1
    highlighted = sum(d["stage_1"]["highlighted"].values())
    return [
        f"{d['frames']} frames of {days} days are {d['visits']} visits; people had said of {d['reviewed']} what they were.",
        f"Stage 1: {highlighted} visits would have been highlighted, {len(result.alarms)} as an alarm. Nothing leaves.",
        f"Stage 2: {d['stage_2']['to_review_a_week']:g} visits a week to look at. {d['stage_2']['sent']} alerts would "
        f"have left, confirmed; of {d['stage_2']['not_reviewed']} alarms nobody knows what they were.",
        f"Stage 3: {d['stage_3']['sent']} alerts by themselves, {d['stage_3']['sent_a_week']:g} a week; "
        f"right: {_say(d['stage_3']['right'])}.",
        f"Of the visits that were an alarm by what people said, it would have found {_say(d['found'])}.",
    ]


def _say(share: Mapping[str, Any]) -> str:
    if not share["n"]:
        return "nobody can say, as none of them was reviewed"
    low, high = share["ci"]
    return f"{share['hits']} of {share['n']} (95 % {100 * low:.0f}–{100 * high:.0f} %)"
