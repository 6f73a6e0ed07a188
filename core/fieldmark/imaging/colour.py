"""Any colour mode to 8-bit RGB: wider numbers are scaled, transparency is laid on white."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

WHITE = (255, 255, 255)

BAND_PIXELS = 4_000_000
"""Images beyond this are converted in bands, so that what lies between costs no more than a band."""

_16_BIT_MODES = frozenset(("I;16", "I;16L", "I;16B", "I;16N"))
_WHITE_POINTS = (1.0, 255.0, 65535.0)
"""Usual values of white in images of 32-bit numbers; the first that no pixel exceeds is taken."""


def to_rgb(image: Image.Image, *, need_px: int | None = None) -> Image.Image:
    """Convert a decoded image to 8-bit RGB, always as a new image without metadata.

    Args:
        image: in any mode that Pillow's openers give.
        need_px: a large image is shrunk on the way by a whole number; both sides stay at least twice this
            long, so that whoever resizes it next still chooses how.
    """
    white = _white_point(image) if image.mode in ("I", "F") else 255.0
    if image.width * image.height <= BAND_PIXELS:
        rgb = _convert(image, white)
        rgb.info.clear()
        return rgb
    factor = max(1, min(image.size) // (2 * need_px)) if need_px else 1
    rgb = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top, band in _bands(image, factor):
        rgb.paste(_convert(band, white).reduce(factor), (0, top // factor))
    return rgb


def _bands(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Give strips over the full width with their first row, a multiple of `factor`."""
    rows = max(1, BAND_PIXELS // 4 // image.width // factor) * factor
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _convert(image: Image.Image, white: float) -> Image.Image:
    if image.mode in _16_BIT_MODES:
        return _from_16_bit(image)
    if image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, np.float32), posinf=white)
        return Image.fromarray((values.clip(0, white) * (255 / white) + 0.5).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Keep the high byte, as Pillow does for 16-bit colour; its own conversion clips grey to white."""
    values = np.asarray(image)
    grey = (values >> 8).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgb = Image.new("RGB", image.size, WHITE)
    rgb.paste(image, mask=image.getchannel("A"))
    return rgb


def _white_point(image: Image.Image) -> float:
    """Guess the value of white from the largest finite one."""
    tops = [np.nan_to_num(np.asarray(band, np.float32), posinf=0).max() for _, band in _bands(image)]
    top = float(max(tops))
    return next((white for white in _WHITE_POINTS if top <= white), top)
