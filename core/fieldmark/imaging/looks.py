"""How a photo looks, in a kilobyte: enough to find near duplicates, dark, blurred and tiny photos."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.images import Photo, open_photo
from fieldmark.imaging.capture import taken_by_exif
from fieldmark.imaging.hashing import difference_hash

LOOK_PX = 256
"""Shorter side at which brightness and sharpness are measured; a smaller photo stays as it is."""

BRIGHT_PCT = 95
"""Percent of the pixels that are no brighter than what is called the brightness."""

TINY_PX = 32
"""Side of the picture that is kept to compare photos by."""

SHARPNESS_TILES = 4
"""Sharpness is that of the sharpest of 4 × 4 tiles: a blurred background is no fault."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one look at a photo tells."""

    hash: str
    """SHA-256 of the file, hex."""
    format: str
    """What the file really is, as Pillow calls it."""
    width: int
    """Of the whole upright photo, in pixels."""
    height: int
    """Of the whole upright photo, in pixels."""
    taken: datetime | None
    """When, by the camera's clock; None when EXIF does not tell."""
    across: int
    """Difference hash of the rows, 64 bits."""
    down: int
    """Difference hash of the columns, 64 bits."""
    bright: float
    """Grey level below which 95 % of the pixels lie, 0 … 255."""
    sharp: float
    """Variance of the Laplacian of grey levels in the sharpest tile; photos in focus have hundreds."""
    tiny: npt.NDArray[np.uint8]
    """The photo in grey, (TINY_PX, TINY_PX)."""


def look_at(data: bytes, photo: Photo | None = None, *, digest: str | None = None) -> Look:
    """Decode a photo wholly, which also tells whether it is one, and measure it.

    Args:
        photo: what `open_photo(data, need_px=LOOK_PX)` gave, where somebody opened it already.
        digest: SHA-256 of the bytes, hex, where somebody knows it.
    Raises:
        BadImageError: the bytes are not accepted as a photo.
    """
    photo = photo or open_photo(data, need_px=LOOK_PX)
    grey = _shrunk(photo.image.convert("L"))
    return Look(
        hash=digest or hashlib.sha256(data).hexdigest(),
        format=photo.format,
        width=photo.width,
        height=photo.height,
        taken=taken_by_exif(photo.exif),
        across=difference_hash(grey),
        down=difference_hash(grey, down=True),
        bright=brightness(grey),
        sharp=sharpness(grey),
        tiny=np.asarray(grey.resize((TINY_PX, TINY_PX), Image.Resampling.BOX), np.uint8),
    )


def brightness(grey: Image.Image) -> float:
    """Give the 95th percentile of grey levels, between two of them where it falls there: from counts, not by sorting."""
    below = list(accumulate(grey.histogram()))
    place = (below[-1] - 1) * (BRIGHT_PCT / 100)
    low, high = (bisect_right(below, n) for n in (int(place), min(int(place) + 1, below[-1] - 1)))
    share = place - int(place)
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def sharpness(grey: Image.Image) -> float:
    """Measure the sharpest tile of a grey photo: the variance of its Laplacian (Pech-Pacheco 2000)."""
    pixels = np.asarray(grey, np.int16)
    if min(pixels.shape) < 3:
        return 0.0
    middle = pixels[1:-1, 1:-1]
    edges = 4 * middle - pixels[:-2, 1:-1] - pixels[2:, 1:-1] - pixels[1:-1, :-2] - pixels[1:-1, 2:]
    bands = np.array_split(edges, SHARPNESS_TILES, axis=0)
    tiles = [tile for band in bands for tile in np.array_split(band, SHARPNESS_TILES, axis=1) if tile.size]
    return float(max(tiles, key=_spread).var())


def _spread(tile: npt.NDArray[np.int16]) -> float:
    """The variance but for its last digit, in a fraction of the time of `var`: both sums are whole numbers."""
    values = tile.ravel().astype(np.float64)
    return float(values @ values / len(values) - (values.sum() / len(values)) ** 2)


def _shrunk(grey: Image.Image) -> Image.Image:
    scale = LOOK_PX / min(grey.size)
    if scale >= 1:
        return grey
    return grey.resize((round(grey.width * scale), round(grey.height * scale)), Image.Resampling.BOX)
