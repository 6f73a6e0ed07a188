"""The first look, before any model was trained: which visits are likely empty, and which of the others look alike.

Frames become events; a frame that looks as its camera's own background does, by day or by night, shows nothing that
moved. The others are sorted by what the backbone makes of the part that differs: events that look alike have a group
in common, so that a person names many at once, and what looks like none of the others comes first.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
from PIL import Image
from sqlalchemy import Select, func, select

from fieldmark.backbones import load_backbone
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import BadImageError, StoreError
from fieldmark.features import feature_engine
from fieldmark.images import open_photo
from fieldmark.imaging.resize import Box, ResizeRule, fit_photo
from fieldmark.station.background import (
    SOMETHING,
    Small,
    differences,
    how_different,
    small_grey,
    where_different,
)
from fieldmark.station.crops import cut_out
from fieldmark.station.events import OPEN_STATES, join_event
from fieldmark.station.media import Media
from fieldmark.station.rules import Rules
from fieldmark.station.stations import the_station
from fieldmark.station.store import MEDIA, Store
from fieldmark.station.tables import Camera, Event, Frame

TOGETHER = 1000
"""Frames of a camera that are looked at in one piece: 77 MB."""
CONTEXT = 200
"""Frames before the first new one that are looked at again with it: they are its background."""
MOST_GROUPED = 3000
"""Events that are compared with each other, the latest ones: all pairs of them take 70 MB."""
ALIKE = 0.35
"""Cosine distance of features up to which groups join, on average over their pairs."""

ONE_LOOK = threading.Lock()
"""A worker without a model looks with every round, and somebody may ask it for a look at all: groups are numbered once."""

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Looked:
    """What the first look says of an event."""

    event_id: int
    camera: str
    difference: float | None
    """Of its most different frame, in units of how far the view usually wavers; None where there is nothing yet to
    compare it with: then a person looks."""
    alike: int | None
    """Number of its group; None where it is likely empty."""
    n_alike: int
    """Events in its group, itself counted."""

    @property
    def says(self) -> str:
        """empty, alone (like no other), or something."""
        if self.difference is not None and self.difference < SOMETHING:
            return "empty"
        return "something" if self.n_alike > 1 else "alone"


@dataclass(frozen=True)
class _Best:
    """The frame that shows an event best, and where in it."""

    frame: Frame
    difference: float | None
    box: Box | None

    def or_better(self, other: _Best | None) -> _Best:
        """Give the one that differs more."""
        return self if other is None or (self.difference or 0.0) > (other.difference or 0.0) else other


def first_look(store: Store, *, only_new: bool = False, callback: Callback = silent) -> list[Looked]:
    """Look at all events that no model and no person has judged; for the store's one writer, one look at a time.

    Events that look empty have the state `nothing` (and the blind audit draws among them); the others are
    `highlighted`, with the reason `unfamiliar` where they look like no other, else `unsure`.

    Args:
        only_new: look at what came since, and at the frames just before it; for a worker, who does so again and again.
    Raises:
        StoreError: the store refuses; what was written before stays.
    """
    with ONE_LOOK:
        return _look(store, only_new, callback)


def _look(store: Store, only_new: bool, callback: Callback) -> list[Looked]:
    media = Media(store.folder / MEDIA)
    touched = _join(store)
    best: dict[int, _Best] = {}
    with store.reading() as session:
        rules = Rules.from_dict(the_station(session).rules)
        names = {int(number): str(name) for number, name in session.execute(select(Camera.id, Camera.name))}
    pieces = list(_pieces(store, touched if only_new else None))
    for done, frames in enumerate(pieces, 1):
        for event, shown in _most_different(media, frames, timedelta(seconds=rules.gap_s)).items():
            best[event] = shown.or_better(best.get(event))
        callback(Progress("Comparing with the background", done, len(pieces)))
    found = [(number, shown) for number, shown in best.items() if _shows_something(shown)]
    first = _highest_number(store, set(best)) + 1
    groups = {
        number: first + group for number, group in _group(media, found[-MOST_GROUPED:], callback).items()
    }
    sizes = {group: list(groups.values()).count(group) for group in set(groups.values())}
    looked = [
        Looked(
            number,
            names[shown.frame.camera_id],
            shown.difference,
            groups.get(number),
            sizes.get(groups.get(number, 0), 1),
        )
        for number, shown in sorted(best.items())
    ]
    _write(store, looked, best)
    _settle(store, touched - set(best))
    return looked


def waits_for_a_look(store: Store) -> bool:
    """Whether frames have come that belong to no event yet, or a look was cut off."""
    with store.reading() as session:
        new = session.scalar(select(Frame.id).where(Frame.event_id.is_(None)).limit(1))
        return new is not None or session.scalar(_unlooked().limit(1)) is not None


def _unlooked() -> Select[int]:
    """Events that no model, no person and no first look has judged."""
    return select(Event.id).where(
        Event.model_id.is_(None), Event.best_frame_id.is_(None), Event.state.in_(OPEN_STATES)
    )


def _join(store: Store) -> set[int]:
    """Put every frame into an event; gives the events that have new ones, and those of a look that was cut off."""
    with store.writing() as session:
        rules = Rules.from_dict(the_station(session).rules)
        touched = {int(number) for number in session.scalars(_unlooked())}
        for frame in session.scalars(
            select(Frame).where(Frame.event_id.is_(None)).order_by(Frame.at, Frame.id)
        ):
            touched.add(join_event(session, frame, rules).id)
            session.flush()
    return touched


def _highest_number(store: Store, looked: set[int]) -> int:
    """Give the highest number of a group among the events that are not looked at now, so that none is used twice."""
    with store.reading() as session:
        rows = session.execute(select(Event.id, Event.alike).where(Event.alike.is_not(None))).all()
    return max((number or 0 for event, number in rows if event not in looked), default=0)


def _pieces(store: Store, touched: set[int] | None) -> Iterator[Sequence[Frame]]:
    """Give the frames of open, unjudged events, camera by camera in order of time, in pieces that fit into memory.

    Args:
        touched: begin shortly before the first of these events at each camera; with all of them where None.
    """
    with store.reading() as session:
        frames = session.scalars(
            select(Frame)
            .join(Event, Event.id == Frame.event_id)
            .where(Event.model_id.is_(None), Event.state.in_(OPEN_STATES), Frame.dropped_at.is_(None))
            .order_by(Frame.camera_id, Frame.at, Frame.id)
        ).all()
    for _, own in itertools.groupby(frames, key=lambda frame: frame.camera_id):
        listed = list(own)
        if touched is not None:
            new = next((i for i, frame in enumerate(listed) if frame.event_id in touched), len(listed))
            listed = listed[max(0, new - CONTEXT) :] if new < len(listed) else []
        for start in range(0, len(listed), TOGETHER):
            yield listed[start : start + TOGETHER]


def _most_different(media: Media, frames: Sequence[Frame], apart: timedelta) -> dict[int, _Best]:
    """Find the most different frame of each event: in a visit, one that shows something is enough."""
    readable, smalls = [], []
    for frame in frames:
        try:
            smalls.append(Small(small_grey(media.get(frame.sha256)), frame.at, frame.is_night))
        except (BadImageError, StoreError):
            continue  # gone or damaged on the disk: its event is judged by its other frames
        readable.append(frame)
    best: dict[int, _Best] = {}
    for frame, found in zip(readable, differences(smalls, apart=apart), strict=True):
        shown = _Best(
            frame,
            None if found is None else how_different(found),
            None if found is None else where_different(found),
        )
        event = frame.event_id or 0  # `_join` has seen to it that there is one
        best[event] = shown.or_better(best.get(event))
    return best


def _shows_something(shown: _Best) -> bool:
    return shown.difference is None or shown.difference >= SOMETHING


def _group(media: Media, found: Sequence[tuple[int, _Best]], callback: Callback) -> dict[int, int]:
    """Number the events so that those which look alike have one number, the largest group first."""
    if not found:
        return {}
    features = part_features([_part(media, shown) for _, shown in found], callback)
    numbers = alike(features)
    return {event: int(group) for (event, _), group in zip(found, numbers, strict=True)}


def alike(features: Features) -> npt.NDArray[np.intp]:
    """Number rows by which of them lie close together, from 0, the largest group first.

    Average linkage on the cosine distance: one photo between two groups does not make them one.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(features) == 1:
        return np.zeros(1, np.intp)
    raw = fcluster(linkage(features, "average", metric="cosine"), ALIKE, "distance") - 1
    by_size = np.argsort(-np.bincount(raw), kind="stable")
    ranks = np.empty(len(by_size), np.intp)
    ranks[by_size] = np.arange(len(by_size))
    return ranks[raw]


def _part(media: Media, shown: _Best) -> Image.Image:
    image = open_photo(media.get(shown.frame.sha256)).image
    return cut_out(image, shown.box) if shown.box is not None else image


def part_features(parts: Sequence[Image.Image], callback: Callback = silent) -> Features:
    """Give the frozen backbone's features of pictures, (parts, dim)."""
    backbone, rule = load_backbone(), ResizeRule()
    engine = feature_engine(backbone, rule)
    rows = []
    for start in range(0, len(parts), engine.batch):
        squares = np.stack([fit_photo(part, rule) for part in parts[start : start + engine.batch]])
        rows.append(next(iter(engine(squares).values())))
        callback(Progress("Looking for what is alike", min(start + engine.batch, len(parts)), len(parts)))
    return np.concatenate(rows)


def _write(store: Store, looked: Sequence[Looked], best: Mapping[int, _Best]) -> None:
    nights = _nights(store)
    with store.writing() as session:
        for said in looked:
            event = session.get_one(Event, said.event_id)
            if event.state not in OPEN_STATES or event.model_id is not None:
                continue  # somebody decided, or a model did, in the meantime
            event.reason = {"empty": "", "alone": "unfamiliar", "something": "unsure"}[said.says]
            event.state = "highlighted" if event.reason else "nothing"
            event.is_unfamiliar = said.says == "alone"
            event.alike, event.best_frame_id = said.alike, best[said.event_id].frame.id
            event.is_night = nights[said.event_id] > 0.5


def _settle(store: Store, events: set[int]) -> None:
    """Have done with events of which no frame can be read any more, so that they are not looked at for ever."""
    with store.writing() as session:
        for number in events:
            event = session.get_one(Event, number)
            if event.best_frame_id is None:
                event.best_frame_id = session.scalar(
                    select(Frame.id).where(Frame.event_id == number).order_by(Frame.id).limit(1)
                )


def _nights(store: Store) -> dict[int, float]:
    """Give the share of each event's frames that were taken by night."""
    shares: dict[int, float] = defaultdict(float)
    with store.reading() as session:
        rows = session.execute(
            select(Frame.event_id, func.avg(Frame.is_night)).group_by(Frame.event_id)
        ).all()
    return shares | {int(event): float(share) for event, share in rows if event is not None}
