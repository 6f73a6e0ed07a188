"""Detections of MegaDetector and of SpeciesNet: what was found is cut out, and becomes a photo of its own.

After the batch format of MegaDetector (images, detection_categories) and SpeciesNet's predictions.json (predictions).
Boxes are x, y, width and height as parts of the picture. A crop is called what a classifier said of it, else what the
photo's folder says, else the detector's own word.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fieldmark.callbacks import Callback, Progress
from fieldmark.dataset import Rejected
from fieldmark.errors import BadImageError, DatasetError
from fieldmark.images import open_photo
from fieldmark.imaging.capture import capture_time
from fieldmark.imaging.file import read_source
from fieldmark.sources.foreign.listed import find_listed, missing
from fieldmark.sources.source import Candidate, Source

LEAST_CONF = 0.2
"""What MegaDetector's authors advise to begin with."""
MARGIN = 0.1
"""Of the box's sides, on each side: ears and tails stay in the picture."""
LEAST_PX = 16
"""A shorter side shows nothing."""
_TAKEN = 0x9003
_KINDS = {"1": "animal", "2": "person", "3": "vehicle"}
"""MegaDetector's own categories, where a file does not name them."""


@dataclass(frozen=True, slots=True)
class Box:
    """What was found in one photo."""

    label: str
    """What a classifier or the detector called it."""
    classified: bool
    """Whether `label` is more than the detector's word."""
    left: float
    top: float
    width: float
    height: float


def is_detections(content: Any) -> bool:
    """Whether it is one, by its list."""
    if not isinstance(content, dict):
        return False
    entries = content.get("images", content.get("predictions"))
    return isinstance(entries, list) and all(
        isinstance(e, dict) and ("file" in e or "filepath" in e) for e in entries[:5]
    )


def from_detections(content: Mapping[str, Any], base: Path, staging: Path, callback: Callback) -> Source:
    """Cut out what was found, into `staging`; photos lie relative to `base`.

    Raises:
        DatasetError: `bad_json`: something in it is not as the formats have it.
    """
    entries: Sequence[Mapping[str, Any]] = content.get("images") or content.get("predictions") or []
    staging.mkdir(parents=True, exist_ok=True)
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for done, entry in enumerate(entries, 1):
        name = str(entry.get("file", entry.get("filepath")))
        found = find_listed(base, name)
        if found is None:
            rejected.append(missing(name))
            continue
        try:
            boxes = list(_boxes(entry, content))
            candidates += _crops(found, name, boxes, staging, len(candidates))
        except BadImageError as exc:
            rejected.append(Rejected(Path(name), exc.code, str(exc)))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise DatasetError(
                f"The detections of {name!r} are not as the format has them ({type(exc).__name__}: {exc}).",
                code="bad_json",
            ) from exc
        if not boxes:
            rejected.append(
                Rejected(
                    Path(name),
                    "nothing_found",
                    f"Nothing was found in it with a confidence of {LEAST_CONF:g}.",
                )
            )
        callback(Progress("Cutting out", done, len(entries)))
    return Source(tuple(candidates), tuple(rejected), 0)


def _boxes(entry: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[Box]:
    kinds = content.get("detection_categories") or _KINDS
    species = content.get("classification_categories") or {}
    whole = str(entry.get("prediction", "")).split(";")[-1].strip()  # SpeciesNet: the common name comes last
    detections = [d for d in entry.get("detections") or [] if float(d["conf"]) >= LEAST_CONF]
    for detection in detections:
        left, top, width, height = map(float, detection["bbox"])
        if not all(map(math.isfinite, (left, top, width, height))):
            raise ValueError("a box that is no number")
        kind = str(detection.get("label") or kinds.get(str(detection["category"]), detection["category"]))
        ranked = detection.get("classifications") or []
        said = str(species.get(str(ranked[0][0]), ranked[0][0])) if ranked else whole
        yield Box(said or kind, bool(said), left, top, width, height)


def _crops(file: Path, name: str, boxes: Sequence[Box], staging: Path, first: int) -> list[Candidate]:
    if not boxes:
        return []
    data = read_source(file)
    image = open_photo(data).image
    taken = capture_time(data).taken
    folder = Path(name.replace("\\", "/")).parent.name
    crops: list[Candidate] = []
    for number, box in enumerate(boxes):
        crop = _cut(image, box)
        if min(crop.size) < LEAST_PX:
            continue
        place = staging / f"crop-{first + len(crops)}.jpg"
        place.write_bytes(_encoded(crop, taken.strftime("%Y:%m:%d %H:%M:%S") if taken else None))
        label = box.label if box.classified or not folder else folder
        stem = Path(name.replace("\\", "/"))
        crops.append(
            Candidate(place, str(stem.with_name(f"{stem.stem}-{number}.jpg").as_posix()), label, group=name)
        )
    return crops


def _cut(image: Image.Image, box: Box) -> Image.Image:
    """Cut a box out with its margin, as far as the photo goes."""
    x, y = box.width * MARGIN, box.height * MARGIN
    left, right = (max(0.0, min(1.0, side)) for side in (box.left - x, box.left + box.width + x))
    top, bottom = (max(0.0, min(1.0, side)) for side in (box.top - y, box.top + box.height + y))
    corners = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    sides = [round(corner) for corner in corners]
    return image.crop((sides[0], sides[1], max(sides[0] + 1, sides[2]), max(sides[1] + 1, sides[3])))


def _encoded(crop: Image.Image, taken: str | None) -> bytes:
    """Encode a crop; of what the file knew, only the date goes with it."""
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(0x8769)[_TAKEN] = taken
    file = io.BytesIO()
    crop.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()
