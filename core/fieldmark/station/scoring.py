"""Scoring: predicts the frames that no model has seen yet, and keeps their events up to date."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from fieldmark.errors import BadImageError, StoreError
from fieldmark.images import open_photo
from fieldmark.imaging.resize import Box
from fieldmark.prediction import Failure
from fieldmark.predictor import Prediction as Answer
from fieldmark.predictor import Predictor
from fieldmark.station.clock import Clock, utc_now
from fieldmark.station.closer import Closer
from fieldmark.station.crops import cut_out
from fieldmark.station.detections import best_animal
from fieldmark.station.events import join_event, judge_event
from fieldmark.station.media import Media
from fieldmark.station.outbox import is_cooling_down, queue_alert
from fieldmark.station.rules import Rules
from fieldmark.station.smalls import Smalls
from fieldmark.station.stages import WITH_ROOM, may_alert
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store
from fieldmark.station.tables import Camera, Event, Frame, Prediction, Station

APART = timedelta(seconds=Rules().gap_s)
"""Frames that are closer to each other than this are no background to each other."""
BATCH = 32
"""Frames predicted between two transactions."""


class Scorer:
    """Lets one model look at frames, for the worker."""

    def __init__(
        self,
        store: Store,
        media: Media,
        predictor: Predictor,
        model_id: int,
        *,
        is_champion: bool = True,
        clock: Clock = utc_now,
        smalls: Smalls | None = None,
    ) -> None:
        """Predict with a loaded model that the store knows as `model_id`; a shadow judges no event.

        Args:
            smalls: of frames that have just come.
        """
        self.smalls = smalls
        self.store, self.media, self.predictor, self.model_id = store, media, predictor, model_id
        self.is_champion, self.clock = is_champion, clock
        self._seen_to = 0
        calibration = predictor.info.calibration
        self._level = calibration.level if calibration else None
        self._closer = Closer(APART)

    def score_new(self, *, limit: int = 10 * BATCH) -> int:
        """Predict frames that wait, oldest first; gives how many were. Killed anywhere, it goes on from there."""
        with self.store.reading() as session:
            own = (Prediction.frame_id == Frame.id, Prediction.model_id == self.model_id)
            waiting = select(Frame).where(
                Frame.id > self._seen_to, ~exists().where(*own), Frame.dropped_at.is_(None)
            )
            last = session.scalar(select(func.max(Frame.id))) or 0
            frames = session.scalars(waiting.order_by(Frame.id).limit(limit)).all()
            if not frames:
                self._seen_to = last  # so that a year's frames are not looked through again each second
        for start in range(0, len(frames), BATCH):
            self._score(frames[start : start + BATCH])
        return len(frames)

    def _score(self, frames: Sequence[Frame]) -> None:
        answers = self._answers(frames)
        with self.store.writing() as session:
            events = {}
            for frame, answer in zip(frames, answers, strict=True):
                event = self._enter(session, frame, answer)
                events[event.id] = event
            for event in events.values() if self.is_champion else ():
                self._judge(session, event)

    def _answers(self, frames: Sequence[Frame]) -> list[Answer | Failure]:
        """Predict whole frames, and what is worth a closer look as well: the mean of both is the answer.

        That is the box of a detector, where one was imported; else, by `Rules.crops`, what differs from the background.
        """
        answers = self.predictor.predict([self._small(frame) or self._bytes(frame) for frame in frames])
        crops = {i: crop for i, frame in enumerate(frames) if (crop := self._crop(frame)) is not None}
        if crops:
            closer = self.predictor.predict(list(crops.values()))
            for place, answer in zip(crops, closer, strict=True):
                answers[place] = _pooled(answers[place], answer)
        return answers

    def _small(self, frame: Frame) -> bytes | None:
        size_px = self.predictor.info.rule.size_px
        return self.smalls.get(frame.sha256, size_px=size_px) if self.smalls is not None else None

    def _crop(self, frame: Frame) -> bytes | None:
        part = best_animal(frame.boxes)
        if part is None and self._looks_closer():
            part = self._closer.part(frame, self._bytes(frame))
        return _cut(self._bytes(frame), part) if part is not None else None

    def _looks_closer(self) -> bool:
        with self.store.reading() as session:
            return Rules.from_dict(the_station(session).rules).crops

    def _bytes(self, frame: Frame) -> bytes:
        try:
            return self.media.get(frame.sha256)
        except StoreError:
            return b""  # becomes a failure in its place, and the others go on

    def _enter(self, session: Session, detached: Frame, answer: object) -> Event:
        frame = session.get_one(Frame, detached.id)
        rules = _rules(session, frame.camera_id)
        event = (
            session.get_one(Event, frame.event_id)
            if frame.event_id is not None
            else join_event(session, frame, rules)
        )
        probs = dict(answer.probs) if isinstance(answer, Answer) else _know_nothing(self.predictor.vocab)
        session.add(
            Prediction(
                frame_id=frame.id,
                model_id=self.model_id,
                probs=probs,
                familiarity_p=answer.familiarity_p if isinstance(answer, Answer) else None,
                predicted_at=self.clock(),
            )
        )
        session.flush()
        return event

    def _judge(self, session: Session, event: Event) -> None:
        station = session.get_one(Station, session.get_one(Camera, event.camera_id).station_id)
        rules = Rules.from_dict(station.rules)
        judge_event(session, event, self.model_id, rules, level=self._level)
        automatic = station.stage == WITH_ROOM and event.reason == "alarm"
        if automatic and not is_cooling_down(session, event, rules) and not may_alert(session, event):
            queue_alert(session, event, now=self.clock())


def _cut(data: bytes, box: Box) -> bytes | None:
    """Cut a part of a frame out, as a file; None where the frame cannot be read."""
    try:
        image = open_photo(data).image
    except BadImageError:
        return None
    file = io.BytesIO()
    cut_out(image, box).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _pooled(whole: Answer | Failure, crop: Answer | Failure) -> Answer | Failure:
    """Take the mean of the logits, as over the frames of a visit; strange only where both are."""
    if not isinstance(whole, Answer) or not isinstance(crop, Answer):
        return whole
    names = list(whole.probs)
    logs = np.log(np.maximum([[a.probs[name] for name in names] for a in (whole, crop)], 1e-9)).mean(axis=0)
    shares = np.exp(logs - logs.max())
    probs = dict(zip(names, map(float, shares / shares.sum()), strict=True))
    label = max(probs, key=lambda name: probs[name])
    ps = [p for p in (whole.familiarity_p, crop.familiarity_p) if p is not None]
    return Answer(label, probs[label], probs, whole.verdict, max(ps) if ps else None)


def _know_nothing(vocab: Sequence[str]) -> dict[str, float]:
    """What is said of a frame whose picture is gone: every class alike, so a person looks."""
    return dict.fromkeys(vocab, 1 / len(vocab))


def _rules(session: Session, camera_id: int) -> Rules:
    return Rules.from_dict(session.get_one(Station, session.get_one(Camera, camera_id).station_id).rules)
