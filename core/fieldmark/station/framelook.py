"""How a frame looks: by day or night, how bright and sharp, and which picture it repeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from PIL import Image

from fieldmark.images import open_photo
from fieldmark.imaging.capture import taken_by_exif
from fieldmark.imaging.hashing import difference_hash
from fieldmark.imaging.looks import LOOK_PX, sharpness

GREY_MAX = 3 / 255
"""Mean |R − G| + |G − B| below which a frame is infrared: by night cameras take no colours."""
SAME_BITS = 5
"""Difference hashes of 64 bits that differ in so few show the same picture."""


@dataclass(frozen=True)
class FrameLook:
    """What one look at a frame tells."""

    width: int
    """Of the whole frame, in pixels."""
    height: int
    """Of the whole frame, in pixels."""
    captured: datetime | None
    """By the camera's clock."""
    is_night: bool
    brightness: float
    """Mean grey level, 0 … 255."""
    sharpness: float
    """Variance of the Laplacian in the sharpest tile."""
    look: str
    """Difference hash, 16 hexadecimal digits."""


def look_at_frame(data: bytes) -> FrameLook:
    """Decode a frame wholly, which also tells whether it is one, and measure it; raises as `decode_frame`."""
    return decode_frame(data)[0]


def decode_frame(data: bytes) -> tuple[FrameLook, Image.Image]:
    """Look at a frame, and give what it was looked at by: RGB, both sides `LOOK_PX` or more where they were.

    Raises:
        BadImageError: the bytes are not accepted as a photo.
    """
    photo = open_photo(data, need_px=LOOK_PX)
    small = photo.image.copy()
    small.thumbnail((LOOK_PX, LOOK_PX), Image.Resampling.BOX)
    grey = small.convert("L")
    look = FrameLook(
        photo.width,
        photo.height,
        taken_by_exif(photo.exif),
        _is_grey(small),
        float(np.asarray(grey).mean()),
        sharpness(grey),
        f"{difference_hash(grey):016x}",
    )
    return look, photo.image


def is_same_picture(one: str, other: str) -> bool:
    """Whether two looks are of the same picture, as in a burst of a still scene."""
    return (int(one, 16) ^ int(other, 16)).bit_count() <= SAME_BITS


def _is_grey(image: Image.Image) -> bool:
    red, green, blue = (channel.astype(np.float32) for channel in np.moveaxis(np.asarray(image), 2, 0))
    return float((np.abs(red - green) + np.abs(green - blue)).mean()) / 255 < GREY_MAX
