"""Pixels: training photos decoded once, before the first epoch ("presizing"), for fine-tuning.

Each photo lies whole in a square somewhat larger than the network's, squashed if it is not square, beside
its shape; a random part of it is then cut, turned and un-squashed in one step. The squares are one plain
file that is mapped, not read: memory stays flat in the number of photos.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import Item
from fieldmark.errors import BadImageError, StoreError
from fieldmark.finetuning.checkpoint import write_durably
from fieldmark.images import Photo, open_photo
from fieldmark.imaging.resize import ResizeRule, fit_photo
from fieldmark.parallel import in_threads

Pixels = npt.NDArray[np.uint8]  # (photos, side, side, 3)
Aspects = npt.NDArray[np.float32]  # (photos,) width / height

DATA, INDEX = "pixels.u8", "pixels.json"
ROOM = 9 / 7
"""How much larger than the network's square: the largest part is shrunk by it, the smallest enlarged by 1.1."""


@dataclass(frozen=True)
class PixelCache:
    """Squares of the photos that could be read."""

    pixels: Pixels
    aspects: Aspects
    """Shape that a square has to be pulled to before parts are cut; 1 where the model sees it squashed too."""
    kept: tuple[int, ...]
    """Places of those photos among the ones asked for."""

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self.aspects)


def cache_pixels(
    items: Sequence[Item], rule: ResizeRule, folder: Path, callback: Callback = silent
) -> PixelCache:
    """Decode photos into `folder`, for training; a later call with the same photos only opens what is there.

    Raises:
        StoreError: the folder cannot be written.
        Cancelled: the callback asked to stop.
    """
    side = square_side(rule)
    made_of = {"rule": rule.as_dict(), "side": side, "photos": [item.hash for item in items]}
    data, index = folder / DATA, folder / INDEX
    found = json.loads(index.read_text("utf-8")) if index.exists() else {}
    if found.get("made_of") != made_of:
        try:
            index.unlink(missing_ok=True)  # an index never stands beside pixels that it does not describe
            found = {"made_of": made_of, **_decode(items, rule, side, data, callback)}
        except OSError as exc:
            gib = len(items) * side * side * 3 / 2**30
            raise StoreError(
                f"The photos cannot be prepared in {str(folder)!r}: {exc.strerror}. They take {gib:.1f} GiB there; "
                "free some space, or choose another folder.",
                code="cannot_save",
            ) from exc
        write_durably(index, json.dumps(found).encode())
    shape = (len(found["kept"]), side, side, 3)
    pixels = np.memmap(data, np.uint8, mode="r", shape=shape) if found["kept"] else np.empty(shape, np.uint8)
    return PixelCache(pixels, np.array(found["aspects"], np.float32), tuple(found["kept"]))


def drop_pixels(folder: Path) -> None:
    """Remove what `cache_pixels` made: gigabytes, made again in much less time than an epoch takes."""
    for name in (INDEX, DATA):  # the index first: it never stands without pixels
        with suppress(OSError):  # a system that keeps open files; the next run writes over it
            (folder / name).unlink(missing_ok=True)


def square_side(rule: ResizeRule) -> int:
    """Side of the squares, in pixels."""
    return round(rule.size_px * ROOM)


def _decode(
    items: Sequence[Item], rule: ResizeRule, side: int, data: Path, callback: Callback
) -> dict[str, list[int] | list[float]]:
    data.parent.mkdir(parents=True, exist_ok=True)
    kept: list[int] = []
    aspects: list[float] = []
    with data.open("wb") as file:
        for place, result in enumerate(in_threads(lambda item: _square(item, rule, side), items)):
            if result is not None:
                square, aspect = result
                file.write(square.tobytes())
                kept.append(place)
                aspects.append(aspect)
            callback(Progress("Preparing photos", place + 1, len(items)))
    return {"kept": kept, "aspects": aspects}


def _square(item: Item, rule: ResizeRule, side: int) -> tuple[Pixels, float] | None:
    """Fit the whole photo into a square; None where it cannot be read (any more)."""
    try:
        photo = open_photo(item.path, need_px=side)
    except BadImageError:
        return None
    if rule.method == "pad":
        return fit_photo(photo.image, replace(rule, size_px=side)), 1.0
    return _squashed(photo.image, side), _aspect(photo, rule)


def _squashed(image: Image.Image, side: int) -> Pixels:
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _aspect(photo: Photo, rule: ResizeRule) -> float:
    return photo.width / photo.height if rule.method == "crop" else 1.0
