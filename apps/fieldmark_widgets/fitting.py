"""How one photo looks to the model, under each way of fitting it: small pictures for the trainer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.images import open_photo
from fieldmark.imaging.augment import AUGMENTS, Augment, ViewKind, augmented
from fieldmark.imaging.resize import Method, ResizeRule, fit_photo

METHODS: tuple[Method, ...] = ("crop", "squish", "pad")
VIEWS = 4
SHOWN_PX = 224


@dataclass(frozen=True)
class Fitting:
    """What the model would see of one photo, as JPEGs."""

    name: str
    methods: Mapping[Method, bytes]
    """By method."""
    views: Mapping[ViewKind, tuple[bytes, ...]]
    """Other views to learn from under the chosen method, by how they are made."""


def show_fitting(file: Path, name: str, chosen: Method, size_px: int) -> Fitting:
    """Fit a photo in every way, at the size the model gets.

    Raises:
        BadImageError: the photo cannot be read.
    """
    image = open_photo(file, need_px=2 * size_px).image
    methods = {method: _jpeg(fit_photo(image, ResizeRule(size_px, method))) for method in METHODS}
    rule = ResizeRule(size_px, chosen)
    views = {kind: tuple(_views(image, rule, augment)) for kind, augment in AUGMENTS.items()}
    return Fitting(name, methods, views)


def _views(image: Image.Image, rule: ResizeRule, augment: Augment) -> Iterator[bytes]:
    """The first views of a photo; the same ones each time it is looked at."""
    for view in range(1, VIEWS + 1):
        yield _jpeg(augmented(image, rule, [view, 7], augment))


def _jpeg(square: npt.NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(square)
    if image.width > SHOWN_PX:
        image = image.resize((SHOWN_PX, SHOWN_PX), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
