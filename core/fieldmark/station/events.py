"""Events: frames of one camera that follow each other closely are one visit, and are judged as one.

The score of a visit is the mean logit over its frames: one clear frame among many bad ones counts, but a single odd
frame does not decide. Logits are taken as log-probabilities, which differ from them by one constant a frame, and that
does not change the softmax.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station.rules import Rules
from fieldmark.station.tables import Event, Frame, Prediction

OPEN_STATES = ("nothing", "highlighted")
"""States of events that nobody has reviewed: only these take further frames."""
SMALLEST_PROB = 1e-6
LONGEST = timedelta(days=1)
"""A visit that goes on for longer is another one; so the search for it looks at a day and not at a year."""


@dataclass(frozen=True)
class Score:
    """What the model says of a visit."""

    probs: Mapping[str, float]
    is_unfamiliar: bool
    best: int
    """Place of the frame that shows it best."""

    @property
    def label(self) -> str:
        """The most probable class."""
        return max(self.probs, key=lambda name: self.probs[name])

    def alarm(self, rules: Rules) -> float:
        """Probability of any class of the alarm: never only of the first one."""
        return sum(self.probs.get(name, 0.0) for name in rules.alarm)


def score_frames(
    frames: Sequence[tuple[Mapping[str, float], float | None]], rules: Rules, *, level: float | None
) -> Score:
    """Judge a visit by all of its frames.

    Args:
        frames: probabilities and familiarity (a p-value, None where the model has none) of each, at least one.
        level: below this p-value a frame is unfamiliar; None where the model cannot tell. A visit is unfamiliar when
            every frame is: one frame that looks as usual is enough to know what it is.
    """
    names = list(frames[0][0])
    probs = np.array([[f[name] for name in names] for f, _ in frames])  # (frames, classes)
    mean = np.log(np.maximum(probs, SMALLEST_PROB)).mean(axis=0)
    shares = np.exp(mean - mean.max())
    shares /= shares.sum()
    pooled = dict(zip(names, map(float, shares), strict=True))
    strange = level is not None and all(p is not None and p < level for _, p in frames)
    shown = [i for i, name in enumerate(names) if name in rules.alarm] or [int(shares.argmax())]
    return Score(pooled, strange, int(probs[:, np.array(shown)].sum(axis=1).argmax()))


def find_event(session: Session, frame: Frame, rules: Rules) -> Event | None:
    """Give the open event that a frame belongs to: that of its video; also a late frame finds its place."""
    if frame.clip_id is not None and (shared := _event_of_clip(session, frame.clip_id)) is not None:
        return shared
    gap = timedelta(seconds=rules.gap_s)
    return session.scalars(
        select(Event)
        .where(
            Event.camera_id == frame.camera_id,
            Event.state.in_(OPEN_STATES),
            Event.lease_by.is_(None),
            Event.started_at <= frame.at + gap,
            Event.started_at >= frame.at - gap - LONGEST,
            Event.ended_at >= frame.at - gap,
        )
        .order_by(Event.started_at.desc())
    ).first()


def _event_of_clip(session: Session, clip_id: int) -> Event | None:
    return session.scalars(
        select(Event)
        .join(Frame, Frame.event_id == Event.id)
        .where(Frame.clip_id == clip_id, Event.state.in_(OPEN_STATES), Event.lease_by.is_(None))
        .limit(1)
    ).first()


def join_event(session: Session, frame: Frame, rules: Rules) -> Event:
    """Put a frame into its event, beginning one where there is none."""
    event = find_event(session, frame, rules)
    if event is None:
        event = Event(
            camera_id=frame.camera_id,
            started_at=frame.at,
            ended_at=frame.at,
            n_frames=0,
            is_night=frame.is_night,
            state="nothing",
            reason="",
            is_audit=False,
        )
        session.add(event)
        session.flush()
        event.is_audit = is_drawn(event.id, rules.audit_share)
    event.started_at, event.ended_at = min(event.started_at, frame.at), max(event.ended_at, frame.at)
    event.n_frames += 1
    frame.event_id = event.id
    return event


def judge_event(session: Session, event: Event, model_id: int, rules: Rules, *, level: float | None) -> Score:
    """Score an event by the frames that a model has seen, and decide whether somebody should look.

    Only what is needed is read: a camera that is triggered all day makes visits of hundreds of frames.
    """
    rows = session.execute(
        select(Frame.id, Frame.is_night, Prediction.probs, Prediction.familiarity_p)
        .join(Prediction, Prediction.frame_id == Frame.id)
        .where(Frame.event_id == event.id, Prediction.model_id == model_id)
        .order_by(Frame.id)
    ).all()
    score = score_frames([(probs, p) for _, _, probs, p in rows], rules, level=level)
    event.model_id, event.label = model_id, score.label
    event.prob, event.alarm = score.probs[score.label], score.alarm(rules)
    event.is_unfamiliar = score.is_unfamiliar
    event.best_frame_id = rows[score.best][0]
    event.is_night = sum(bool(is_night) for _, is_night, _, _ in rows) * 2 > len(rows)
    if event.state in OPEN_STATES:
        event.reason = reason_to_look(score, rules)
        event.state = "highlighted" if event.reason else "nothing"
    return score


def reason_to_look(score: Score, rules: Rules) -> str:
    """Say why a person should look first; empty where nothing was found.

    Unfamiliar is never dropped: at night everything looks unfamiliar, and somebody has to see it.
    """
    if score.alarm(rules) >= rules.alarm_min:
        return "alarm"
    if score.is_unfamiliar:
        return "unfamiliar"
    return "unsure" if score.probs[score.label] < rules.sure_min else ""


def is_drawn(event_id: int, share: float) -> bool:
    """Draw for the blind audit: fixed by the event's number, and by nothing that the model says."""
    digest = hashlib.sha256(f"audit {event_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share
