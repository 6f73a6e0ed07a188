"""What the browser is shown of a photo: encoded anew, small, without metadata, never the bytes as they came."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from fieldmark.images import encode_display, open_photo
from fieldmark.prediction import ActivationMap
from fieldmark_widgets.shelf import InMemory, Kept

SHOWN_PX = 1024
"""Longer side of the large picture."""
THUMB_PX = 176
"""Side of a square thumbnail: 88 px on a screen of double density."""
MAP_PX = 224
"""Longer side of the overlay, which is smooth and needs no more."""

# Amber to orange: a glow on dark fur, a tint on snow, and the photo stays visible underneath.
_COOL, _HOT = np.array([255.0, 205.0, 70.0]), np.array([255.0, 100.0, 20.0])
_MAX_ALPHA = 128.0
_FADE = 0.12
"""Share of the overlay's side over which it fades."""
_FLOOR = 0.25
"""Below this share of the strongest place the overlay is clear."""


@dataclass(frozen=True)
class Picture:
    """A photo as it is shown."""

    large: Kept
    """The JPEG, out of memory where whoever made this keeps many."""
    thumb: bytes
    """A square JPEG, cropped from the middle."""
    width: int
    """Of `jpeg`, in pixels."""
    height: int
    """Of `jpeg`, in pixels."""
    notes: tuple[str, ...]
    """What the visitor should know about how it was read."""

    @property
    def jpeg(self) -> bytes:
        """The large picture."""
        return self.large.read()


def make_picture(content: bytes, keep: Callable[[bytes], Kept] = InMemory) -> Picture:
    """Decode a photo and encode what is shown of it.

    Args:
        keep: where the large picture goes.
    Raises:
        BadImageError: it is not accepted.
    """
    photo = open_photo(content, need_px=SHOWN_PX)
    shown = photo.image
    shown.thumbnail((SHOWN_PX, SHOWN_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Picture(
        large=keep(encode_display(shown, max_px=SHOWN_PX)),
        thumb=encode_display(_square(shown), max_px=THUMB_PX, quality=80),
        width=shown.width,
        height=shown.height,
        notes=photo.notes,
    )


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def draw_map(activation: ActivationMap) -> bytes:
    """Draw an activation map as a PNG that is clear where the model did not look.

    It has the shape of `activation.values` and covers `activation.region` of the photo.
    """
    height, width = activation.values.shape
    scale = MAP_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smooth = Image.fromarray(activation.values.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    strength = np.clip((np.asarray(smooth) - _FLOOR) / (1 - _FLOOR), 0, 1)[..., None]  # (h, w, 1)
    colour = _COOL + (_HOT - _COOL) * strength
    alpha = _MAX_ALPHA * strength**0.75 * _fade(size, activation.region)
    rgba = np.concatenate([colour, alpha], axis=-1).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(buffer, "PNG")
    return buffer.getvalue()


def _fade(
    size: tuple[int, int], region: tuple[float, float, float, float]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """1 inside, falling to 0 at each side where the photo goes on beyond what the model saw: (height, width, 1).

    A glow that ends in a straight line would look like a thing in the photo.
    """
    left, top, right, bottom = region
    across = _ramp(size[0], left > 0) * _ramp(size[0], right < 1)[::-1]
    down = _ramp(size[1], top > 0) * _ramp(size[1], bottom < 1)[::-1]
    return (down[:, None] * across[None, :])[..., None]


def _ramp(length: int, fades: bool) -> np.ndarray[Any, np.dtype[np.float64]]:
    position = (np.arange(length) + 0.5) / length
    return np.clip(position / _FADE, 0, 1) if fades else np.ones(length)
