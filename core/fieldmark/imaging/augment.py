"""Augmentation: other views of a photo that show the same thing, for training only.

The ranges are those of the fastai book's `aug_transforms` and `RandomResizedCrop`: a part of the photo, flipped,
turned, brighter or darker. A view depends on the photo and the view's number alone, so it can be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.imaging.resize import PADDING_GREY, ResizeRule, fit_photo


@dataclass(frozen=True)
class Augment:
    """How far a view may lie from its photo."""

    min_scale: float = 0.5
    """Smallest share of the photo's area that is kept."""
    max_stretch: float = 4 / 3
    """Largest ratio by which the part's sides differ from the photo's."""
    max_rotate: float = 10.0
    """Degrees, either way."""
    max_lighting: float = 0.2
    """Change of brightness and of contrast, either way."""
    flip: bool = True
    """Mirror half of the views; not where left and right matter."""


DEFAULT_AUGMENT = Augment()

ViewKind = Literal["random_crop", "augmented"]
AUGMENTS: Mapping[ViewKind, Augment] = {
    "random_crop": Augment(max_rotate=0.0, max_lighting=0.0, flip=False),
    "augmented": DEFAULT_AUGMENT,
}
"""The book's two steps: a random part of the photo; the same, and flipped, turned, brighter or darker."""


def augmented(
    image: Image.Image, rule: ResizeRule, seed: int | list[int], augment: Augment = DEFAULT_AUGMENT
) -> npt.NDArray[np.uint8]:
    """Make one view of an upright RGB photo, for training: uint8 (size, size, 3), the same for the same seed."""
    rng = np.random.default_rng(seed)
    part = image.crop(_random_box(image.size, augment, rng))
    if augment.flip and rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    square = Image.fromarray(fit_photo(part, rule))
    angle = rng.uniform(-augment.max_rotate, augment.max_rotate)
    grey = (PADDING_GREY,) * 3
    turned = square.rotate(angle, Image.Resampling.BILINEAR, fillcolor=grey)
    return _relit(np.asarray(turned), augment.max_lighting, rng)


def _random_box(
    size: tuple[int, int], augment: Augment, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A part of random area and shape somewhere in the photo (Szegedy et al. 2015, arXiv 1409.4842)."""
    scale = rng.uniform(augment.min_scale, 1.0)
    log_stretch = np.log(augment.max_stretch)
    stretch = np.exp(rng.uniform(-log_stretch, log_stretch))
    width = min(size[0], max(1, round(size[0] * np.sqrt(scale * stretch))))
    height = min(size[1], max(1, round(size[1] * np.sqrt(scale / stretch))))
    left, top = int(rng.integers(size[0] - width + 1)), int(rng.integers(size[1] - height + 1))
    return left, top, left + width, top + height


def _relit(square: npt.NDArray[np.uint8], most: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    contrast, brightness = 1 + rng.uniform(-most, most), 255 * rng.uniform(-most, most) / 2
    levels = np.arange(256, dtype=np.float32)
    table = np.clip((levels - 127.5) * contrast + 127.5 + brightness, 0, 255).astype(np.uint8)
    return np.asarray(table[square])
