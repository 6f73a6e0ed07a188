"""Boxes that a detector found, from the JSON it wrote, for frames that are here.

Three ways of writing them are known: MegaDetector's batch output (corner, width and height as parts of the photo),
SpeciesNet's predictions (the same), and PyTorch-Wildlife's (a list with two corners in pixels for each photo).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.errors import DatasetError
from fieldmark.imaging.resize import Box
from fieldmark.station.tables import Frame

KINDS = {"1": "animal", "2": "person", "3": "vehicle"}
"""MegaDetector's own categories, where a file does not name them."""
KINDS_OF_CORNERS = {"0": "animal", "1": "person", "2": "vehicle"}
"""PyTorch-Wildlife's."""
LEAST_CONF = 0.2
"""What MegaDetector's authors advise to begin with; below it a box is not kept."""
MAX_JSON_BYTES = 1_000_000_000

Row = list[Any]
"""Kind, confidence, left, top, width and height, as it is kept with a frame."""


@dataclass(frozen=True)
class DetectionsReport:
    """What became of a file of detections."""

    frames: int
    """Frames that are here and are in the file."""
    boxes: int
    """Boxes that they have now."""
    persons: int
    """Frames with a person among those: withheld from display and export."""
    unknown: int
    """Photos of the file that are not here."""


def is_detections_file(path: Path) -> bool:
    """Whether a file may be one, by its name."""
    return path.suffix.lower() == ".json" and path.is_file()


def import_detections(session: Session, path: Path) -> DetectionsReport:
    """Keep the boxes of a file with the frames that they were found in; the same file again changes nothing.

    A photo is known by its path as it was on the card, or by its name alone where only one frame has it.

    Raises:
        DatasetError: `bad_json`: it cannot be read, or is no list of detections; nothing was changed.
    """
    places = _places(session)
    frames = boxes = persons = unknown = 0
    for name, entry in _entries(path):
        number = _find(places, name)
        if number is None:
            unknown += 1
            continue
        frame = session.get_one(Frame, number)
        frame.boxes = _read(path, name, entry, frame)
        frames, boxes = frames + 1, boxes + len(frame.boxes)
        persons += has_person(frame.boxes)
    return DetectionsReport(frames, boxes, persons, unknown)


def has_person(boxes: Sequence[Row] | None) -> bool:
    """Whether a detector found a person in a frame."""
    return any(row[0] == "person" for row in boxes or ())


def best_animal(boxes: Sequence[Row] | None) -> Box | None:
    """Give the part of a frame in which a detector is surest of an animal: left, top, right, bottom."""
    animals = [row for row in boxes or () if row[0] == "animal"]
    if not animals:
        return None
    _, _, left, top, width, height = max(animals, key=lambda row: float(row[1]))
    return left, top, left + width, top + height


def _places(session: Session) -> dict[str, int]:
    """Map what a frame may be called to its number: each end of its path that no other frame has."""
    places: dict[str, int | None] = {}
    for number, name in session.execute(select(Frame.id, Frame.name).where(Frame.clip_id.is_(None))):
        for end in _ends(str(name)):
            places[end] = None if end in places else int(number)
    return {end: number for end, number in places.items() if number is not None}


def _find(places: Mapping[str, int], name: str) -> int | None:
    return next((places[end] for end in _ends(name) if end in places), None)


def _ends(name: str) -> Iterator[str]:
    """Give a path and its ends, the longest first: a/b/c.jpg, b/c.jpg, c.jpg."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Give the name and entry of each photo, with its kinds of boxes."""
    content = _content(path)
    kinds: Mapping[str, str] = {}
    listed = content
    if isinstance(content, dict):
        keys = ("images", "predictions", "annotations")
        listed = next((content[key] for key in keys if isinstance(content.get(key), list)), None)
        kinds = next(
            (content[k] for k in ("detection_categories", "categories", "det_categories") if content.get(k)),
            {},
        )
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _bad(path, "no list of photos with detections is in it")
    for entry in listed:
        name = entry.get("file", entry.get("filepath", entry.get("img_id")))
        if name is None:
            raise _bad(path, "a photo in it has no name")
        yield str(name), {**entry, "kinds": kinds}


def _content(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise _bad(path, "it is larger than 1 GB; split it")
        return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError, OSError) as exc:
        raise _bad(path, str(exc)) from exc


def _read(path: Path, name: str, entry: Mapping[str, Any], frame: Frame) -> list[Row]:
    try:
        rows = list(_corners(entry, frame) if "bbox" in entry else _fractions(entry))
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _bad(path, f"the detections of {name!r} are not as the format has them") from exc
    return [row for row in rows if row[1] >= LEAST_CONF]


def _fractions(entry: Mapping[str, Any]) -> Iterator[Row]:
    for found in entry.get("detections") or []:
        left, top, width, height = map(float, found["bbox"])
        named = {**KINDS, **entry["kinds"]}
        kind = found.get("label") or named.get(str(found["category"]), str(found["category"]))
        yield _row(str(kind), float(found["conf"]), left, top, width, height)


def _corners(entry: Mapping[str, Any], frame: Frame) -> Iterator[Row]:
    kinds = entry.get("category", entry.get("det_category"))
    confidences = entry.get("confidence", entry.get("det_confidence"))
    named = {**KINDS_OF_CORNERS, **entry["kinds"]}
    for corners, kind, confidence in zip(entry["bbox"], kinds or [], confidences or [], strict=True):
        left, top, right, bottom = map(float, corners)
        yield _row(
            str(named.get(str(kind), kind)),
            float(confidence),
            left / frame.width,
            top / frame.height,
            (right - left) / frame.width,
            (bottom - top) / frame.height,
        )


def _row(kind: str, confidence: float, *box: float) -> Row:
    if not all(map(math.isfinite, (confidence, *box))):
        raise ValueError("a number that is none")
    left, top = (min(1.0, max(0.0, side)) for side in box[:2])
    width, height = min(1.0 - left, max(0.0, box[2])), min(1.0 - top, max(0.0, box[3]))
    kind = "person" if kind in ("human", "person") else kind
    return [kind, round(confidence, 4), *(round(side, 5) for side in (left, top, width, height))]


def _bad(path: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{path.name!r} cannot be used as a list of detections: {why}. Write it again from where it came.",
        code="bad_json",
    )
