"""Field check: how often a model is right when photos are worse than those it was judged by.

The book's warning before anybody deploys: night, bad cameras, a bear from behind a bush. The held-out photos
are made so on purpose, and each table row has its n and interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from fieldmark.callbacks import Callback, silent
from fieldmark.errors import FieldmarkError
from fieldmark.imaging.loading import Fit, Square
from fieldmark.imaging.resize import PADDING_GREY, ResizeRule, fit_photo
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner
from fieldmark.results.comparison import LEVEL, mcnemar
from fieldmark.results.judging import judge_items
from fieldmark.results.rightof import RightOf

Alter = Callable[[Image.Image], Image.Image]

DARKER = 0.25
"""Share of the light that is left: dusk."""
BLUR_SHARE = 0.015
"""Radius of the blur, as a share of the shorter side: out of focus, or moving."""
SMALL_SHARE = 0.4
"""Side of the photo within a grey frame: the animal is far away."""
LOW_PX = 48
"""Shorter side of a photo of low resolution, before it is enlarged again."""
HIDDEN_SHARE = 0.5
"""Share of the width that bars hide: grass, branches, a fence."""
BARS = 8
TILT_DEGREES = 25


def grey(photo: Image.Image) -> Image.Image:
    """As an infrared camera sees it at night."""
    return ImageOps.grayscale(photo).convert("RGB")


def dark(photo: Image.Image) -> Image.Image:
    """A quarter of the light."""
    return ImageEnhance.Brightness(photo).enhance(DARKER)


def blurred(photo: Image.Image) -> Image.Image:
    """Out of focus."""
    return photo.filter(ImageFilter.GaussianBlur(BLUR_SHARE * min(photo.size)))


def small(photo: Image.Image) -> Image.Image:
    """Far away: the photo, small, in a grey frame."""
    frame = Image.new("RGB", photo.size, (PADDING_GREY,) * 3)
    size = (max(1, round(photo.width * SMALL_SHARE)), max(1, round(photo.height * SMALL_SHARE)))
    place = ((photo.width - size[0]) // 2, (photo.height - size[1]) // 2)
    frame.paste(photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), place)
    return frame


def low_resolution(photo: Image.Image) -> Image.Image:
    """As from a cheap camera, or cut out of a large photo."""
    scale = LOW_PX / min(photo.size)
    if scale >= 1:
        return photo
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.resize(size, Image.Resampling.BILINEAR).resize(photo.size, Image.Resampling.BILINEAR)


def partly_hidden(photo: Image.Image) -> Image.Image:
    """Behind upright bars that hide half of it."""
    pixels = np.array(photo)
    stripes = (np.arange(photo.width) * BARS / photo.width) % 1 < HIDDEN_SHARE
    pixels[:, stripes] = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    return Image.fromarray(pixels)


def tilted(photo: Image.Image) -> Image.Image:
    """From a camera that hangs askew."""
    return photo.rotate(TILT_DEGREES, Image.Resampling.BILINEAR, fillcolor=(PADDING_GREY,) * 3)


CONDITIONS: dict[str, Alter] = {
    "grey": grey,
    "dark": dark,
    "blurred": blurred,
    "small": small,
    "low-resolution": low_resolution,
    "partly hidden": partly_hidden,
    "tilted": tilted,
}


@dataclass(frozen=True)
class Condition(RightOf):
    """How the model does when photos are altered in one way."""

    name: str
    """A key of CONDITIONS, or "as it is"."""
    n: int
    right: int
    spoilt: int
    """Photos that were right as they are and are wrong now."""
    mended: int
    """Photos that were wrong as they are and are right now."""
    wrong: frozenset[str] = frozenset()
    """SHA-256 of the photos answered wrongly."""

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than on the photos as they are; an exact McNemar test says so."""
        return self.spoilt > self.mended and mcnemar(self.mended, self.spoilt) < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "condition": self.name,
            "n": self.n,
            "right": self.right,
            "accuracy": self.accuracy,
            "accuracy_ci": list(self.ci),
            "worse": self.is_worse,
        }


@dataclass(frozen=True)
class FieldCheck:
    """Accuracy on the held-out photos as they are and altered."""

    as_it_is: Condition
    conditions: tuple[Condition, ...]

    @property
    def limits(self) -> tuple[str, ...]:
        """Sentences for the model card: what it was measured under, and where it is worse, with figures."""
        names = ", ".join(f"{one.name} {one.right}" for one in self.conditions)
        measured = (
            f"Measured under worse conditions, on the same {self.as_it_is.n} held-out photos altered on purpose; right "
            f"are: as they are {self.as_it_is.right}, {names}."
        )
        return measured, *(
            f"On photos made {one.name} it is right in {one.right} of {one.n} "
            f"({one.accuracy:.0%}, 95 % {one.ci.low:.0%}–{one.ci.high:.0%}), as they are in {self.as_it_is.right}."
            for one in self.conditions
            if one.is_worse
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"conditions": [one.as_dict() for one in (self.as_it_is, *self.conditions)]}


def field_check(learner: Learner, callback: Callback = silent) -> FieldCheck:
    """Judge a fitted learner on its held-out photos, altered in seven ways; some seconds for 100 photos.

    Raises:
        NotTrainedError: `fit` was not called.
        FieldmarkError: `nothing_held_out`: there are no photos to judge by.
    """
    items = learner.valid.items
    if not items:
        raise FieldmarkError(
            "No photo is held out, so there is nothing to alter and judge by. Train with photos held out.",
            code="nothing_held_out",
        )
    plain = judge_items(learner, items, callback=callback)
    rows = [_compared("as it is", plain, plain)]
    for name, alter in CONDITIONS.items():
        fit = _altered(alter, learner.config.rule)
        judged = judge_items(learner, plain.items, fit=fit, step=f"Judging {name} photos", callback=callback)
        rows.append(_compared(name, plain, judged))
    return FieldCheck(rows[0], tuple(rows[1:]))


def _altered(alter: Alter, rule: ResizeRule) -> Fit:
    def fit(image: Image.Image, _place: int) -> Square:
        return fit_photo(alter(image.convert("RGB")), rule)

    return fit


def _compared(name: str, plain: Interpretation, judged: Interpretation) -> Condition:
    before, after = plain.preds == plain.targs, judged.preds == judged.targs
    spoilt, mended = int((before & ~after).sum()), int((~before & after).sum())
    wrong = frozenset(item.hash for item in judged.wrong)
    return Condition(name, len(after), int(after.sum()), spoilt, mended, wrong)
