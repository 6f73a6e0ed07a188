"""How a photo becomes the square of pixels that a model looks at.

The rule is chosen before training and travels in the model file, so a photo is fitted the same way
by the trainer and by every program that uses the model later.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

Method = Literal["crop", "squish", "pad"]


@dataclass(frozen=True)
class ResizeRule:
    """Size of the square and what happens to a photo that is not square."""

    size_px: int = 224
    """Side of the square, in pixels; the backbone's own size is the safe choice."""
    method: Method = "crop"
    """`crop` keeps the middle, `squish` keeps everything and distorts, `pad` keeps everything on grey."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 32 <= self.size_px <= 1024:
            raise ValueError(f"size_px is {self.size_px}; it must lie between 32 and 1024")
        if self.method not in get_args(Method):
            raise ValueError(f"method is {self.method!r}; expected one of {', '.join(get_args(Method))}")

    def as_dict(self) -> dict[str, object]:
        """Plain values, for the model file."""
        return asdict(self)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

PADDING_GREY = 127
"""Zero after normalisation: the network sees nothing there."""


def fit_photo(image: Image.Image, rule: ResizeRule) -> npt.NDArray[np.uint8]:
    """Fit an RGB photo into the rule's square, for the model: uint8 (size, size, 3)."""
    if rule.method == "pad":
        return _padded(image, rule.size_px)
    box = _crop_box(image.size) if rule.method == "crop" else (0, 0, *image.size)
    size = (rule.size_px, rule.size_px)
    square = image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(square)


def seen_region(size: tuple[int, int], rule: ResizeRule) -> Box:
    """Which part of a photo the model sees, as fractions of its width and height.

    For `pad` the region reaches beyond the photo (below 0, above 1): the grey is part of the square.
    """
    width, height = size
    if rule.method == "squish":
        return (0.0, 0.0, 1.0, 1.0)
    if rule.method == "crop":
        left, top, right, bottom = _crop_box(size)
        return (left / width, top / height, right / width, bottom / height)
    over_x, over_y = (max(size) / width - 1) / 2, (max(size) / height - 1) / 2
    return (-over_x, -over_y, 1 + over_x, 1 + over_y)


def _crop_box(size: tuple[int, int]) -> Box:
    width, height = size
    side = min(size)
    left, top = (width - side) / 2, (height - side) / 2
    return (left, top, left + side, top + side)


def _padded(image: Image.Image, size_px: int) -> npt.NDArray[np.uint8]:
    scale = size_px / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    square = np.full((size_px, size_px, 3), PADDING_GREY, np.uint8)
    top, left = (size_px - height) // 2, (size_px - width) // 2
    square[top : top + height, left : left + width] = np.asarray(small)
    return square
