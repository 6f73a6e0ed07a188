"""A small set of photos to try everything on, made offline from three photographs that scikit-image ships.

Brick, grass and gravel (all CC0) are cut into patches. It is a sample to practise on and says nothing about
how well photos of one's own can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fieldmark.errors import DatasetError

TITLE = "Sample: brick, grass, gravel"
CREDIT = "Photographs of scikit-image (CC0), cut into patches: a sample to practise on."
CLASSES = ("brick", "grass", "gravel")
PATCH_PX = 64
"""Eight rows of eight patches in a photograph of 512 px."""
TRAIN_ROWS, VALID_ROWS = range(5), range(6, 8)
"""Neighbours look alike, so the row between the two sides is left out."""
MISLABELLED = {
    ("train", "brick", 7): "grass",
    ("train", "grass", 19): "gravel",
    ("train", "gravel", 3): "brick",
    ("train", "gravel", 31): "grass",
    ("valid", "grass", 5): "brick",
}
"""Side, class and number of the patches that get a wrong label on purpose, so that there is one to find."""


@dataclass(frozen=True)
class SamplePhoto:
    """One patch."""

    name: str
    label: str
    """As given; five of them are wrong on purpose."""
    split: str
    """"train" or "valid"."""
    image: Image.Image


def sample_photos(*, mislabelled: bool = True) -> Iterator[SamplePhoto]:
    """Cut the sample: 120 patches to train on, 48 to judge by.

    Args:
        mislabelled: give five of them a wrong label, for practising to clean.
    Raises:
        DatasetError: scikit-image is not installed.
    """
    wrong = MISLABELLED if mislabelled else {}
    for label in CLASSES:
        photograph = _photograph(label)
        for split, rows in (("train", TRAIN_ROWS), ("valid", VALID_ROWS)):
            for number, box in enumerate(_boxes(rows, photograph.width)):
                given = wrong.get((split, label, number), label)
                yield SamplePhoto(f"{label}-{split}-{number:02}.png", given, split, photograph.crop(box))


def write_sample(folder: Path, *, mislabelled: bool = True) -> Path:
    """Write the sample as train/<class>/… and valid/<class>/…, for importing; gives the folder back."""
    for photo in sample_photos(mislabelled=mislabelled):
        place = folder / photo.split / photo.label
        place.mkdir(parents=True, exist_ok=True)
        photo.image.save(place / photo.name)
    return folder


def _boxes(rows: range, width: int) -> Iterator[tuple[int, int, int, int]]:
    for row in rows:
        for left in range(0, width - PATCH_PX + 1, PATCH_PX):
            yield left, row * PATCH_PX, left + PATCH_PX, (row + 1) * PATCH_PX


def _photograph(label: str) -> Image.Image:
    try:
        from skimage import data
    except ImportError as exc:
        raise DatasetError(
            "The sample is cut from photographs of scikit-image, which is not installed. "
            "Install fieldmark[app], or use photos of your own.",
            code="no_sample",
        ) from exc
    return Image.fromarray(getattr(data, label)()).convert("RGB")
