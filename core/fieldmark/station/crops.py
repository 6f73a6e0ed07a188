"""Crops: the part of a frame in which something is, so that small and far animals are seen larger."""

from __future__ import annotations

from PIL import Image

from fieldmark.imaging.resize import Box

SMALLEST = 0.25
"""Of the frame's height: a crop is never smaller, because then it shows fur and no animal."""
MARGIN = 0.15
"""Of the part's longer side, on each side: ears and tails stay in the picture."""


def cut_out(image: Image.Image, part: Box) -> Image.Image:
    """Cut a square out around a part, as far as the frame goes.

    Args:
        part: left, top, right and bottom as fractions.
    """
    width, height = image.size
    left, top, right, bottom = part[0] * width, part[1] * height, part[2] * width, part[3] * height
    side = max(right - left, bottom - top) * (1 + 2 * MARGIN)
    side = min(max(side, SMALLEST * height), width, height)
    x = min(max((left + right - side) / 2, 0), width - side)
    y = min(max((top + bottom - side) / 2, 0), height - side)
    return image.crop((round(x), round(y), round(x + side), round(y + side)))
