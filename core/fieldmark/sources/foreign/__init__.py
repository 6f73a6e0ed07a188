"""Photos as other programs keep them: COCO, camera traps, MegaDetector, Hugging Face, video."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback
from fieldmark.errors import DatasetError
from fieldmark.sources.foreign.coco import from_coco, is_coco
from fieldmark.sources.foreign.imagefolder import from_imagefolder, is_imagefolder
from fieldmark.sources.foreign.listed import photo_base
from fieldmark.sources.foreign.megadetector import from_detections, is_detections
from fieldmark.sources.foreign.video import VIDEO_SUFFIXES, from_video
from fieldmark.sources.source import Source

__all__ = ["open_foreign"]

MAX_JSON_BYTES = 1_000_000_000


def open_foreign(path: Path, staging: Path, callback: Callback) -> Source | None:
    """List the photos of a file or folder that another program made; None where it is none of those.

    Raises:
        DatasetError: it is one, and cannot be used.
    """
    if path.is_dir():
        return from_imagefolder(path) if is_imagefolder(path) else None
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return from_video(path, staging, callback)
    if path.suffix.lower() != ".json":
        return None
    content = _read(path)
    kinds: tuple[tuple[Callable[[Any], bool], Callable[[], Source]], ...] = (
        (is_coco, lambda: from_coco(content, photo_base(path))),
        (is_detections, lambda: from_detections(content, path.parent, staging, callback)),
    )
    for fits, read in kinds:
        if fits(content):
            return read()
    raise DatasetError(
        f"{path.name!r} is no list of photos that is known here. COCO, COCO Camera Traps, MegaDetector or SpeciesNet was "
        "expected.",
        code="not_a_source",
    )


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DatasetError(f"{path.name!r} is larger than 1 GB. Split it.", code="bad_json")
        return json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError, OSError) as exc:
        raise DatasetError(
            f"{path.name!r} cannot be read as JSON ({exc}). Write it again from where it came.",
            code="bad_json",
        ) from exc
