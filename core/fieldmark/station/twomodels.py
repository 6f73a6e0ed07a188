"""Champion and shadow: where two models disagree about a visit, and which of them people found right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.results.comparison import mcnemar
from fieldmark.station.events import Score, score_frames
from fieldmark.station.rules import Rules
from fieldmark.station.stations import CHAMPION, SHADOW
from fieldmark.station.tables import Camera, Event, Frame, Model, Prediction, Station

LOOK_BACK = timedelta(days=30)
MOST_EVENTS = 5000
"""The latest ones, of which the two are compared."""
LEVEL = 0.05
ENOUGH = 23
"""Events decided differently that find four in five cases of an 80 : 20 split at 5 % (McNemar, exact)."""


@dataclass(frozen=True)
class Disagreement:
    """A visit about which the two differ."""

    event_id: int
    camera: str
    started_at: datetime
    best_frame_id: int | None
    champion_label: str
    champion_alarm: float
    """Probability of any class of the alarm, 0 … 1."""
    shadow_label: str
    shadow_alarm: float
    is_about_alarm: bool
    """Whether one of them would alert and the other would not."""
    human_label: str | None
    """What a person said; None where nobody looked yet."""


@dataclass(frozen=True)
class ModelComparison:
    """Both models beside what people said of the same visits."""

    champion: str
    shadow: str
    """Titles."""
    n: int
    """Reviewed visits that both have judged."""
    only_champion: int
    """Of those, where only the champion decided rightly whether to alert."""
    only_shadow: int

    @property
    def p(self) -> float:
        """Exact two-sided McNemar."""
        return mcnemar(self.only_champion, self.only_shadow)

    @property
    def sentence(self) -> str:
        """Say which is better; "better" only where the test says so."""
        counts = f"{self.only_shadow} right by the shadow alone, {self.only_champion} by the champion alone"
        if self.p < LEVEL:
            better = self.shadow if self.only_shadow > self.only_champion else self.champion
            return f"{better} is better: of {self.n} reviewed visits {counts} (p = {self.p:.2g})."
        lacking = max(0, ENOUGH - self.only_champion - self.only_shadow)
        more = f" Some {lacking} more visits that they decide differently would tell." if lacking else ""
        return f"No difference is shown: of {self.n} reviewed visits {counts} (p = {self.p:.2g}).{more}"


def disagreements(
    session: Session, station: Station, *, now: datetime, limit: int = 50
) -> list[Disagreement]:
    """List the latest visits about which champion and shadow differ, for a review queue.

    Those first where one would alert and the other would not, and of these the ones nobody has looked at; then by how
    far apart their probabilities are. Empty without a shadow.
    """
    rules = Rules.from_dict(station.rules)
    found = [
        _differ(event, camera, champion, shadow, rules)
        for event, camera, champion, shadow in _both(session, station, rules, now - LOOK_BACK)
        if champion.label != shadow.label or _alerts(champion, rules) != _alerts(shadow, rules)
    ]
    found.sort(
        key=lambda d: (
            not d.is_about_alarm,
            d.human_label is not None,
            -abs(d.champion_alarm - d.shadow_alarm),
        )
    )
    return found[:limit]


def compare_models(session: Session, station: Station, *, now: datetime) -> ModelComparison | None:
    """Hold both models against the reviews of the last weeks; None without a shadow.

    Assumes that visits are independent of each other, and that people decided without knowing the shadow's answer:
    they never see it in the queue.
    """
    champion, shadow = _models(session)
    if champion is None or shadow is None:
        return None
    rules = Rules.from_dict(station.rules)
    n, only = 0, [0, 0]
    for event, _, first, second in _both(session, station, rules, now - LOOK_BACK):
        if event.reviewed_by is None or event.human_label is None:
            continue
        truth = event.human_label in rules.alarm
        right = [_alerts(score, rules) == truth for score in (first, second)]
        n += 1
        only[0] += right[0] and not right[1]
        only[1] += right[1] and not right[0]
    return ModelComparison(champion.title, shadow.title, n, only[0], only[1])


def _models(session: Session) -> tuple[Model | None, Model | None]:
    champion = session.scalar(select(Model).where(Model.role == CHAMPION))
    shadow = session.scalars(select(Model).where(Model.role == SHADOW).order_by(Model.id.desc())).first()
    return champion, shadow


def _both(
    session: Session, station: Station, rules: Rules, since: datetime
) -> list[tuple[Event, str, Score, Score]]:
    """Give the visits that both models have judged wholly, with the score of each."""
    champion, shadow = _models(session)
    if champion is None or shadow is None:
        return []
    events = session.execute(
        select(Event, Camera.name)
        .join(Camera, Camera.id == Event.camera_id)
        .where(Camera.station_id == station.id, Event.started_at >= since)
        .order_by(Event.started_at.desc())
        .limit(MOST_EVENTS)
    ).all()
    scores = [
        _scores(session, model, [event.id for event, _ in events], rules) for model in (champion, shadow)
    ]
    return [
        (event, name, scores[0][event.id], scores[1][event.id])
        for event, name in events
        if event.id in scores[0] and event.id in scores[1]
    ]


def _scores(session: Session, model: Model, events: Sequence[int], rules: Rules) -> Mapping[int, Score]:
    frames: dict[int, list[tuple[Mapping[str, float], float | None]]] = defaultdict(list)
    for start in range(0, len(events), 500):  # SQLite takes a limited number of values in one question
        rows = session.execute(
            select(Frame.event_id, Prediction.probs, Prediction.familiarity_p)
            .join(Prediction, Prediction.frame_id == Frame.id)
            .where(Prediction.model_id == model.id, Frame.event_id.in_(events[start : start + 500]))
        )
        for event, probs, p in rows:
            frames[event].append((probs, p))
    return {event: score_frames(own, rules, level=None) for event, own in frames.items()}


def _alerts(score: Score, rules: Rules) -> bool:
    return score.alarm(rules) >= rules.alarm_min


def _differ(event: Event, camera: str, champion: Score, shadow: Score, rules: Rules) -> Disagreement:
    return Disagreement(
        event.id,
        camera,
        event.started_at,
        event.best_frame_id,
        champion.label,
        champion.alarm(rules),
        shadow.label,
        shadow.alarm(rules),
        _alerts(champion, rules) != _alerts(shadow, rules),
        event.human_label,
    )
